import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { clockSkewMs, day, minute } from '../../../src/core/context.ts'
import { keySetMaxAgeMs, listKeys, maintainKeys, rotateKeys } from '../../../src/core/tokens/index.ts'
import { keyLifetimeMs } from '../../../src/core/tokens/signing-keys.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, partsOf, send } from '../token-server/world.ts'
import { ask, keyOf, speakerOf } from './speakers.ts'

const speaker = speakerOf('uaa')
const lead = keySetMaxAgeMs + clockSkewMs
const retention = day + 2 * minute

const kidOf = (token: string) => String(partsOf(token).header.kid)

async function published(server: TestServer): Promise<{ kid: string; alg: string }[]> {
  return (await server.call('/token_keys')).json<{ keys: { kid: string; alg: string }[] }>().keys
}

const rsaKids = async (server: TestServer) =>
  (await published(server)).filter(({ alg }) => alg === 'RS256').map(({ kid }) => kid)

async function tokenOf(server: TestServer, key: { clientid: string; clientsecret: string }): Promise<string> {
  const answer = await ask(server, speaker, key)
  assert.equal(answer.status, 200, answer.text)
  return answer.json<{ access_token: string }>().access_token
}

test('a tenant gets an RS256 key beside its own with the first token that needs it, and only one', async t => {
  const server = await startTestServer()
  const endReceiver = await deployOrders(server)
  t.after(async () => {
    endReceiver()
    await server.close()
  })
  const key = await keyOf(server, 'uaa')
  assert.equal((await ask(server, speaker, key, { token_format: 'opaque' })).status, 200)
  assert.deepEqual(await rsaKids(server), [], 'an opaque token needs none')
  const tokens = await Promise.all(Array.from({ length: 8 }, () => tokenOf(server, key)))
  const [kid] = await rsaKids(server)
  assert.deepEqual(await rsaKids(server), [kid])
  for (const token of tokens) {
    assert.equal(kidOf(token), kid)
    assert.equal(await send(server, token), 200)
  }
  const shown = (await listKeys(server.tenant, server.server.services)).filter(({ use }) => use === 'sig')
  assert.deepEqual(shown.map(({ algorithm, state }) => [algorithm, state]).sort(), [
    ['ES256', 'active'],
    ['RS256', 'active'],
  ])
})

test("two nodes make one such key between them, and believe each other's tokens", async t => {
  const masterKey = randomBytes(32)
  const { url: databaseUrl, drop } = await freshDatabase()
  const first = await startTestServer({ databaseUrl, masterKey })
  const second = await startTestServer({ databaseUrl, masterKey })
  t.after(async () => {
    await first.close()
    await second.close()
    await drop()
  })
  const key = await keyOf(first, 'uaa')
  const tokens = await Promise.all([tokenOf(first, key), tokenOf(second, key), tokenOf(second, key)])
  const rows = await first.server.store.read.tenantKeys.list(first.tenant.id)
  const made = rows.filter(({ use }) => use === 'rs256').map(({ id }) => id)
  assert.equal(made.length, 1)
  for (const token of tokens) assert.equal(kidOf(token), made[0])
  for (const server of [first, second]) assert.equal(kidOf(await tokenOf(server, key)), made[0])
})

test('its successor is published before it signs, also when the algorithm of the tenant changes', async t => {
  const server = await startTestServer()
  const endReceiver = await deployOrders(server)
  t.after(async () => {
    endReceiver()
    await server.close()
  })
  const { services } = server.server
  const key = await keyOf(server, 'uaa')
  const old = await tokenOf(server, key)
  for (const algorithm of ['RS256', 'EdDSA'] as const) {
    const before = await tokenOf(server, key)
    await rotateKeys(server.tenant, { algorithm }, services)
    assert.equal(kidOf(await tokenOf(server, key)), kidOf(before), 'the old one signs on')
    server.advance(lead + 1000)
    const fresh = await tokenOf(server, key)
    assert.notEqual(kidOf(fresh), kidOf(before))
    assert.equal(partsOf(fresh).header.alg, 'RS256')
    for (const token of [old, before, fresh]) assert.equal(await send(server, token), 200)
  }
  server.advance(retention)
  assert.equal((await published(server)).length, 2)
})

test('it comes of age like every other, in tenants that have it', async t => {
  const server = await startTestServer()
  t.after(() => server.close())
  const { services } = server.server
  const key = await keyOf(server, 'uaa')
  const old = await tokenOf(server, key)
  server.advance(keyLifetimeMs - day + 1000)
  assert.deepEqual(await maintainKeys(services), { made: 3, removed: 0 })
  assert.deepEqual(await maintainKeys(services), { made: 0, removed: 0 })
  assert.equal(kidOf(await tokenOf(server, key)), kidOf(old))
  server.advance(day)
  const fresh = await tokenOf(server, key)
  assert.notEqual(kidOf(fresh), kidOf(old))
  server.advance(retention)
  assert.deepEqual(await maintainKeys(services), { made: 0, removed: 3 })
  assert.deepEqual(await rsaKids(server), [kidOf(fresh)])
})
