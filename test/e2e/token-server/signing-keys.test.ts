import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { clockSkewMs, day, minute } from '../../../src/core/context.ts'
import { keySetMaxAgeMs, listKeys, maintainKeys, rotateKeys } from '../../../src/core/tokens/index.ts'
import { keyLifetimeMs } from '../../../src/core/tokens/signing-keys.ts'
import { type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, introspectAs, newTenant, partsOf, send } from './world.ts'

// The clock goes forward by months here: each test has a server of its own.
let server: TestServer
let key: SentKey
let endReceiver: () => void
beforeEach(async () => {
  server = await startTestServer()
  endReceiver = await deployOrders(server)
  key = await server.sender({ parameters: { tokenValidity: 86_400 } })
})
afterEach(async () => {
  endReceiver()
  await server.close()
})

const services = () => server.server.services
const kidOf = (token: string) => String(partsOf(token).header.kid)
const lead = keySetMaxAgeMs + clockSkewMs
const retention = day + 2 * minute

async function publishedKeys(): Promise<Record<string, string>[]> {
  return (await server.call('/token_keys')).json<{ keys: Record<string, string>[] }>().keys
}
const publishedKids = async () => (await publishedKeys()).map(jwk => jwk.kid)

async function assertActive(token: string, active = true): Promise<void> {
  assert.equal((await introspectAs(server, key, token)).active, active)
  assert.equal(await send(server, token), active ? 200 : 401)
}

test('the key set holds public members only and may be cached for less time than keys overlap', async () => {
  const answer = await server.call('/token_keys')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['access-control-allow-origin'], '*')
  const maxAge = Number(/^public, max-age=(\d+)$/.exec(String(answer.headers['cache-control']))?.[1])
  assert.ok(maxAge > 0 && maxAge * 1000 < lead && maxAge * 1000 < retention)
  for (const algorithm of ['RS256', 'EdDSA', 'PS256'] as const)
    await rotateKeys(server.tenant, { now: true, algorithm }, services())
  const keys = await publishedKeys()
  assert.equal(keys.length, 4)
  for (const jwk of keys) {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']) assert.ok(!(member in jwk), member)
    assert.equal(jwk.use, 'sig')
    assert.match(jwk.kid!, /^[A-Za-z0-9_-]{43}$/)
  }
  assert.deepEqual(keys.map(jwk => jwk.alg).sort(), ['ES256', 'EdDSA', 'PS256', 'RS256'])
})

test('a new key is published before it signs, by at least the time that the key set may be cached', async () => {
  const old = await server.token(key)
  const activeFrom = await rotateKeys(server.tenant, {}, services())
  assert.ok(activeFrom - server.now() > keySetMaxAgeMs)
  const kids = await publishedKids()
  assert.equal(kids.length, 2)
  assert.equal(kidOf(await server.token(key)), kidOf(old), 'the old one signs on')

  server.advance(keySetMaxAgeMs)
  assert.equal(kidOf(await server.token(key)), kidOf(old))
  server.advance(lead - keySetMaxAgeMs + 1000)
  const fresh = await server.token(key)
  assert.notEqual(kidOf(fresh), kidOf(old))
  assert.ok(kids.includes(kidOf(fresh)), 'it had been published all the time')
  for (const token of [old, fresh]) await assertActive(token)
})

test('in an emergency the new key signs at once', async () => {
  const old = await server.token(key)
  await rotateKeys(server.tenant, { now: true }, services())
  const fresh = await server.token(key)
  assert.notEqual(kidOf(fresh), kidOf(old))
  assert.deepEqual((await publishedKids()).sort(), [kidOf(old), kidOf(fresh)].sort())
  for (const token of [old, fresh]) await assertActive(token)
})

test('a succeeded key is published and verifies until the last token that it signed has expired', async () => {
  await rotateKeys(server.tenant, {}, services())
  server.advance(lead - 1000)
  const last = await server.token(key)
  const lastOpaque = await server.token(key, { token_format: 'opaque' })
  const oldKid = kidOf(last)
  server.advance(day - 10_000)
  await assertActive(last)
  await assertActive(lastOpaque)
  assert.ok((await publishedKids()).includes(oldKid))
  server.advance(retention - day + 20_000)
  await assertActive(last, false)
  assert.ok(!(await publishedKids()).includes(oldKid))
})

test('a key that has retired vouches for nothing, not even for a token that would still be valid', async () => {
  const tokens = await Promise.all(['jwt', 'opaque'].map(token_format => server.token(key, { token_format })))
  for (const token of tokens) await assertActive(token)
  const { store } = services()
  await rotateKeys(server.tenant, { now: true }, services())
  await store.write(async ({ tenantKeys }) => {
    for (const row of await tenantKeys.list(server.tenant.id))
      if (row.retireAt !== undefined)
        await tenantKeys.setRetireAt(server.tenant.id, row.id, server.now() + 1000)
  })
  for (const token of tokens) await assertActive(token)
  server.advance(1001)
  for (const token of tokens) await assertActive(token, false)
  await assertActive(await server.token(key))
})

test('a key that was removed takes its tokens with it at once', async () => {
  const token = await server.token(key)
  await assertActive(token)
  await rotateKeys(server.tenant, { now: true }, services())
  await services().store.write(tables => tables.tenantKeys.delete(server.tenant.id, kidOf(token)))
  await assertActive(token, false)
  assert.ok(!(await publishedKids()).includes(kidOf(token)))
})

test('keys change by themselves when they come of age, and the old ones are cleared away', async () => {
  const old = await server.token(key)
  assert.deepEqual(await maintainKeys(services()), { made: 0, removed: 0 })
  server.advance(keyLifetimeMs - day - 1000)
  assert.deepEqual(await maintainKeys(services()), { made: 0, removed: 0 })
  server.advance(2000)
  assert.deepEqual(await maintainKeys(services()), { made: 2, removed: 0 })
  assert.deepEqual(await maintainKeys(services()), { made: 0, removed: 0 })
  assert.equal(kidOf(await server.token(key)), kidOf(old))
  server.advance(day)
  const fresh = await server.token(key)
  assert.notEqual(kidOf(fresh), kidOf(old))
  server.advance(retention)
  assert.deepEqual(await maintainKeys(services()), { made: 0, removed: 2 })
  assert.deepEqual(await publishedKids(), [kidOf(fresh)])
})

test('each key has a state that its dates tell', async () => {
  const statesOf = async () =>
    (await listKeys(server.tenant, services())).filter(info => info.use === 'sig').map(info => info.state)
  assert.deepEqual(await statesOf(), ['active'])
  await rotateKeys(server.tenant, {}, services())
  assert.deepEqual(await statesOf(), ['published', 'active'])
  server.advance(lead + 1000)
  assert.deepEqual(await statesOf(), ['active', 'verifying'])
  server.advance(retention)
  assert.deepEqual(await statesOf(), ['active'])
})

test("rotating one tenant's keys touches no other tenant", async () => {
  const other = await newTenant(server, 'other')
  const before = await publishedKids()
  await rotateKeys(other, { now: true }, services())
  assert.deepEqual(await publishedKids(), before)
  const theirs = (await server.call('/tenants/other/token_keys')).json<{ keys: { kid: string }[] }>().keys
  assert.equal(theirs.length, 2)
  for (const { kid } of theirs) assert.ok(!before.includes(kid))
})
