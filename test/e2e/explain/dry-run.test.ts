import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRole, deleteKey } from '../../../src/core/broker/index.ts'
import type { Explanation } from '../../../src/core/explain/index.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { orThrow } from '../../support/server.ts'
import { flowFile, startWorld } from '../worker/world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, sender } = world
const { services } = server.server
let operator: { Authorization: string }

before(async () => {
  orThrow(await createRole(server.tenant, 'Orders.send', '', services))
  await server.deploy(flowFile('plain', receiver.origin))
  await server.deploy(
    flowFile('orders', receiver.origin, {
      sender: { address: '/Orders/*', authorization: { userRole: 'Orders.send' } },
    }),
  )
  operator = { Authorization: `Bearer ${await server.adminToken('MonitoringDataRead')}` }
})

async function dryRun(token: string, endpoint?: string): Promise<Explanation> {
  const answer = await server.call('/admin/v1/explain', {
    method: 'POST',
    headers: { ...operator, 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify({ token, endpoint })),
  })
  assert.equal(answer.status, 200, answer.text)
  return answer.json<Explanation>()
}
const failedCheck = ({ checks }: Explanation) => checks.find(check => check.outcome === 'failed')?.name

test('a good token: all checks passed, and whose it is', async () => {
  for (const format of ['jwt', 'opaque']) {
    const token = await server.token(sender, { token_format: format })
    const found = await dryRun(token, '/http/plain')
    assert.equal(found.accepted, true)
    assert.ok(found.checks.length > 8 && found.checks.every(check => check.outcome === 'passed'))
    assert.equal(found.clientId, sender.clientid)
    assert.equal(found.instance, sender.instance)
    assert.equal(found.key, 'key')
    assert.equal(found.flow, 'plain')
    assert.deepEqual(found.roles, ['ESBMessaging.send'])
  }
})

test('the roles are those that the token carries, not all of its instance', async () => {
  const roles = ['ESBMessaging.send', 'Orders.send']
  const wide = await server.sender({ parameters: { roles } })
  const narrow = await server.token(wide, { scope: 'Orders.send' })
  assert.deepEqual((await dryRun(narrow, '/http/orders/1')).roles, ['Orders.send'])
  assert.deepEqual((await dryRun(narrow)).roles, ['Orders.send'])
  assert.deepEqual((await dryRun(await server.token(wide), '/http/orders/1')).roles, roles)
})

test('without an endpoint only the token is judged', async () => {
  const found = await dryRun(await server.token(sender))
  assert.equal(found.accepted, true)
  assert.match(found.reason, /token is valid/)
  assert.equal(
    found.checks.find(check => check.name === 'role'),
    undefined,
  )
})

test('the endpoint may be an address, a whole URL, in any case, with a query', async () => {
  const token = await server.token(sender)
  for (const endpoint of [
    '/http/plain',
    '/http/PLAIN',
    `${server.url}/http/plain`,
    `${server.url}/http/plain?a=1`,
    '/http/plain?a=1',
    '/tenants/default/http/plain',
  ])
    assert.equal((await dryRun(token, endpoint)).accepted, true, endpoint)
})

test('a token without the role of the flow: what it has and what to do', async () => {
  const found = await dryRun(await server.token(sender), '/http/orders/4711')
  assert.equal(found.accepted, false)
  assert.equal(found.code, 'insufficient_scope')
  assert.equal(failedCheck(found), 'role')
  assert.match(found.reason, /asks for Orders\.send; instance .* has ESBMessaging\.send/)
  assert.match(found.hint!, /--role Orders\.send/)
  assert.equal(found.flow, 'orders')
  assert.equal(found.clientId, sender.clientid)
})

test('an address without a flow', async () => {
  for (const endpoint of ['/http/nothing', '/orders', '', 'nonsense', '/tenants/other/http/plain']) {
    const found = await dryRun(await server.token(sender), endpoint)
    assert.equal(found.accepted, false, endpoint)
    assert.equal(found.code, 'not_found')
    assert.equal(failedCheck(found), 'flow deployed')
    assert.match(found.hint!, /flow list/)
  }
})

test('what is no token, or one of another tenant', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  const theirs = await server.token(await server.sender({ tenant: acme }))
  for (const token of ['', 'x', 'a.b.c', 'two words', sender.clientsecret, theirs]) {
    const found = await dryRun(token, '/http/plain')
    assert.equal(found.accepted, false)
    assert.equal(found.code, 'invalid_token')
    assert.ok(failedCheck(found))
  }
})

test('a token of a deleted key names the key that is gone', async () => {
  const key = await server.sender()
  const token = await server.token(key)
  orThrow(await deleteKey(server.tenant, key.instance, 'key', services))
  const found = await dryRun(token, '/http/plain')
  assert.equal(failedCheck(found), 'credential exists')
  assert.equal(found.clientId, key.clientid)
})

test('a dry run sends no message, leaves no record and counts no failure', async () => {
  const seen = receiver.received.length
  await services.journal.flush()
  const before = await services.journal.decisions(server.tenant.id, { limit: 1000 })
  for (let i = 0; i < 30; i++) await dryRun('wrong', '/http/plain')
  await dryRun(await server.token(sender), '/http/plain')
  await services.journal.flush()
  assert.equal((await services.journal.decisions(server.tenant.id, { limit: 1000 })).length, before.length)
  assert.equal(receiver.received.length, seen)
})

test('the answer and the log do not repeat the token', async () => {
  const token = await server.token(sender)
  for (const text of [token, `${token}x`, `${token} x`]) {
    const found = await dryRun(text, '/http/plain')
    assert.ok(!JSON.stringify(found).includes(token.slice(0, 40)))
  }
  assert.ok(!JSON.stringify(server.log).includes(token.slice(0, 40)))
})

test('an expired token: since when', async () => {
  const token = await server.token(sender)
  server.advance(2 * 3600_000)
  operator = { Authorization: `Bearer ${await server.adminToken('MonitoringDataRead')}` }
  const found = await dryRun(token, '/http/plain')
  assert.equal(found.accepted, false)
  assert.equal(failedCheck(found), 'token dates')
  assert.match(found.reason, /expired 360\d s ago/)
  assert.match(found.hint!, /new token/)
})
