import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { orThrow } from '../../support/server.ts'
import { flowFile } from '../worker/world.ts'
import { type Json, startAdminWorld, told } from './world.ts'

const { server, services, admin, close } = await startAdminWorld()
after(close)

const create = (name: string, description?: string) =>
  admin.call('POST', '/roles', { name, ...(description !== undefined && { description }) })
const remove = (name: string) => admin.call('DELETE', `/roles/${name}`)
const names = async () =>
  (await admin.call('GET', '/roles')).json<{ roles: Json[] }>().roles.map(role => String(role.name))

test('the predefined role is there from the start and belongs to Countersign', async () => {
  const { roles } = (await admin.call('GET', '/roles')).json<{ roles: Json[] }>()
  assert.deepEqual(roles[0], {
    name: 'ESBMessaging.send',
    description: 'Send messages to integration flows',
    owner: 'Countersign',
  })
})

test('a role is made with a description and belongs to the tenant administrator', async () => {
  const made = await create('Orders.send', 'Send orders')
  assert.equal(made.status, 201)
  const role = { name: 'Orders.send', description: 'Send orders', owner: 'Tenant Administrator' }
  assert.deepEqual(made.json(), role)
  const { roles } = (await admin.call('GET', '/roles')).json<{ roles: Json[] }>()
  assert.deepEqual(roles.at(-1), role)
})

test('names have letters, digits, _ and . only', async () => {
  for (const name of ['a', '_', '.', '0', 'A_b.9', 'x'.repeat(100)])
    assert.equal((await create(name)).status, 201, name)
  for (const name of ['', 'x'.repeat(101), 'a b', 'a-b', 'a/b', 'ä', 'a\n', 'a:b', 'a*']) {
    const answer = await create(name)
    assert.equal(answer.status, 400, name)
    assert.match(told(answer), /1 to 100 characters out of A-Z a-z 0-9 _ \./)
  }
})

test('two roles that differ only in case are refused', async () => {
  await create('Case.role')
  assert.match(told(await create('Case.role')), /role Case\.role exists already/)
  for (const name of ['case.role', 'CASE.ROLE']) {
    const answer = await create(name)
    assert.equal(answer.status, 409)
    assert.match(told(answer), /role Case\.role exists already, and role names must differ in more than case/)
  }
})

test('predefined roles and those of plan api can be neither made nor deleted', async () => {
  for (const name of [
    'ESBMessaging.send',
    'ESBmessaging.send',
    'esbmessaging.SEND',
    'token.introspect',
    'CredentialsEdit',
    'credentialsedit',
    'TenantsEdit',
    'MonitoringDataRead',
  ]) {
    const answer = await create(name)
    assert.equal(answer.status, 409, name)
    assert.match(told(answer), /is a predefined role and cannot be created/)
  }
  for (const name of ['ESBMessaging.send', 'CredentialsEdit', 'TenantsEdit']) {
    const answer = await remove(name)
    assert.equal(answer.status, 409)
    assert.match(told(answer), /predefined role and cannot be deleted/)
  }
  assert.ok((await names()).includes('ESBMessaging.send'))
})

test('a role in use cannot be deleted, and the error says by whom', async () => {
  await create('Busy.role')
  for (const name of ['first', 'second'])
    await admin.call('POST', '/instances', { name, parameters: { roles: ['Busy.role'] } })
  await server.deploy(
    flowFile('asking', 'http://127.0.0.1:9', { sender: { authorization: { userRole: 'Busy.role' } } }),
  )
  const answer = await remove('Busy.role')
  assert.equal(answer.status, 409)
  assert.match(told(answer), /role Busy\.role is used by instance first, instance second, flow asking/)
  assert.ok((await names()).includes('Busy.role'))

  await admin.call('DELETE', '/instances/first')
  await admin.call('PATCH', '/instances/second', { parameters: { roles: [] } })
  assert.match(told(await remove('Busy.role')), /used by flow asking \|/)
  await admin.call('DELETE', '/flows/asking')
  assert.equal((await remove('Busy.role')).status, 204)
  assert.ok(!(await names()).includes('Busy.role'))
})

test('many users are named up to ten, the rest is counted', async () => {
  await create('Popular.role')
  for (let i = 10; i < 23; i++)
    await admin.call('POST', '/instances', { name: `user-${i}`, parameters: { roles: ['Popular.role'] } })
  assert.match(told(await remove('Popular.role')), /instance user-10, .*instance user-19 and 3 more/)
})

test('a role is deleted by its exact name', async () => {
  await create('Exact.role')
  const answer = await remove('exact.role')
  assert.equal(answer.status, 404)
  assert.match(told(answer), /there is no role exact\.role/)
  assert.equal((await remove('Exact.role')).status, 204)
  assert.equal((await remove('Exact.role')).status, 404)
  assert.equal((await create('exact.role')).status, 201, 'the name is free again, in any case')
})

test('the roles of tenants are apart', async () => {
  await create('Only.here')
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  assert.deepEqual(await services.store.read.roles.list(acme.id), [])
  const answer = await server.call('/tenants/acme/admin/v1/instances', {
    method: 'POST',
    headers: { ...admin.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'theirs', parameters: { roles: ['Only.here'] } }),
  })
  assert.equal(answer.status, 400)
  assert.match(answer.text, /there is no role Only\.here/)
})
