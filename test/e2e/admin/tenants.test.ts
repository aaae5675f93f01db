import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { reservedTenantNames } from '../../../src/core/tenants/index.ts'
import { basic, type SentKey } from '../../support/server.ts'
import { flowFile } from '../worker/world.ts'
import { adminWith, type Json, startAdminWorld, told } from './world.ts'

const { server, services, admin, close } = await startAdminWorld()
after(close)
const create = (name: string, more: Json = {}) => admin.call('POST', '/tenants', { name, ...more })
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('a tenant is made with an issuer and keys of its own, and serves at once', async () => {
  const made = await create('acme', { aliases: ['acme.example'], signingAlgorithm: 'EdDSA' })
  assert.equal(made.status, 201)
  const { id, createdAt, ...rest } = made.json()
  assert.match(String(id), guid)
  assert.match(String(createdAt), /Z$/)
  assert.deepEqual(rest, {
    name: 'acme',
    aliases: ['acme.example'],
    signingAlgorithm: 'EdDSA',
    selfSigned: false,
    issuer: `${server.url}/tenants/acme`,
  })
  const keysOf = async (prefix: string) =>
    (await server.call(`${prefix}/token_keys`)).json<{ keys: { kid: string; alg: string }[] }>().keys
  const theirs = await keysOf('/tenants/acme')
  assert.deepEqual(
    theirs.map(key => key.alg),
    ['EdDSA'],
  )
  const ours = (await keysOf('')).map(key => key.kid)
  assert.ok(theirs.every(key => !ours.includes(key.kid)))
  const metadata = (await server.call('/tenants/acme/.well-known/oauth-authorization-server')).json()
  assert.equal(metadata.issuer, `${server.url}/tenants/acme`)
  const { tenants } = (await admin.call('GET', '/tenants')).json<{ tenants: Json[] }>()
  assert.deepEqual(tenants.map(tenant => tenant.name).sort(), ['acme', 'default'])
})

test('names, GUIDs and aliases follow their rules', async () => {
  for (const name of ['a', 'x'.repeat(41), 'Acme', 'a_b', 'a b', 'ä-b', '', 'a.b', '../x']) {
    const answer = await create(name)
    assert.equal(answer.status, 400, name)
    assert.match(told(answer), /2 to 40 characters out of a-z 0-9 -/)
  }
  for (const [more, says] of [
    [{ id: 'no-guid' }, /must be a GUID/],
    [{ aliases: ['not a domain'] }, /is not a domain name/],
    [{ aliases: ['localhost'] }, /is not a domain name/],
    [{ signingAlgorithm: 'none' }, /signingAlgorithm/],
    [{ signingAlgorithm: 'HS256' }, /signingAlgorithm/],
    [{ signingAlgorithm: 'ES384' }, /signingAlgorithm/],
  ] as const) {
    const answer = await create('bad-tenant', more)
    assert.equal(answer.status, 400, JSON.stringify(more))
    assert.match(told(answer), says)
  }
  assert.equal((await server.call('/tenants/bad-tenant/token_keys')).status, 404)
})

test('names that begin an address, and the words of Entra clients, are reserved', async () => {
  for (const name of [
    'oauth',
    'admin',
    'http',
    'cxf',
    'gw',
    'pki',
    'common',
    'organizations',
    'consumers',
    'console',
  ])
    assert.ok(reservedTenantNames.has(name), name)
  for (const name of reservedTenantNames) {
    const answer = await create(name)
    assert.equal(answer.status, 400, name)
    assert.match(told(answer), /is reserved/)
  }
})

test('a name, a GUID or an alias is never given twice', async () => {
  const id = '11111111-2222-4333-8444-555555555555'
  assert.equal((await create('first', { id: id.toUpperCase(), aliases: ['First.example'] })).json().id, id)
  for (const [name, more, says] of [
    ['first', {}, /tenant first exists already/],
    ['default', {}, /tenant default exists already/],
    ['second', { id }, /tenant first has that GUID/],
    ['second', { aliases: ['FIRST.example'] }, /tenant first has the alias first\.example/],
  ] as const) {
    const answer = await create(name, more)
    assert.equal(answer.status, 409)
    assert.match(told(answer), says)
  }
})

test('a deleted tenant is gone with all that was in it; its name may be used again, its tokens not', async () => {
  await create('doomed')
  const doomed = services.tenants.byName('doomed')!
  const key: SentKey = await server.sender({ tenant: doomed })
  await server.deploy(flowFile('theirs', 'http://127.0.0.1:9'), doomed)
  const token = await server.token(key)
  const opaque = await server.token(key, { token_format: 'opaque' })
  const there = (header: string) =>
    server.call('/tenants/doomed/http/theirs', { headers: { Authorization: header } })
  for (const header of [`Bearer ${token}`, `Bearer ${opaque}`, basic(key)])
    assert.equal((await there(header)).status, 502)

  assert.equal((await admin.call('DELETE', '/tenants/doomed')).status, 204)
  for (const path of ['/token_keys', '/http/theirs', '/oauth/token', '/.well-known/openid-configuration'])
    assert.equal((await server.call(`/tenants/doomed${path}`)).status, 404)
  assert.equal((await server.call('/.well-known/oauth-authorization-server/tenants/doomed')).status, 404)
  assert.equal((await admin.call('DELETE', '/tenants/doomed')).status, 404)

  const again = (await create('doomed')).json()
  assert.notEqual(again.id, doomed.guid)
  const reborn = services.tenants.byName('doomed')!
  assert.ok(reborn.number > doomed.number || reborn.id !== doomed.id)
  assert.equal((await there(`Bearer ${token}`)).status, 404, 'its flow is gone')
  await server.deploy(flowFile('theirs', 'http://127.0.0.1:9'), reborn)
  for (const header of [`Bearer ${token}`, `Bearer ${opaque}`, basic(key)])
    assert.equal((await there(header)).status, 401)
  assert.deepEqual(await services.store.read.instances.list(reborn.id), [])
  assert.deepEqual(await services.store.read.instances.list(doomed.id), [])
})

test('default cannot be deleted', async () => {
  const answer = await admin.call('DELETE', '/tenants/default')
  assert.equal(answer.status, 409)
  assert.match(told(answer), /default cannot be deleted/)
})

test('signing keys are rotated for one tenant, by date or now', async () => {
  await create('rotating')
  const operator = adminWith(server, admin.headers.Authorization.slice('Bearer '.length), '/tenants/rotating')
  const keys = async (at = operator) =>
    (await at.call('GET', '/signing-keys')).json<{ keys: { kid: string; use: string; state: string }[] }>()
      .keys
  const mine = await keys(admin)
  const [before] = (await keys()).filter(key => key.use === 'sig')
  const planned = await operator.call('POST', '/signing-keys/rotation', {})
  assert.equal(planned.status, 200)
  assert.ok(Date.parse(String(planned.json().activeFrom)) > server.now())
  assert.deepEqual(
    (await keys())
      .filter(key => key.use === 'sig')
      .map(key => key.state)
      .sort(),
    ['active', 'published'],
  )

  const immediate = await operator.call('POST', '/signing-keys/rotation', { now: true, algorithm: 'PS256' })
  assert.ok(Date.parse(String(immediate.json().activeFrom)) <= server.now())
  const [active] = (await keys()).filter(key => key.use === 'sig' && key.state === 'active')
  assert.notEqual(active?.kid, before?.kid)
  assert.deepEqual(await keys(admin), mine, 'another tenant keeps its keys')
})

test('whether service keys may hold self-signed certificates is changed per tenant, by the operator', async () => {
  await create('policy', { selfSigned: true })
  const shown = async () =>
    (await admin.call('GET', '/tenants'))
      .json<{ tenants: { name: string; selfSigned: boolean }[] }>()
      .tenants.find(({ name }) => name === 'policy')?.selfSigned
  assert.equal(await shown(), true)
  for (const [body, expected] of [
    [{ selfSigned: false }, false],
    [{}, false],
    [{ selfSigned: true }, true],
  ] as const) {
    const answer = await admin.call('PATCH', '/tenants/policy', body)
    assert.equal(answer.status, 200)
    assert.equal(answer.json().selfSigned, expected)
    assert.equal(await shown(), expected)
  }
  for (const body of [{ selfSigned: 'yes' }, { name: 'other' }, [], null])
    assert.equal((await admin.call('PATCH', '/tenants/policy', body)).status, 400, JSON.stringify(body))
  assert.equal((await admin.call('PATCH', '/tenants/nothing', { selfSigned: true })).status, 404)
})
