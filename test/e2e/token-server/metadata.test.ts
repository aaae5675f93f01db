import assert from 'node:assert/strict'
import { type RequestOptions, request } from 'node:https'
import { after, before, test } from 'node:test'
import type { Tenant } from '../../../src/core/tenant.ts'
import { basic, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { askForToken, deployOrders, introspectAs, newTenant, partsOf, send } from './world.ts'

let server: TestServer
let other: Tenant
let key: SentKey
let theirKey: SentKey
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  other = await newTenant(server, 'other')
  endReceiver = await deployOrders(server, server.tenant, other)
  const parameters = { roles: ['ESBMessaging.send', 'token.introspect'] }
  key = await server.sender({ parameters })
  theirKey = await server.sender({ tenant: other, parameters })
})
after(async () => {
  endReceiver()
  await server.close()
})

const kinds = ['oauth-authorization-server', 'openid-configuration']
const documentAt = async (path: string, headers: Record<string, string> = {}) => {
  const answer = await server.call(path, { headers })
  assert.equal(answer.status, 200, path)
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  return answer.json()
}

test('the issuer in the metadata is the address that it was asked at, for every tenant at every place', async () => {
  for (const kind of kinds) {
    assert.equal((await documentAt(`/.well-known/${kind}`)).issuer, server.url)
    const issuer = `${server.url}/tenants/other`
    assert.equal(
      (await documentAt(`/.well-known/${kind}/tenants/other`)).issuer,
      issuer,
      'RFC 8414 section 3.1',
    )
    assert.equal(
      (await documentAt(`/tenants/other/.well-known/${kind}`)).issuer,
      issuer,
      'OpenID Connect discovery',
    )
  }
})

test('it names the endpoints below the issuer, and they are there', async () => {
  for (const [path, issuer] of [
    ['/.well-known/oauth-authorization-server', server.url],
    ['/.well-known/oauth-authorization-server/tenants/other', `${server.url}/tenants/other`],
  ] as const) {
    const document = await documentAt(path)
    assert.equal(document.token_endpoint, `${issuer}/oauth/token`)
    assert.equal(document.introspection_endpoint, `${issuer}/oauth/introspect`)
    assert.equal(document.revocation_endpoint, `${issuer}/oauth/revoke`)
    assert.equal(document.jwks_uri, `${issuer}/token_keys`)
    assert.deepEqual(document.grant_types_supported, ['client_credentials'])
    assert.deepEqual(document.token_endpoint_auth_methods_supported, [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'self_signed_tls_client_auth',
      'tls_client_auth',
    ])
    for (const name of ['token_endpoint', 'introspection_endpoint', 'revocation_endpoint']) {
      const answer = await server.call(String(document[name]).slice(server.url.length), { method: 'POST' })
      assert.ok([400, 401].includes(answer.status), `${name}: ${answer.status}`)
    }
    const keys = await documentAt(String(document.jwks_uri).slice(server.url.length))
    assert.ok(Array.isArray(keys.keys))
  }
})

test('metadata may be read from any origin, and kept for a while', async () => {
  const { headers } = await server.call('/.well-known/openid-configuration', {
    headers: { Origin: 'https://app.example' },
  })
  assert.equal(headers['access-control-allow-origin'], '*')
  assert.match(String(headers['cache-control']), /^public, max-age=\d+$/)
  assert.equal(headers['set-cookie'], undefined)
})

/** The certificate is that of localhost, whatever the Host header says. */
function forgedRequest(path: string, more: RequestOptions = {}, body = ''): Promise<Record<string, unknown>> {
  const headers = {
    Host: 'evil.example',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Proto': 'http',
    'X-Forwarded-Prefix': '/evil',
    Forwarded: 'host=evil.example;proto=http',
    'X-Original-URL': '/evil',
    ...(more.headers as Record<string, string>),
  }
  const options = { ca: server.ca, servername: 'localhost', agent: false, ...more, headers } as RequestOptions
  return new Promise((resolve, reject) => {
    request(`${server.url}${path}`, options, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => {
        assert.ok(!`${text}${JSON.stringify(response.headers)}`.includes('evil'))
        resolve(JSON.parse(text))
      })
    })
      .on('error', reject)
      .end(body)
  })
}

test('a forged Host or forwarding header changes nothing', async () => {
  for (const path of [
    '/.well-known/oauth-authorization-server',
    '/tenants/other/.well-known/openid-configuration',
  ])
    assert.deepEqual(await forgedRequest(path), await documentAt(path))
  const headers = { Authorization: basic(key) }
  const issued = await forgedRequest('/oauth/token?grant_type=client_credentials', {
    method: 'POST',
    headers,
  })
  const { claims } = partsOf(String(issued.access_token))
  assert.equal(claims.iss, server.url)
  assert.equal(claims.aud, server.url)
  assert.equal((await forgedRequest('/nowhere')).error, 'not_found')
})

test('an unknown tenant is 404 at every address, and so is one in another spelling', async () => {
  for (const name of ['nobody', 'OTHER', 'Other', '', 'other%00', 'oth%65r', '__proto__', 'default2']) {
    for (const kind of kinds) {
      const nested = await server.call(`/.well-known/${kind}/tenants/${name}`)
      assert.ok([400, 404].includes(nested.status), `${name}: ${nested.status}`)
    }
    for (const rest of ['/token_keys', '/.well-known/openid-configuration', '/http/orders']) {
      const answer = await server.call(`/tenants/${name}${rest}`)
      assert.ok([400, 404].includes(answer.status), `${name}${rest}: ${answer.status}`)
    }
  }
  const unknown = { ...server.tenant, name: 'nobody' }
  const answer = await askForToken(server, key, {}, { tenant: unknown })
  assert.equal(answer.status, 404)
  assert.equal(answer.json().correlation_id, answer.headers['x-correlation-id'])
})

test('only reading is allowed at published documents', async () => {
  for (const path of [
    '/token_keys',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ])
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const { status } = await server.call(path, { method })
      assert.ok(status === 405 || status === 404, `${method} ${path}: ${status}`)
    }
})

test('issuer, audience, keys and client ids of two tenants have nothing in common', async () => {
  const [ours, theirs] = [await server.token(key), await server.token(theirKey)].map(partsOf)
  for (const claim of ['iss', 'aud', 'sub', 'client_id', 'cred'])
    assert.notEqual(ours!.claims[claim], theirs!.claims[claim], claim)
  assert.notEqual(ours!.header.kid, theirs!.header.kid)
  const keysOf = async (path: string) => JSON.stringify((await server.call(path)).json())
  assert.ok(!(await keysOf('/token_keys')).includes(String(theirs!.header.kid)))
  assert.ok(!(await keysOf('/tenants/other/token_keys')).includes(String(ours!.header.kid)))
})

test('a token of one tenant is nothing at the other: introspection, flow, revocation, in both directions', async () => {
  for (const token_format of ['jwt', 'opaque'])
    for (const [own, ownKey, foreign, foreignKey] of [
      [server.tenant, key, other, theirKey],
      [other, theirKey, server.tenant, key],
    ] as const) {
      const token = await server.token(ownKey, { token_format })
      assert.equal(await send(server, token, own), 200)
      assert.equal(await send(server, token, foreign), 401)
      assert.deepEqual(await introspectAs(server, foreignKey, token, foreign), { active: false })
      const asked = await server.call(`${foreign === other ? '/tenants/other' : ''}/oauth/introspect`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
        body: { token },
      })
      assert.equal(asked.status, 401)
      assert.equal((await introspectAs(server, ownKey, token, own)).active, true)
    }
})

test('a key of one tenant opens nothing at the other', async () => {
  for (const [sender, tenant] of [
    [key, other],
    [theirKey, server.tenant],
  ] as const) {
    const answer = await askForToken(server, sender, {}, { tenant })
    assert.equal(answer.status, 401)
    assert.equal(answer.json().error, 'invalid_client')
  }
})
