import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  createKey,
  createRole,
  deleteInstance,
  deleteKey,
  updateInstance,
} from '../../../src/core/broker/index.ts'
import { deleteTenant } from '../../../src/core/tenants/index.ts'
import { revokeAllOf } from '../../../src/core/tokens/index.ts'
import { mostRevocationsOfACredential } from '../../../src/core/tokens/revoke.ts'
import { basic, orThrow, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { askForToken, deployOrders, introspectAs, newTenant, prefixOf, revokeAs, send } from './world.ts'

let server: TestServer
let watcher: SentKey
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  endReceiver = await deployOrders(server)
  watcher = await server.sender({ parameters: { roles: ['token.introspect'] } })
})
after(async () => {
  endReceiver()
  await server.close()
})

const formats = ['jwt', 'opaque'] as const
const services = () => server.server.services

/** One token of each form, each used once, so that whatever is remembered of it is remembered. */
async function usedTokens(key: SentKey): Promise<string[]> {
  const tokens = await Promise.all(formats.map(token_format => server.token(key, { token_format })))
  for (const token of tokens) await assertGood(token)
  return tokens
}

async function assertGood(token: string): Promise<void> {
  assert.equal((await introspectAs(server, watcher, token)).active, true)
  assert.equal(await send(server, token), 200)
}

async function assertDead(token: string): Promise<void> {
  assert.deepEqual(await introspectAs(server, watcher, token), { active: false })
  assert.equal(await send(server, token), 401)
}

async function credentialOf(key: SentKey): Promise<string> {
  return (await services().store.read.clients.byClientId(server.tenant.id, key.clientid))!.credentialId
}

test('a revoked token is dead at once, everywhere; the others of its client live on', async () => {
  const key = await server.sender()
  const tokens = await usedTokens(key)
  const kept = await usedTokens(key)
  for (const token of tokens) {
    const answer = await revokeAs(server, key, token)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['cache-control'], 'no-store')
    await assertDead(token)
  }
  for (const token of kept) await assertGood(token)
  await assertGood(await server.token(key))
})

test('revoking again, something unknown, garbage, or with any hint is 200 as well', async () => {
  const key = await server.sender()
  const token = await server.token(key)
  const answers = [
    await revokeAs(server, key, token, { token_type_hint: 'refresh_token' }),
    await revokeAs(server, key, token),
    await revokeAs(server, key, 'garbage', { token_type_hint: 'nonsense' }),
    await revokeAs(server, key, 'cst_AAAA'),
    await revokeAs(server, key, `${token}x`),
  ]
  for (const answer of answers) {
    assert.equal(answer.status, 200)
    assert.equal(answer.text, answers[0]!.text)
  }
  await assertDead(token)
})

test("somebody else's token stays alive, and the answer does not tell", async () => {
  const key = await server.sender()
  const stranger = await server.sender()
  for (const token of await usedTokens(key)) {
    const own = await revokeAs(server, stranger, await server.token(stranger))
    const foreign = await revokeAs(server, stranger, token)
    assert.equal(foreign.status, 200)
    assert.equal(foreign.text, own.text)
    assert.equal(
      (await revokeAs(server, watcher, token)).status,
      200,
      'a resource server revokes nothing either',
    )
    await assertGood(token)
  }
})

test('revocation needs a client that proves itself, a token, and the body', async () => {
  const key = await server.sender()
  const token = await server.token(key)
  const call = (headers: Record<string, string>, body: Record<string, string>, query = '') =>
    server.call(`/oauth/revoke${query}`, { method: 'POST', headers, body })
  for (const [answer, status] of [
    [await call({}, { token }), 401],
    [await call({ Authorization: `Bearer ${token}` }, { token }), 401],
    [await call({ Authorization: basic({ ...key, clientsecret: 'wrong' }) }, { token }), 401],
    [await call({ Authorization: basic(key) }, {}), 400],
    [await call({ Authorization: basic(key) }, { token }, `?token=${token}`), 400],
    [await call({ Authorization: basic(key) }, {}, `?token=${token}`), 400],
  ] as const)
    assert.equal(answer.status, status, answer.text)
  await assertGood(token)
})

test('a revocation outlives the token, and then makes room', async () => {
  const key = await server.sender()
  const token = await server.token(key)
  await revokeAs(server, key, token)
  const credentialId = await credentialOf(key)
  const { revocations } = services().store.read
  const row = (await revocations.list(server.tenant.id)).find(each => each.credentialId === credentialId)!
  assert.ok(row.keepUntil >= server.now() + 3600_000)
  await services().store.write(tables => tables.revocations.deleteOlderThan(row.keepUntil - 1))
  assert.equal(await revocations.count(credentialId), 1)
  await services().store.write(tables => tables.revocations.deleteOlderThan(row.keepUntil + 1))
  assert.equal(await revocations.count(credentialId), 0)
})

test('past 1000 single revocations all tokens of the client are revoked at once, and new ones work', async () => {
  const key = await server.sender()
  const bystander = await server.token(await server.sender())
  const credentialId = await credentialOf(key)
  await services().store.write(async ({ revocations }) => {
    for (let i = 1; i < mostRevocationsOfACredential; i++) {
      const keepUntil = server.now() + 3600_000
      await revocations.insert({
        tenantId: server.tenant.id,
        tokenId: `made-up-${i}`,
        credentialId,
        keepUntil,
      })
    }
  })
  const kept = await usedTokens(key)
  await revokeAs(server, key, await server.token(key))
  for (const token of kept) await assertGood(token)
  await revokeAs(server, key, await server.token(key))
  for (const token of kept) await assertDead(token)
  assert.equal(await services().store.read.revocations.count(credentialId), 0)
  await usedTokens(key)
  await assertGood(bystander)
})

test('revoking all of a key kills every token that it got, and not the key', async () => {
  const key = await server.sender()
  const tokens = await usedTokens(key)
  assert.equal(await revokeAllOf(await credentialOf(key), services().store), true)
  for (const token of tokens) await assertDead(token)
  await usedTokens(key)
  assert.equal(await revokeAllOf('nobody', services().store), false)
})

test('deleting the key kills its tokens at once; a new key of the same name does not bring them back', async () => {
  const key = await server.sender()
  const tokens = await usedTokens(key)
  orThrow(await deleteKey(server.tenant, key.instance, 'key', services()))
  for (const token of tokens) await assertDead(token)
  assert.equal((await askForToken(server, key)).status, 401)
  const again = orThrow(await createKey(server.tenant, key.instance, 'key', {}, services()))
  for (const token of tokens) await assertDead(token)
  await usedTokens(again.document as unknown as SentKey)
})

test('deleting one key of an instance leaves the tokens of the other alone', async () => {
  const key = await server.sender()
  const second = orThrow(await createKey(server.tenant, key.instance, 'second', {}, services()))
  const tokens = await usedTokens(second.document as unknown as SentKey)
  const gone = await usedTokens(key)
  orThrow(await deleteKey(server.tenant, key.instance, 'key', services()))
  for (const token of tokens) await assertGood(token)
  for (const token of gone) await assertDead(token)
})

test('deleting the instance kills the tokens of all its keys', async () => {
  const key = await server.sender()
  const tokens = await usedTokens(key)
  orThrow(await deleteInstance(server.tenant, key.instance, services()))
  for (const token of tokens) await assertDead(token)
})

test('a role taken away is gone from tokens that have it; given back, it counts again', async () => {
  orThrow(await createRole(server.tenant, 'extra', '', services()))
  const key = await server.sender({ parameters: { roles: ['ESBMessaging.send', 'extra'] } })
  const tokens = await usedTokens(key)
  orThrow(await updateInstance(server.tenant, key.instance, { roles: ['extra'] }, services()))
  for (const token of tokens) {
    assert.equal(await send(server, token), 403)
    assert.equal((await introspectAs(server, watcher, token)).scope, 'extra')
  }
  orThrow(await updateInstance(server.tenant, key.instance, { roles: ['ESBMessaging.send'] }, services()))
  for (const token of tokens) {
    assert.equal((await introspectAs(server, watcher, token)).scope, 'ESBMessaging.send')
    assert.equal(await send(server, token), 200)
  }
})

test('a role given later is not in tokens issued before', async () => {
  const key = await server.sender({ parameters: { roles: [] } })
  const old = await server.token(key)
  orThrow(await updateInstance(server.tenant, key.instance, { roles: ['ESBMessaging.send'] }, services()))
  assert.equal(await send(server, old), 403)
  await usedTokens(key)
})

test('a resource server that loses token.introspect learns nothing of others any more', async () => {
  const key = await server.sender()
  const resource = await server.sender({ parameters: { roles: ['token.introspect'] } })
  const token = await server.token(key)
  const bearer = await server.token(resource)
  assert.equal((await introspectAs(server, resource, token)).active, true)
  orThrow(await updateInstance(server.tenant, resource.instance, { roles: [] }, services()))
  assert.deepEqual(await introspectAs(server, resource, token), { active: false })
  const asked = await server.call('/oauth/introspect', {
    method: 'POST',
    headers: { Authorization: `Bearer ${bearer}` },
    body: { token },
  })
  assert.deepEqual(asked.json(), { active: false })
})

test('deleting the tenant closes its addresses; one of the same name made later knows none of its tokens', async () => {
  const tenant = await newTenant(server, 'short-lived')
  const key = await server.sender({ tenant })
  const token = await server.token(key)
  assert.equal((await introspectAs(server, key, token, tenant)).active, true)
  orThrow(await deleteTenant(tenant.name, services()))
  assert.equal((await askForToken(server, key, {}, { tenant })).status, 404)
  const again = await newTenant(server, 'short-lived')
  assert.equal(prefixOf(again), prefixOf(tenant))
  assert.equal((await askForToken(server, key, {}, { tenant: again })).status, 401)
  const fresh = await server.sender({ tenant: again, parameters: { roles: ['token.introspect'] } })
  assert.deepEqual(await introspectAs(server, fresh, token, again), { active: false })
})
