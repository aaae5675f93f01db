import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { createRole } from '../../../src/core/broker/index.ts'
import { type Answer, orThrow, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { askForToken, introspectAs, newTenant, partsOf, prefixOf } from './world.ts'

let server: TestServer
let key: SentKey
before(async () => {
  server = await startTestServer()
  for (const role of ['orders.read', 'orders.write'])
    orThrow(await createRole(server.tenant, role, '', server.server.services))
  key = await server.sender({ parameters: { roles: ['ESBMessaging.send', 'orders.read', 'orders.write'] } })
})
after(() => server.close())

const allRoles = 'ESBMessaging.send orders.read orders.write'

function refused(answer: Answer, error: string): void {
  assert.equal(answer.status, 400, answer.text)
  assert.equal(answer.json().error, error)
  assert.equal(answer.headers['cache-control'], 'no-store')
}

test('an answer says what was issued: type, lifetime, scope, id; there is no refresh token', async () => {
  const body = (await askForToken(server, key)).json()
  assert.deepEqual(Object.keys(body).sort(), ['access_token', 'expires_in', 'jti', 'scope', 'token_type'])
  assert.equal(body.token_type, 'Bearer')
  assert.equal(body.expires_in, 3600)
  assert.equal(body.scope, allRoles)
  assert.ok(!('refresh_token' in body))
})

test('a JWT has the header and the claims of RFC 9068', async () => {
  const body = (await askForToken(server, key)).json<{ access_token: string; jti: string }>()
  const { header, claims } = partsOf(body.access_token)
  assert.deepEqual(Object.keys(header).sort(), ['alg', 'kid', 'typ'])
  assert.equal(header.typ, 'at+jwt')
  assert.equal(header.alg, 'ES256')
  assert.equal(claims.iss, server.url)
  assert.equal(claims.sub, key.clientid)
  assert.equal(claims.client_id, key.clientid)
  assert.equal(claims.aud, server.url)
  assert.equal(claims.scope, allRoles)
  assert.equal(claims.jti, body.jti)
  assert.ok(Math.abs(Number(claims.iat) - server.now() / 1000) < 5)
  assert.equal(Number(claims.exp) - Number(claims.iat), 3600)
})

test('no two tokens have the same id', async () => {
  const ids = await Promise.all([...Array(20)].map(async () => (await askForToken(server, key)).json().jti))
  assert.equal(new Set(ids).size, 20)
})

test('the lifetime is that of the instance, in the answer, in the token and in fact', async () => {
  for (const tokenFormat of ['jwt', 'opaque'] as const) {
    const short = await server.sender({ parameters: { tokenValidity: 3600, tokenFormat } })
    const long = await server.sender({ parameters: { tokenValidity: 86_400, tokenFormat } })
    const [shortAnswer, longAnswer] = [await askForToken(server, short), await askForToken(server, long)]
    assert.equal(shortAnswer.json().expires_in, 3600)
    assert.equal(longAnswer.json().expires_in, 86_400)
    const shortToken = String(shortAnswer.json().access_token)
    const longToken = String(longAnswer.json().access_token)
    const { exp, iat } = await introspectAs(server, long, longToken)
    assert.equal(Number(exp) - Number(iat), 86_400)
    server.advance(3_590_000)
    assert.equal((await introspectAs(server, short, shortToken)).active, true)
    server.advance(75_000)
    assert.deepEqual(await introspectAs(server, short, shortToken), { active: false })
    assert.equal((await introspectAs(server, long, longToken)).active, true)
    server.advance(86_400_000 - 3_665_000 + 61_000)
    assert.deepEqual(await introspectAs(server, long, longToken), { active: false })
  }
})

test('the default lifetime is that of the plan: one hour for flows, twelve for the admin API', async () => {
  const admin = await server.sender({ plan: 'api', parameters: { roles: ['MonitoringDataRead'] } })
  assert.equal((await askForToken(server, admin)).json().expires_in, 43_200)
})

test('scope narrows: the token has what was asked for, and no more', async () => {
  for (const [asked, granted] of [
    ['orders.read', 'orders.read'],
    ['orders.write ESBMessaging.send', 'orders.write ESBMessaging.send'],
    ['orders.read orders.read', 'orders.read'],
    ['  orders.read  ', 'orders.read'],
  ] as const)
    for (const token_format of ['jwt', 'opaque']) {
      const body = (await askForToken(server, key, { scope: asked, token_format })).json()
      assert.equal(body.scope, granted)
      assert.equal((await introspectAs(server, key, String(body.access_token))).scope, granted)
    }
})

test('a scope that the instance does not have is refused, also beside one that it has', async () => {
  for (const scope of [
    'orders.delete',
    'orders.read orders.delete',
    'ORDERS.READ',
    'ESBmessaging.send',
    'token.introspect',
    'MonitoringDataRead',
    'orders.read,orders.write',
    'orders.read\torders.write',
    ' ',
    '   ',
    '*',
    'openid',
  ])
    refused(await askForToken(server, key, { scope }), 'invalid_scope')
})

test('an instance without roles gets a token without scope', async () => {
  const bare = await server.sender({ parameters: { roles: [] } })
  const body = (await askForToken(server, bare)).json()
  assert.equal(body.scope, '')
  assert.equal((await introspectAs(server, bare, String(body.access_token))).active, true)
})

test('resource and audience may name what the token is for anyway', async () => {
  for (const name of ['resource', 'audience'])
    for (const value of [server.url, `${server.url}/`]) {
      const answer = await askForToken(server, key, { [name]: value })
      assert.equal(answer.status, 200, answer.text)
      assert.equal(partsOf(String(answer.json().access_token)).claims.aud, server.url)
    }
  const admin = await server.sender({ plan: 'api', parameters: { roles: ['MonitoringDataRead'] } })
  const answer = await askForToken(server, admin, {
    resource: `${server.url}/admin/v1`,
    audience: `${server.url}/admin/v1`,
  })
  assert.equal(partsOf(String(answer.json().access_token)).claims.aud, `${server.url}/admin/v1`)
})

test('any other resource or audience is refused', async () => {
  const wrong = [
    `${server.url}/admin/v1`,
    `${server.url}/tenants/other`,
    `${server.url}//`,
    `${server.url}#`,
    server.url.toUpperCase(),
    server.url.replace('https', 'http'),
    'https://evil.example',
    key.clientid,
    'anything',
  ]
  for (const name of ['resource', 'audience'])
    for (const value of wrong) refused(await askForToken(server, key, { [name]: value }), 'invalid_target')
  refused(
    await askForToken(server, key, { resource: server.url, audience: 'https://evil.example' }),
    'invalid_target',
  )
})

test('token_format chooses the form, else the instance does', async () => {
  const opaqueByDefault = await server.sender({ parameters: { tokenFormat: 'opaque' } })
  const formOf = async (sender: SentKey, parameters = {}) =>
    String((await askForToken(server, sender, parameters)).json().access_token).startsWith('cst_')
      ? 'opaque'
      : 'jwt'
  assert.equal(await formOf(key), 'jwt')
  assert.equal(await formOf(key, { token_format: 'opaque' }), 'opaque')
  assert.equal(await formOf(key, { token_format: 'jwt' }), 'jwt')
  assert.equal(await formOf(opaqueByDefault), 'opaque')
  assert.equal(await formOf(opaqueByDefault, { token_format: 'jwt' }), 'jwt')
  for (const token_format of ['JWT', 'saml', 'toString', 'jwt ', 'jwt,opaque'])
    refused(await askForToken(server, key, { token_format }), 'invalid_request')
})

test('an opaque token says nothing: it is a prefix and canonical base64url, and no two are alike', async () => {
  const tokens = await Promise.all([...Array(10)].map(() => server.token(key, { token_format: 'opaque' })))
  assert.equal(new Set(tokens).size, 10)
  for (const token of tokens) {
    assert.match(token, /^cst_[A-Za-z0-9_-]+$/)
    const bytes = Buffer.from(token.slice(4), 'base64url')
    for (const known of [key.clientid, 'ESBMessaging', 'orders']) assert.ok(!bytes.includes(known))
  }
})

for (const algorithm of ['ES256', 'RS256', 'PS256', 'EdDSA'])
  test(`a tenant that signs with ${algorithm} is verified by jose from its metadata alone`, async () => {
    const tenant = await newTenant(server, `signs-${algorithm.toLowerCase()}`, algorithm)
    const sender = await server.sender({ tenant })
    const token = await server.token(sender)
    assert.equal(decodeProtectedHeader(token).alg, algorithm)

    const discovered = await server.call(`/.well-known/oauth-authorization-server/tenants/${tenant.name}`)
    const { issuer, jwks_uri } = discovered.json<{ issuer: string; jwks_uri: string }>()
    const set = (await server.call(jwks_uri.slice(server.url.length))).json<JSONWebKeySet>()
    const { payload } = await jwtVerify(token, createLocalJWKSet(set), {
      issuer,
      audience: `${server.url}${prefixOf(tenant)}`,
      typ: 'at+jwt',
      algorithms: [algorithm],
      requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
      currentDate: new Date(server.now()),
    })
    assert.equal(payload.sub, sender.clientid)
    assert.equal((await introspectAs(server, sender, token, tenant)).active, true)
  })

test('a tenant signs with no weaker algorithm', async () => {
  for (const algorithm of ['HS256', 'none', 'RS1', 'ES256K', 'es256', ''])
    await assert.rejects(newTenant(server, 'weak', algorithm), /invalid_input/)
})
