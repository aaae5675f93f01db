import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  createInstance,
  createKey,
  createRole,
  deleteKey,
  updateInstance,
} from '../../../src/core/broker/index.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { revokeAllOf } from '../../../src/core/tokens/index.ts'
import { basic, type CallOptions, orThrow, type SentKey } from '../../support/server.ts'
import { decisionOf, flowFile, openConnection, startWorld } from './world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, sender, authorization } = world
const { services } = server.server
orThrow(await createRole(server.tenant, 'Orders.send', '', services))
await server.deploy(flowFile('plain', receiver.origin))
await server.deploy(
  flowFile('orders', receiver.origin, { sender: { authorization: { userRole: 'Orders.send' } } }),
)

const call = (path: string, header?: string, more: CallOptions = {}) =>
  server.call(path, {
    method: 'POST',
    body: 'a message',
    ...more,
    headers: { ...(header !== undefined && { Authorization: header }), ...more.headers },
  })
const withRoles = (...roles: string[]) => server.sender({ parameters: { roles } })

test('a sender is let in by a JWT, by an opaque token and by Basic', async () => {
  const opaque = await server.token(sender, { token_format: 'opaque' })
  assert.equal(opaque.split('.').length, 1)
  for (const header of [authorization, `bearer ${opaque}`, `Bearer  ${opaque}`, basic(sender)]) {
    const before = receiver.received.length
    const answer = await call('/http/plain', header)
    assert.equal(answer.status, 200, header.slice(0, 10))
    assert.equal(answer.text, 'taken')
    assert.equal(receiver.received.length, before + 1)
    assert.equal(receiver.last().headers.sapauthenticatedusername, sender.clientid)
  }
})

test('who sends no credentials is told how to, without an error code', async () => {
  const answer = await call('/http/plain')
  assert.equal(answer.status, 401)
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="default"')
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.json().error, 'unauthorized')
})

test('an invalid token is told apart from none: 401 with invalid_token', async () => {
  const [head, payload, signature] = authorization.slice('Bearer '.length).split('.') as [
    string,
    string,
    string,
  ]
  const changed = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
  for (const header of [
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Bearer a b',
    'Bearer "x"',
    `Bearer ${head}.${payload}.${changed}`,
    `Bearer ${head}.${payload}.`,
    `Bearer ${'x'.repeat(10_000)}`,
  ]) {
    const answer = await call('/http/plain', header)
    assert.equal(answer.status, 401, header.slice(0, 30))
    assert.equal(
      answer.headers['www-authenticate'],
      'Bearer realm="default", error="invalid_token", error_description="the access token is not valid"',
    )
    assert.equal(answer.json().error, 'invalid_token')
  }
})

test('wrong Basic credentials get 401 and both challenges, the same for every mistake', async () => {
  const wrong = { ...sender, clientsecret: `${sender.clientsecret.slice(0, -2)}zz` }
  const unknown = { ...sender, clientid: 'sb-nobody!b1|it-rt-default!b1' }
  for (const header of [basic(wrong), basic(unknown), 'Basic', 'Basic !', 'Basic eA==', 'Basic AAAA']) {
    const answer = await call('/http/plain', header)
    assert.equal(answer.status, 401, header.slice(0, 20))
    assert.equal(
      answer.headers['www-authenticate'],
      'Basic realm="default", charset="UTF-8", Bearer realm="default"',
    )
    assert.equal(answer.json().error, 'unauthorized')
    assert.equal(answer.json().error_description, 'the credentials are not valid')
  }
})

test('another scheme is no credential, and what stands there is not repeated', async () => {
  const answer = await call('/http/plain', 'Digest username="x"')
  assert.equal(answer.status, 401)
  assert.match((await decisionOf(world, answer)).reason, /scheme Digest is not accepted/)
  const bare = await call('/http/plain', sender.clientsecret)
  assert.equal(bare.status, 401)
  const record = JSON.stringify(await decisionOf(world, bare))
  assert.match(record, /without a scheme/)
  assert.ok(!record.includes(sender.clientsecret.slice(0, 8)))
})

test('who lacks the role is told 403 with insufficient_scope, by token and by Basic', async () => {
  const token = `Bearer ${await server.token(sender)}`
  for (const header of [token, basic(sender)]) {
    const answer = await call('/http/orders', header)
    assert.equal(answer.status, 403)
    assert.equal(answer.json().error, 'insufficient_scope')
    assert.match(
      answer.headers['www-authenticate'] as string,
      /^Bearer realm="default", error="insufficient_scope"/,
    )
    assert.match(
      (await decisionOf(world, answer)).reason,
      /asks for Orders\.send; instance .* has ESBMessaging\.send/,
    )
  }
  const good = await withRoles('Orders.send')
  assert.equal((await call('/http/orders', basic(good))).status, 200)
  assert.equal((await call('/http/plain', basic(good))).status, 403, 'a custom role is not the default role')
})

test('a role in another case is another role', async () => {
  const refused = await createInstance(
    server.tenant,
    { name: 'case', plan: 'integration-flow', parameters: { roles: ['orders.send'] } },
    services,
  )
  assert.match(
    (refused as { description: string }).description,
    /no role orders\.send; did you mean Orders\.send/,
  )
  // A token cannot ask for it either.
  const answer = await server.call('/oauth/token', {
    method: 'POST',
    headers: { Authorization: basic(await withRoles('Orders.send')) },
    body: { grant_type: 'client_credentials', scope: 'orders.send' },
  })
  assert.equal(answer.json().error, 'invalid_scope')
})

test('a narrowed token opens only what it still names', async () => {
  const key = await withRoles('ESBMessaging.send', 'Orders.send')
  const narrowed = `Bearer ${await server.token(key, { scope: 'Orders.send' })}`
  assert.equal((await call('/http/orders', narrowed)).status, 200)
  const answer = await call('/http/plain', narrowed)
  assert.equal(answer.status, 403)
  const record = await decisionOf(world, answer)
  assert.match(
    record.reason,
    /token carries Orders\.send; instance .* has ESBMessaging\.send, but the token does not/,
  )
  assert.match(record.hint!, /without `scope`/)
})

test('a role taken from the instance is gone from its tokens on the next request', async () => {
  const key = await withRoles('Orders.send')
  const token = `Bearer ${await server.token(key)}`
  assert.equal((await call('/http/orders', token)).status, 200)
  orThrow(await updateInstance(server.tenant, key.instance, { roles: ['ESBMessaging.send'] }, services))
  assert.equal((await call('/http/orders', token)).status, 403)
  orThrow(await updateInstance(server.tenant, key.instance, { roles: ['Orders.send'] }, services))
  assert.equal((await call('/http/orders', token)).status, 200)
})

test('a deleted key and its tokens are refused on the next request, also on a connection that is open', async () => {
  const key = await server.sender()
  const tokens = [await server.token(key), await server.token(key, { token_format: 'opaque' })]
  const headers = [...tokens.map(token => `Bearer ${token}`), basic(key)]
  const connections = await Promise.all(headers.map(() => openConnection(world)))
  const send = (i: number) =>
    connections[i]!.socket.write(
      `GET /http/plain HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers[i]}\r\n\r\n`,
    )
  for (const [i, connection] of connections.entries()) {
    send(i)
    assert.deepEqual(await connection.statuses(1), [200])
  }
  orThrow(await deleteKey(server.tenant, key.instance, 'key', services))
  for (const [i, connection] of connections.entries()) {
    send(i)
    assert.deepEqual(await connection.statuses(2), [200, 401])
    connection.socket.destroy()
  }
})

test('revoking all tokens of a key refuses them and leaves its secret good', async () => {
  const key = await server.sender()
  const token = `Bearer ${await server.token(key)}`
  assert.equal((await call('/http/plain', token)).status, 200)
  const client = await services.directory.byClientId(server.tenant.id, key.clientid)
  assert.equal(await revokeAllOf(client!.credentialId, services.store), true)
  assert.equal((await call('/http/plain', token)).status, 401)
  assert.equal((await call('/http/plain', `Bearer ${await server.token(key)}`)).status, 200)
})

test('a token of plan api opens no flow, nor does its key by Basic', async () => {
  const admin = await server.sender({ plan: 'api', parameters: { roles: ['MonitoringDataRead'] } })
  const byToken = await call('/http/plain', `Bearer ${await server.token(admin)}`)
  assert.equal(byToken.status, 401)
  assert.equal(byToken.json().error, 'invalid_token')
  assert.equal((await decisionOf(world, byToken)).checks.find(c => c.outcome === 'failed')?.name, 'audience')
  assert.equal((await call('/http/plain', basic(admin))).status, 403)
})

test('the flows of tenants are apart: a credential of one opens nothing at the other', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  await server.deploy(flowFile('plain', receiver.origin), acme)
  await server.deploy(flowFile('only-acme', receiver.origin), acme)
  const theirs = await server.sender({ tenant: acme })
  const theirToken = `Bearer ${await server.token(theirs)}`
  const theirOpaque = `Bearer ${await server.token(theirs, { token_format: 'opaque' })}`
  const ourOpaque = `Bearer ${await server.token(sender, { token_format: 'opaque' })}`
  for (const header of [theirToken, theirOpaque, basic(theirs)])
    assert.equal((await call('/tenants/acme/http/plain', header)).status, 200)
  for (const header of [theirToken, theirOpaque, basic(theirs)])
    assert.equal((await call('/http/plain', header)).status, 401)
  for (const header of [authorization, ourOpaque, basic(sender)])
    assert.equal((await call('/tenants/acme/http/plain', header)).status, 401)
  assert.equal((await call('/http/only-acme', theirToken)).status, 404)
  assert.equal((await call('/tenants/default/http/only-acme', theirToken)).status, 404)
  assert.equal((await call('/tenants/acme/http/only-acme', theirToken)).status, 200)
  assert.equal((await call('/tenants/nobody/http/plain', theirToken)).status, 404)
})

test('a tenant id or realm in the path is not the name of a tenant', async () => {
  for (const name of [server.tenant.id, server.tenant.guid, 'ACME', 'acme%20', 'acme.'])
    assert.equal((await call(`/tenants/${name}/http/plain`, authorization)).status, 404, name)
})

test('two Authorization headers are refused', async () => {
  const connection = await openConnection(world)
  const twice = `Authorization: ${authorization}\r\nauthorization: ${basic(sender)}\r\n`
  connection.socket.write(`GET /http/plain HTTP/1.1\r\nHost: x\r\n${twice}\r\n`)
  assert.deepEqual(await connection.statuses(1), [400])
  connection.socket.destroy()
})

test('a token in the query is refused, reaches no receiver and stands in no log', async () => {
  const token = authorization.slice('Bearer '.length)
  const before = receiver.received.length
  for (const query of [`access_token=${token}`, `a=1&access_token=${token}`]) {
    const answer = await call(`/http/plain?${query}`, authorization)
    assert.equal(answer.status, 400)
    assert.equal(answer.json().error, 'invalid_request')
    const record = await decisionOf(world, answer)
    assert.deepEqual(record.checks[0], { name: 'no token in the query', outcome: 'failed' })
    assert.match(record.hint!, /revoke it/)
    assert.ok(!JSON.stringify(record).includes(token.slice(0, 40)))
  }
  assert.equal(receiver.received.length, before)
  assert.ok(!JSON.stringify(server.log).includes(token.slice(0, 40)))
})

test('an expired token is refused, a minute after its time at the latest', async () => {
  const token = `Bearer ${await server.token(sender)}`
  const opaque = `Bearer ${await server.token(sender, { token_format: 'opaque' })}`
  assert.equal((await call('/http/plain', token)).status, 200)
  assert.equal((await call('/http/plain', opaque)).status, 200)
  server.advance(3600_000 + 61_000)
  for (const header of [token, opaque]) {
    const answer = await call('/http/plain', header)
    assert.equal(answer.status, 401)
    assert.match((await decisionOf(world, answer)).reason, /expired \d+ s ago/)
  }
})

test('guessing a secret is slowed down, and the right secret still works', async () => {
  const victim: SentKey = await server.sender()
  const statuses: number[] = []
  for (let i = 0; i < 22; i++)
    statuses.push((await call('/http/plain', basic({ ...victim, clientsecret: `guess-${i}` }))).status)
  assert.deepEqual(statuses.slice(0, 20), Array(20).fill(401))
  assert.deepEqual(statuses.slice(20), [429, 429])
  const slowed = await call('/http/plain', basic({ ...victim, clientsecret: 'another guess' }))
  assert.match(slowed.headers['retry-after'] as string, /^[1-9]\d?$/)
  assert.equal((await call('/http/plain', basic(victim))).status, 200)
})

test('a key made a moment ago works at once', async () => {
  const made = orThrow(await createKey(server.tenant, sender.instance, 'second', {}, services))
  assert.equal((await call('/http/plain', basic(made.document as unknown as SentKey))).status, 200)
})
