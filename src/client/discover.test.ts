import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenServer } from '../../test/support/token-server.ts'
import { discover } from './discover.ts'

const oauthPath = '/.well-known/oauth-authorization-server'
const openidPath = '/.well-known/openid-configuration'
const quick = { wait: async () => {}, random: () => 0 }

test('metadata gives the token endpoint, and the one for certificates', async t => {
  const server = await tokenServer(t, ({ headers }) => {
    const issuer = `http://${headers.host}`
    const token_endpoint = `${issuer}/oauth/token`
    const mtls_endpoint_aliases = { token_endpoint: `${issuer}/mtls/token` }
    const token_endpoint_auth_methods_supported = ['client_secret_post', 'tls_client_auth']
    return {
      body: { issuer, token_endpoint, mtls_endpoint_aliases, token_endpoint_auth_methods_supported, x: 1 },
    }
  })
  const metadata = await discover(server.origin)
  assert.equal(server.received[0]?.path, oauthPath)
  assert.equal(metadata.issuer, server.origin)
  assert.equal(metadata.tokenEndpoint, `${server.origin}/oauth/token`)
  assert.equal(metadata.mtlsTokenEndpoint, `${server.origin}/mtls/token`)
  assert.deepEqual(metadata.authMethods, ['client_secret_post', 'tls_client_auth'])
  assert.equal(metadata.raw.x, 1)
})

test('the metadata of an issuer with a path stands at the well-known address before that path', async t => {
  const server = await tokenServer(t, ({ path, headers }) => {
    const issuer = `http://${headers.host}/tenants/acme`
    if (path !== `${oauthPath}/tenants/acme`) return { status: 404 }
    return { body: { issuer, token_endpoint: `${issuer}/oauth/token` } }
  })
  const metadata = await discover(`${server.origin}/tenants/acme`)
  assert.equal(metadata.tokenEndpoint, `${server.origin}/tenants/acme/oauth/token`)
  assert.deepEqual(metadata.authMethods, ['client_secret_basic'])
  assert.equal(metadata.mtlsTokenEndpoint, undefined)
})

test('a server without RFC 8414 metadata is asked for its openid-configuration, also below its path', async t => {
  const server = await tokenServer(t, ({ path, headers }) => {
    const issuer = `http://${headers.host}/t1/v2.0`
    if (path === `${oauthPath}/t1/v2.0`) return { status: 404 }
    if (path === `${openidPath}/t1/v2.0`) return { headers: { 'content-type': 'text/html' }, body: '<html>' }
    return { body: { issuer, token_endpoint: `${issuer}/token` } }
  })
  const metadata = await discover(`${server.origin}/t1/v2.0`)
  assert.equal(metadata.tokenEndpoint, `${server.origin}/t1/v2.0/token`)
  assert.deepEqual(
    server.received.map(each => each.path),
    [`${oauthPath}/t1/v2.0`, `${openidPath}/t1/v2.0`, `/t1/v2.0${openidPath}`],
  )
})

test('a document that names another issuer is refused', async t => {
  const server = await tokenServer(t, () => ({
    body: { issuer: 'https://other.test', token_endpoint: 'https://other.test/token' },
  }))
  await assert.rejects(discover(server.origin), {
    code: 'invalid_response',
    message: /names "https:\/\/other\.test", not http:\/\/localhost/,
  })
  await assert.rejects(
    discover(`${server.origin}/`),
    { code: 'invalid_response' },
    'a slash makes it another issuer',
  )
})

test('a document with an unusable token endpoint is refused', async t => {
  const endpoints = [undefined, 7, '/oauth/token', 'http://plain.test/token', 'https://u:p@host.test/token']
  const server = await tokenServer(t, ({ headers }) => ({
    body: { issuer: `http://${headers.host}`, token_endpoint: endpoints[server.received.length - 1] },
  }))
  for (const _ of endpoints) {
    await assert.rejects(discover(server.origin), { code: 'invalid_response', message: /token_endpoint/ })
  }
})

test('no metadata anywhere says what each address answered', async t => {
  const server = await tokenServer(t, () => ({ status: 404 }))
  await assert.rejects(discover(server.origin), {
    code: 'invalid_response',
    message:
      /oauth-authorization-server answered 404.*openid-configuration answered 404.*configure the token URL/,
  })
})

test('a server in trouble is asked again, and not at the next address', async t => {
  const server = await tokenServer(t, ({ headers }) => {
    if (server.received.length < 3) return { status: 503 }
    const issuer = `http://${headers.host}`
    return { body: { issuer, token_endpoint: `${issuer}/token` } }
  })
  await discover(server.origin, quick)
  assert.deepEqual(
    server.received.map(each => each.path),
    [oauthPath, oauthPath, oauthPath],
  )
})

test('an issuer must be an https address without query, fragment or password', async () => {
  for (const issuer of [
    '',
    'server.test',
    'http://server.test',
    'https://a.test/?t=1',
    'https://a.test/#x',
    'https://u:p@a.test',
  ]) {
    await assert.rejects(discover(issuer), { code: 'invalid_configuration' }, issuer)
  }
})
