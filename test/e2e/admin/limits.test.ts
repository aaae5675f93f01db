import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { type Instance, limits, type ServiceKey } from '../../../src/core/broker/index.ts'
import { startAdminWorld, told } from './world.ts'

const { server, services, admin, close } = await startAdminWorld()
after(close)
const { store } = services
const newId = () => randomBytes(16).toString('base64url')

const template = async (): Promise<Instance> => {
  await admin.call('POST', '/instances', { name: 'template' })
  return (await store.read.instances.find(server.tenant.id, 'template'))!
}
/** One transaction for all: the way of the API would take minutes. */
const insertKeys = (instance: Instance, count: number) =>
  store.write(async ({ keys }) => {
    for (let i = 0; i < count; i++) {
      const key: ServiceKey = {
        id: newId(),
        tenantId: instance.tenantId,
        instanceId: instance.id,
        name: `bulk-${i}`,
        type: 'secret',
        clientId: `bulk-${instance.name}-${i}`,
        generation: 1,
        secretDigest: randomBytes(32),
        previousSecretDigest: undefined,
        previousSecretUntil: undefined,
        pinned: true,
        validityDays: undefined,
        createdAt: server.now(),
        expiresAt: undefined,
      }
      await keys.insert(key)
    }
  })

test('an instance holds 1000 keys; the next is refused and the limit named', async () => {
  assert.equal(limits.keysPerInstance, 1000)
  const instance = await template()
  await insertKeys(instance, 999)
  const create = (name: string) => admin.call('POST', '/instances/template/keys', { name })
  assert.equal((await create('the-1000th')).status, 201)
  const answer = await create('one-more')
  assert.equal(answer.status, 409)
  assert.equal(answer.json().error, 'limit_reached')
  assert.match(told(answer), /keys of an instance: the limit is 1000 \| Delete what is not used/)
  await admin.call('DELETE', '/instances/template/keys/bulk-0')
  const both = await Promise.all([create('one-more'), create('two-more')])
  assert.deepEqual(
    both.map(answer => answer.status).sort(),
    [201, 409],
    'two at once do not pass the limit either',
  )
  const { keys } = (await admin.call('GET', '/instances/template/keys')).json<{ keys: unknown[] }>()
  assert.equal(keys.length, 1000)
  await admin.call('POST', '/instances', { name: 'another' })
  assert.equal((await admin.call('POST', '/instances/another/keys', { name: 'k' })).status, 201)
})

test('a tenant holds 2500 instances; the next is refused and the limit named', async () => {
  assert.equal(limits.instancesPerTenant, 2500)
  const model = await template()
  const there = await store.read.instances.count(server.tenant.id)
  await store.write(async ({ instances }) => {
    for (let i = there; i < 2499; i++)
      await instances.insert({ ...model, id: newId(), name: `bulk-${i}`, roles: [] })
  })
  const create = (name: string) => admin.call('POST', '/instances', { name })
  assert.equal((await create('the-2500th')).status, 201)
  const answer = await create('one-more')
  assert.equal(answer.status, 409)
  assert.match(told(answer), /instances of a tenant: the limit is 2500/)
  await admin.call('DELETE', '/instances/the-2500th')
  assert.equal((await create('one-more')).status, 201)
})

test('a tenant holds 1000 roles; the next is refused and the limit named', async () => {
  const there = (await store.read.roles.list(server.tenant.id)).length
  await store.write(async ({ roles }) => {
    for (let i = there; i < limits.rolesPerTenant; i++)
      await roles.insert({
        tenantId: server.tenant.id,
        name: `Bulk.${i}`,
        description: '',
        createdAt: server.now(),
      })
  })
  const answer = await admin.call('POST', '/roles', { name: 'One.more' })
  assert.equal(answer.status, 409)
  assert.match(told(answer), /roles of a tenant: the limit is 1000/)
})
