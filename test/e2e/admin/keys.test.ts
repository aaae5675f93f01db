import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { revokeAllOf } from '../../../src/core/tokens/index.ts'
import { basic } from '../../support/server.ts'
import { bytesOf, type Json, startAdminWorld, told } from './world.ts'

const { directory, server, services, admin, newKey, close } = await startAdminWorld()
after(close)

const clientIdForm =
  /^sb-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}!b\d+\|it(-rt-[a-z0-9-]+)?!b\d+$/
const secretForm = /^csec_[A-Za-z0-9_-]{43}$/

const createKey = (instance: string, name: string, parameters?: Json) =>
  admin.call('POST', `/instances/${instance}/keys`, { name, ...(parameters && { parameters }) })
const showKey = async (instance: string, name = 'key') =>
  (await admin.call('GET', `/instances/${instance}/keys/${name}`)).json<Json>()
const askForToken = (key: { clientid: string; clientsecret: string }) =>
  server.call('/oauth/token', {
    method: 'POST',
    headers: { Authorization: basic(key) },
    body: { grant_type: 'client_credentials' },
  })

test('a service key is a document of five members, each ready to use', async () => {
  await admin.call('POST', '/instances', { name: 'plain' })
  const answer = await createKey('plain', 'first')
  assert.equal(answer.status, 201)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const key = answer.json<Record<'clientid' | 'clientsecret' | 'tokenurl' | 'url' | 'createdate', string>>()
  assert.deepEqual(Object.keys(key).sort(), ['clientid', 'clientsecret', 'createdate', 'tokenurl', 'url'])
  assert.match(key.clientid, clientIdForm)
  assert.match(key.clientid, /\|it-rt-default!b1$/)
  assert.match(key.clientsecret, secretForm)
  assert.equal(key.tokenurl, `${server.url}/oauth/token`)
  assert.equal(key.url, server.url)
  assert.match(key.createdate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal((await askForToken(key)).status, 200)
})

test('a key of plan api has the client id of that plan and the address of the admin API', async () => {
  const key = await newKey('api-key', { roles: ['CredentialsRead'] }, 'api')
  assert.match(key.clientid, clientIdForm)
  assert.match(key.clientid, /\|it!b1$/)
  assert.equal(key.url, `${server.url}/admin/v1`)
})

test('no two keys share an id or a secret, and none holds what needs escaping', async () => {
  await admin.call('POST', '/instances', { name: 'many' })
  const keys = await Promise.all(
    Array.from({ length: 50 }, async (_, i) =>
      (await createKey('many', `k${i}`)).json<Record<string, string>>(),
    ),
  )
  for (const member of ['clientid', 'clientsecret'] as const) {
    assert.equal(new Set(keys.map(key => key[member])).size, 50)
    for (const key of keys) assert.doesNotMatch(key[member]!, /[%+:\s]/)
  }
  // Every character of the secret is drawn: 43 of 64, so hardly any place keeps the same one 50 times.
  for (let at = 5; at < 47; at++)
    assert.ok(new Set(keys.map(key => key.clientsecret![at])).size > 10, `place ${at}`)
})

test('the secret is shown once: not in a list, not in a show, not in a log, not in a file', async () => {
  const key = await newKey('shown-once')
  await askForToken(key)
  const token = await server.token(key)
  await server.call('/oauth/revoke', {
    method: 'POST',
    headers: { Authorization: basic(key) },
    body: { token },
  })
  await admin.call('PATCH', '/instances/shown-once', { parameters: { 'token-validity': 7200 } })
  for (const path of [
    '/instances',
    '/instances/shown-once',
    '/instances/shown-once/keys',
    '/instances/shown-once/keys/key',
  ]) {
    const answer = await admin.call('GET', path)
    assert.equal(answer.status, 200)
    assert.ok(!answer.text.includes('csec_'), path)
    assert.ok(!answer.text.includes('igest'), path)
  }
  await services.journal.flush()
  assert.ok(!JSON.stringify(server.log).includes(key.clientsecret))
  const raw = Buffer.from(key.clientsecret.slice('csec_'.length), 'base64url')
  const files = bytesOf(directory)
  assert.ok(files.includes(key.clientid), 'the files that are searched are the right ones')
  for (const form of [
    key.clientsecret,
    key.clientsecret.slice(5),
    raw,
    raw.toString('hex'),
    raw.toString('base64'),
  ])
    assert.ok(!files.includes(form))
  assert.ok(!files.includes(token))
})

test('a key is shown with its type, its addresses and its times', async () => {
  const key = await newKey('described')
  const { createdAt, ...shown } = await showKey('described')
  assert.equal(createdAt, (key as unknown as Json).createdate)
  assert.deepEqual(shown, {
    name: 'key',
    type: 'secret',
    clientid: key.clientid,
    tokenurl: key.tokenurl,
    url: key.url,
    pinned: null,
    certificates: [],
    keys: [],
    jwksUri: null,
    previousSecretUntil: null,
    expiresAt: null,
    lastUsedAt: null,
  })
  const list = (await admin.call('GET', '/instances/described/keys')).json<{ keys: Json[] }>()
  assert.deepEqual(list.keys, [{ createdAt, ...shown }])
})

test('the last use of a key is shown within a second, by token request and by Basic at a flow', async () => {
  await server.deploy({
    id: 'used',
    sender: { adapter: 'HTTPS', address: '/used' },
    receiver: { adapter: 'HTTP', url: 'http://127.0.0.1:9' },
  })
  for (const [instance, use] of [
    ['used-for-token', (key: never) => askForToken(key)],
    ['used-at-flow', (key: never) => server.call('/http/used', { headers: { Authorization: basic(key) } })],
  ] as const) {
    const key = await newKey(instance)
    const before = server.now()
    await use(key as never)
    const deadline = performance.now() + 1000
    for (;;) {
      const { lastUsedAt } = await showKey(instance)
      if (lastUsedAt !== null) {
        const at = Date.parse(String(lastUsedAt))
        assert.ok(at >= before && at <= server.now())
        break
      }
      assert.ok(performance.now() < deadline, `${instance}: not shown within a second`)
    }
  }
})

test('a failed attempt is no use', async () => {
  const key = await newKey('unused')
  await askForToken({ ...key, clientsecret: 'csec_wrong' })
  await services.journal.flush()
  assert.equal((await showKey('unused')).lastUsedAt, null)
})

test('a deleted key is gone, and so are its tokens; its name is free', async () => {
  const key = await newKey('cut')
  const token = await server.token(key)
  assert.equal((await admin.call('DELETE', '/instances/cut/keys/key')).status, 204)
  assert.equal((await askForToken(key)).status, 401)
  const answer = await admin.call('GET', '/instances/cut/keys/key')
  assert.equal(answer.status, 404)
  assert.match(told(answer), /there is no key key of instance cut \| See `countersign key list cut`/)
  assert.equal((await admin.call('DELETE', '/instances/cut/keys/key')).status, 404)
  const next = (await createKey('cut', 'key')).json<{ clientid: string; clientsecret: string }>()
  assert.notEqual(next.clientid, key.clientid)
  assert.equal((await askForToken(next)).status, 200)
  const asked = await server.call('/oauth/introspect', {
    method: 'POST',
    headers: { Authorization: basic(next) },
    body: { token },
  })
  assert.deepEqual(asked.json(), { active: false })
})

test('all tokens of a key can be revoked without touching the key', async () => {
  const key = await newKey('recall')
  const introspect = async (token: string) =>
    (
      await server.call('/oauth/introspect', {
        method: 'POST',
        headers: { Authorization: basic(key) },
        body: { token },
      })
    ).json().active
  const [jwt, opaque] = [await server.token(key), await server.token(key, { token_format: 'opaque' })]
  assert.deepEqual([await introspect(jwt), await introspect(opaque)], [true, true])
  assert.equal((await admin.call('POST', '/instances/recall/keys/key/token-revocation')).status, 204)
  assert.deepEqual([await introspect(jwt), await introspect(opaque)], [false, false])
  assert.equal(await introspect(await server.token(key)), true)
  assert.equal((await admin.call('POST', '/instances/recall/keys/none/token-revocation')).status, 404)
  assert.equal(await revokeAllOf('nothing', services.store), false)
})

test('names of keys follow the rules of names and are unique in their instance', async () => {
  await admin.call('POST', '/instances', { name: 'named' })
  for (const name of ['a', 'A.b_c-9', 'x'.repeat(32)])
    assert.equal((await createKey('named', name)).status, 201)
  for (const name of ['', 'x'.repeat(33), 'a b', 'a/b', 'ä']) {
    const answer = await createKey('named', name)
    assert.equal(answer.status, 400, name)
    assert.match(told(answer), /key name must have 1 to 32 characters/)
  }
  const again = await createKey('named', 'a')
  assert.equal(again.status, 409)
  assert.match(told(again), /key a of instance named exists already/)
  assert.equal((await createKey('plain', 'a')).status, 201)
  assert.equal((await createKey('nothing', 'a')).status, 404)
})

test('of two requests for the same name one wins', async () => {
  await admin.call('POST', '/instances', { name: 'race' })
  const answers = await Promise.all(Array.from({ length: 8 }, () => createKey('race', 'same')))
  assert.deepEqual(answers.map(answer => answer.status).sort(), [201, ...Array(7).fill(409)])
  const winner = answers
    .find(answer => answer.status === 201)!
    .json<{ clientid: string; clientsecret: string }>()
  assert.equal((await askForToken(winner)).status, 200)
})

test('the type of a key is chosen by key-type; others than those that exist are refused by name', async () => {
  assert.equal((await createKey('named', 'typed', { 'key-type': 'secret' })).status, 201)
  const answer = await createKey('named', 'other', { 'key-type': 'password' })
  assert.equal(answer.status, 400)
  assert.match(told(answer), /there is no key type password; types are secret/)
  assert.equal((await createKey('named', 'other', { 'key-type': 7 })).status, 400)
})
