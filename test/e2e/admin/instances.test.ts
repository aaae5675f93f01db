import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { basic } from '../../support/server.ts'
import { type Json, startAdminWorld, told } from './world.ts'

const { server, services, admin, newKey, close } = await startAdminWorld()
after(close)

const create = (name: string, parameters?: unknown, plan?: string) =>
  admin.call('POST', '/instances', {
    name,
    ...(plan && { plan }),
    ...(parameters !== undefined && { parameters }),
  })
let count = 0
const fresh = () => `fresh-${++count}`
const askForToken = (key: { clientid: string; clientsecret: string }, more = {}) =>
  server.call('/oauth/token', {
    method: 'POST',
    headers: { Authorization: basic(key) },
    body: { grant_type: 'client_credentials', ...more },
  })

test('an instance without parameters is what the described form makes of each plan', async () => {
  const flow = await create('for-flows')
  assert.equal(flow.status, 201)
  const { id, createdAt, updatedAt, ...rest } = flow.json()
  assert.match(String(id), /^[A-Za-z0-9_-]{22}$/)
  assert.equal(createdAt, updatedAt)
  assert.deepEqual(rest, {
    name: 'for-flows',
    plan: 'integration-flow',
    dialect: 'standard',
    roles: ['ESBMessaging.send'],
    'grant-types': ['client_credentials'],
    'redirect-uris': [],
    'token-validity': 3600,
    'token-format': 'jwt',
    'bind-tokens': false,
    'assertion-audience': 'issuer',
    'assertion-replay': 'refused',
    'certificate-overlap': 7,
  })
  const api = (await create('for-api', undefined, 'api')).json()
  assert.deepEqual([api.plan, api.roles, api['token-validity']], ['api', [], 43_200])
})

test('the described JSON is taken as it stands', async () => {
  await admin.call('POST', '/roles', { name: 'myRole1' })
  await admin.call('POST', '/roles', { name: 'myRole2' })
  const described = {
    'grant-types': ['client_credentials'],
    'redirect-uris': [],
    roles: ['ESBMessaging.send', 'myRole1', 'myRole2'],
  }
  const made = await create('described', described)
  assert.equal(made.status, 201)
  assert.deepEqual(made.json().roles, described.roles)
  const api = await create(
    'described-api',
    { roles: ['MonitoringDataRead', 'WorkspaceArtifactsDeploy'], 'grant-types': ['client_credentials'] },
    'api',
  )
  assert.deepEqual(api.json().roles, ['MonitoringDataRead', 'WorkspaceArtifactsDeploy'])
})

test('the same members inside oauth2-configuration count, too; the outer ones win', async () => {
  const inner = await create(fresh(), {
    'oauth2-configuration': {
      'token-validity': 7200,
      'redirect-uris': ['https://a.example/'],
      'grant-types': ['client_credentials'],
      'refresh-token-validity': 1,
      'system-attributes': [],
      allowedproviders: ['x'],
      'credential-types': ['binding-secret'],
    },
  })
  assert.equal(inner.status, 201, inner.text)
  assert.equal(inner.json()['token-validity'], 7200)
  assert.deepEqual(inner.json()['redirect-uris'], ['https://a.example/'])
  const both = await create(fresh(), {
    'token-validity': 4000,
    'oauth2-configuration': { 'token-validity': 7200 },
  })
  assert.equal(both.json()['token-validity'], 4000)
  const deprecated = await create(fresh(), { 'oauth2-configuration': { 'grant-types': ['client_x509'] } })
  assert.equal(deprecated.status, 400)
})

test('a file that still carries client_x509 is told what to write instead', async () => {
  for (const types of [['client_x509'], ['client_credentials', 'client_x509'], ['client_x509', 'password']]) {
    const answer = await create(fresh(), { 'grant-types': types })
    assert.equal(answer.status, 400)
    assert.match(
      told(answer),
      /client_x509 is deprecated: write "grant-types": \["client_credentials"\] instead/,
    )
  }
  await create('old-file')
  const update = await admin.call('PATCH', '/instances/old-file', {
    parameters: { 'grant-types': ['client_x509'] },
  })
  assert.equal(update.status, 400)
  assert.match(told(update), /client_x509 is deprecated/)
})

test('grant types with a person in them are refused with a reason', async () => {
  for (const type of [
    'authorization_code',
    'password',
    'refresh_token',
    'implicit',
    'Client_Credentials',
    '',
  ]) {
    const answer = await create(fresh(), { 'grant-types': [type] })
    assert.equal(answer.status, 400, type)
    assert.match(told(answer), /is not supported.*client_credentials/)
  }
})

test('the token validity is a whole number of seconds from 3600 to 86400', async () => {
  for (const good of [3600, 86_400, 43_200, '7200'])
    assert.equal((await create(fresh(), { 'token-validity': good })).json()['token-validity'], Number(good))
  for (const bad of [3599, 86_401, 0, -1, 3600.5, 'soon', '', null, true, [7200], {}, 1e12]) {
    const answer = await create(fresh(), { 'token-validity': bad })
    assert.equal(answer.status, 400, JSON.stringify(bad))
    assert.match(told(answer), /token-validity/)
  }
  assert.match(told(await create(fresh(), { 'token-validity': 60 })), /at least 3600 s/)
  assert.match(told(await create(fresh(), { 'token-validity': 90_000 })), /at most 86400 s/)
})

test('the token validity of the instance is that of its tokens, from the next token on', async () => {
  const key = await newKey('validity', { 'token-validity': 7200 })
  assert.equal((await askForToken(key)).json().expires_in, 7200)
  await admin.call('PATCH', '/instances/validity', { parameters: { 'token-validity': 4000 } })
  assert.equal((await askForToken(key)).json().expires_in, 4000)
})

test('unknown members are refused, with the nearest name that is known', async () => {
  for (const [parameters, says] of [
    [{ role: ['x'] }, /unknown member role, did you mean roles\?/],
    [{ 'grant-type': [] }, /did you mean grant-types\?/],
    [{ 'token-vality': 1 }, /did you mean token-validity\?/],
    [{ something: 1, 'else-than': 2 }, /unknown member something; unknown member else-than/],
    [
      { 'oauth2-configuration': { 'token-valdity': 1 } },
      /unknown member oauth2-configuration\.token-valdity/,
    ],
    [{ xsappname: 'x' }, /unknown member xsappname/],
    [JSON.parse('{"__proto__":{"roles":[]}}'), /unknown member __proto__/],
    ['text', /./],
    [[], /./],
    [7, /./],
    [{ roles: 'ESBMessaging.send' }, /roles/],
    [{ roles: [1] }, /roles/],
    [{ 'redirect-uris': ['nowhere'] }, /redirect-uris/],
    [{ 'token-format': 'saml' }, /token-format/],
    [{ 'bind-tokens': 'yes' }, /bind-tokens/],
    [{ dialect: 'other' }, /dialect/],
  ] as const) {
    const answer = await create(fresh(), parameters)
    assert.equal(answer.status, 400, JSON.stringify(parameters))
    assert.match(told(answer), says)
  }
})

test('a role that does not exist is refused with the nearest name, and with how to make it', async () => {
  await admin.call('POST', '/roles', { name: 'Orders.send' })
  for (const [roles, says] of [
    [
      ['Orders.sent'],
      /there is no role Orders\.sent; did you mean Orders\.send\? \| Create it: countersign role create/,
    ],
    [['orders.send'], /did you mean Orders\.send/],
    [['ESBmessaging.send'], /did you mean ESBMessaging\.send/],
    [['ESBMessaging.send', 'Nobody.knows'], /there is no role Nobody\.knows/],
    [['CredentialsEdit'], /role CredentialsEdit belongs to plan api/],
    [['TenantsEdit'], /TenantsEdit/],
  ] as const) {
    const answer = await create(fresh(), { roles })
    assert.equal(answer.status, 400)
    assert.match(told(answer), says)
  }
  const api = await create(fresh(), { roles: ['ESBMessaging.send'] }, 'api')
  assert.equal(api.status, 400)
  assert.match(told(api), /Roles of plan api: MonitoringDataRead/)
})

test('a role given twice is given once', async () => {
  const made = await create(fresh(), { roles: ['Orders.send', 'Orders.send'] })
  assert.deepEqual(made.json().roles, ['Orders.send'])
})

test('names need no quotes on a command line; two instances never have the same', async () => {
  for (const name of ['a', 'A.b_c-9', 'x'.repeat(32)]) assert.equal((await create(name)).status, 201, name)
  for (const name of ['', 'x'.repeat(33), 'a b', 'a/b', 'ä', 'a\n', 'a%', '"a"']) {
    const answer = await create(name)
    assert.equal(answer.status, 400, name)
    assert.match(told(answer), /instance name must have 1 to 32 characters out of/)
  }
  const again = await create('a')
  assert.equal(again.status, 409)
  assert.match(told(again), /instance a exists already/)
  assert.equal((await create('A')).status, 201, 'names are told apart by case')
})

test('there are two plans', async () => {
  for (const plan of ['integration_flow', 'API', 'broker']) {
    const answer = await create(fresh(), {}, plan)
    assert.equal(answer.status, 400)
    assert.match(told(answer), /plans are integration-flow and api/)
  }
})

test('update replaces what is given and leaves the rest', async () => {
  await create('changing', { roles: ['ESBMessaging.send'], 'token-validity': 7200, 'token-format': 'opaque' })
  const before = (await admin.call('GET', '/instances/changing')).json()
  server.advance(1000)
  const changed = (
    await admin.call('PATCH', '/instances/changing', { parameters: { roles: ['Orders.send'] } })
  ).json()
  assert.deepEqual(changed, { ...before, roles: ['Orders.send'], updatedAt: changed.updatedAt })
  assert.ok(Date.parse(String(changed.updatedAt)) > Date.parse(String(before.updatedAt)))
  assert.deepEqual((await admin.call('GET', '/instances/changing')).json(), changed)
  assert.deepEqual((await admin.call('GET', `/instances/${before.id}`)).json(), changed, 'also by id')
  const refused = await admin.call('PATCH', '/instances/changing', {
    parameters: { roles: ['Nobody.knows'], 'token-validity': 4000 },
  })
  assert.equal(refused.status, 400)
  assert.deepEqual(
    (await admin.call('GET', '/instances/changing')).json(),
    changed,
    'a refused update changes nothing',
  )
  const none = await admin.call('PATCH', '/instances/changing', { parameters: { roles: [] } })
  assert.deepEqual(none.json().roles, [])
})

test('instances are listed by name', async () => {
  const { instances } = (await admin.call('GET', '/instances')).json<{ instances: Json[] }>()
  const names = instances.map(instance => String(instance.name))
  assert.deepEqual(names, names.toSorted())
  assert.ok(names.includes('described'))
})

test('deleting an instance kills its keys and their tokens on the next request', async () => {
  const key = await newKey('doomed')
  const token = await server.token(key)
  const introspect = async () =>
    (
      await server.call('/oauth/introspect', {
        method: 'POST',
        headers: { Authorization: `Bearer ${watching}` },
        body: { token },
      })
    ).json()
  const watcher = await newKey('watcher', { roles: ['token.introspect'] })
  const watching = await server.token(watcher)
  assert.equal((await introspect()).active, true)
  assert.equal((await admin.call('DELETE', '/instances/doomed')).status, 204)
  assert.deepEqual(await introspect(), { active: false })
  assert.equal((await askForToken(key)).status, 401)
  for (const [method, path] of [
    ['GET', '/instances/doomed'],
    ['GET', '/instances/doomed/keys'],
    ['GET', '/instances/doomed/keys/key'],
    ['DELETE', '/instances/doomed'],
  ] as const) {
    const answer = await admin.call(method, path)
    assert.equal(answer.status, 404)
    assert.match(told(answer), /there is no instance doomed \| See `countersign instance list`/)
  }
  // The name is free again, and nothing old comes back with it.
  const next = await newKey('doomed')
  assert.notEqual(next.clientid, key.clientid)
  assert.equal((await askForToken(key)).status, 401)
  assert.deepEqual(await introspect(), { active: false })
  assert.equal((await services.store.read.keys.list('doomed')).length, 0)
})

test('tokens of plan api cannot be bound to a certificate, and the refusal says why', async () => {
  for (const answer of [
    await create('bound-api', { 'bind-tokens': true }, 'api'),
    await admin.call('PATCH', '/instances/for-api', { parameters: { 'bind-tokens': true } }),
  ]) {
    assert.equal(answer.status, 400)
    assert.match(
      told(answer),
      /bind-tokens cannot be set for plan api: the admin API never asks for a client/,
    )
  }
  assert.equal((await create('bound-flows', { 'bind-tokens': true })).status, 201)
  assert.equal((await create('unbound-api', { 'bind-tokens': false }, 'api')).status, 201)
})

test('the overlap of renewed credentials is a number of days, from 0 to 365', async () => {
  for (const days of [0, 30, 365])
    assert.equal((await create(fresh(), { 'certificate-overlap': days })).json()['certificate-overlap'], days)
  for (const days of [-1, 366, 1.5, '7', null])
    assert.equal((await create(fresh(), { 'certificate-overlap': days })).status, 400, String(days))
})
