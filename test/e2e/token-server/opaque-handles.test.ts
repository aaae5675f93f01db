import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createAddresses } from '../../../src/core/addresses.ts'
import { isProblem } from '../../../src/core/problem.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { createRevokedTokens, createTokenChecking } from '../../../src/core/tokens/index.ts'
import { tenantKeyContext } from '../../../src/core/tokens/keyring.ts'
import { createSealer, readHandle } from '../../../src/core/tokens/sealer.ts'
import { type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, introspectAs, newTenant, send } from './world.ts'

let server: TestServer
let key: SentKey
let other: Tenant
let good: string
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  other = await newTenant(server, 'other')
  endReceiver = await deployOrders(server, server.tenant, other)
  key = await server.sender({ parameters: { tokenFormat: 'opaque' } })
  good = await server.token(key)
})
after(async () => {
  endReceiver()
  await server.close()
})

const bytesOf = (token: string) => Buffer.from(token.slice('cst_'.length), 'base64url')
const tokenOf = (bytes: Buffer) => `cst_${bytes.toString('base64url')}`
/** The same checks as introspection and flows, without a request each: there are hundreds of handles here. */
const isRefused = async (token: string) =>
  isProblem(await server.server.services.checking.check(token, server.tenant))

async function assertRefused(token: string, what: string): Promise<void> {
  assert.deepEqual(await introspectAs(server, key, token), { active: false }, what)
  assert.equal(await send(server, token), 401, what)
}

test('a handle is good at introspection and at a flow', async () => {
  assert.equal((await introspectAs(server, key, good)).active, true)
  assert.equal(await send(server, good), 200)
  assert.equal(await isRefused(good), false)
})

test('any bit flipped: it is no token any more', async () => {
  const bytes = bytesOf(good)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    assert.ok(await isRefused(tokenOf(changed)), `bit ${bit}`)
  }
  for (const at of [0, 8, 24, 36, bytes.length - 1]) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 0x80
    await assertRefused(tokenOf(changed), `byte ${at}`)
  }
})

test('cut off anywhere, or made longer: it is no token any more', async () => {
  for (let length = 0; length < good.length; length++)
    assert.ok(await isRefused(good.slice(0, length)), `${length}`)
  const bytes = bytesOf(good)
  for (let length = 0; length < bytes.length; length++)
    assert.ok(await isRefused(tokenOf(bytes.subarray(0, length))), `${length} bytes`)
  for (const longer of [`${good}A`, `${good}AAAA`, `${good}.`, `${good}${good}`, `cst_${good}`])
    await assertRefused(longer, longer.slice(-20))
})

test('any other spelling of the same bytes is refused', async () => {
  const bytes = bytesOf(good)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const sameBytes = [...alphabet]
    .map(letter => good.slice(0, -1) + letter)
    .filter(text => text !== good && bytesOf(text).equals(bytes))
  assert.equal(sameBytes.length, { 0: 0, 1: 15, 2: 3 }[bytes.length % 3])
  for (const text of [
    ...sameBytes,
    `${good}=`,
    `${good}==`,
    `cst_${bytes.toString('base64')}`,
    ` ${good}`,
    `${good} `,
    `${good}\n`,
    `${good.slice(0, 20)}\n${good.slice(20)}`,
    good.replace('cst_', 'CST_'),
    good.slice('cst_'.length),
    bytes.toString('base64url'),
  ])
    assert.ok(await isRefused(text), text.slice(-10))
})

test('parts of two handles do not make a third', async () => {
  const [a, b] = [bytesOf(good), bytesOf(await server.token(key))]
  // Key id and salt are the same in both; from the nonce on, they differ.
  for (const at of [36, 40, a.length - 16, a.length - 1])
    assert.ok(await isRefused(tokenOf(Buffer.concat([a.subarray(0, at), b.subarray(at)]))), `${at}`)
})

test('a handle is of one tenant: elsewhere it is inactive, whoever asks', async () => {
  const theirKey = await server.sender({
    tenant: other,
    parameters: { roles: ['ESBMessaging.send', 'token.introspect'] },
  })
  assert.deepEqual(await introspectAs(server, theirKey, good, other), { active: false })
  assert.equal(await send(server, good, other), 401)
  const theirs = await server.token(theirKey, { token_format: 'opaque' })
  assert.deepEqual(await introspectAs(server, key, theirs), { active: false })
  assert.equal(await send(server, theirs), 401)
  assert.equal(await send(server, theirs, other), 200)
})

test('a handle is of one issuer: the same store under another public address does not take it', async () => {
  const { services } = server.server
  const checking = createTokenChecking({
    ...services,
    revoked: createRevokedTokens(services.store.read.revocations, services.changes),
    addresses: createAddresses({
      publicUrl: 'https://elsewhere.example',
      mtlsUrl: server.mtlsUrl,
      pkiUrl: server.pkiUrl,
    }),
  })
  assert.ok(isProblem(await checking.check(good, server.tenant)))
  assert.ok(!isProblem(await services.checking.check(good, server.tenant)))
})

test('a handle sealed under a key of somebody else, under our key id, is refused', async () => {
  const { store, vault, context, addresses } = server.server.services
  const row = (await store.read.tenantKeys.list(server.tenant.id)).find(each => each.use === 'enc')!
  const associated = `cst_ ${server.tenant.id} ${addresses.issuer(server.tenant)}`
  const handle = readHandle(good)!
  const right = createSealer(row.id, vault.open(tenantKeyContext(row), row.sealed), context)
  const content = right.open(associated, handle)!
  assert.equal(await isRefused(right.seal(associated, content)), false, 'ours, sealed anew')
  const foreign = createSealer(row.id, context.random(32), context)
  assert.ok(await isRefused(foreign.seal(associated, content)))
  for (const other of [`cst_ ${server.tenant.id} `, `cst_ x ${addresses.issuer(server.tenant)}`, ''])
    assert.ok(await isRefused(right.seal(other, content)), other)
})

test('no text is taken for a handle, and none makes the check throw', async () => {
  const text = fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'grapheme' }))
  await fc.assert(
    fc.asyncProperty(text, async tail => {
      assert.ok(await isRefused(`cst_${tail}`))
      assert.ok(await isRefused(tail))
    }),
  )
  for (const length of [4096, 16_384, 40_000]) assert.ok(await isRefused(`cst_${'A'.repeat(length)}`))
})
