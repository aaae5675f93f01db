import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Application } from '../../../src/core/applications/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { createTenant, reservedTenantNames } from '../../../src/core/tenants/index.ts'
import { startReceiver } from '../../support/receiver.ts'
import { newKey } from '../../support/senders.ts'
import { basic, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { partsOf } from '../token-server/world.ts'
import { flowFile } from '../worker/world.ts'
import { ask, assertNumber, newApp, secretOf, tokenOf } from './world.ts'

let server: TestServer
let contoso: Tenant
let app: Application
let secret: string
before(async () => {
  server = await startTestServer()
  const { services } = server.server
  contoso = orThrow(await createTenant({ name: 'contoso', aliases: ['contoso.example'] }, services))
  await services.tenants.settled()
  app = await newApp(server)
  secret = await secretOf(server, app)
})
after(() => server.close())

const named = (path: string, more: Record<string, string> = {}) =>
  ask(
    server,
    { client_id: app.clientId, client_secret: secret, scope: `${app.clientId}/.default`, ...more },
    { path },
  )

const discovery = [
  'v2.0/.well-known/openid-configuration',
  '.well-known/openid-configuration',
  'discovery/v2.0/keys',
  'discovery/keys',
]

describe('a tenant in the path', () => {
  test('is its GUID, its name or an alias, and has applications of its own', async () => {
    const own = await newApp(server, {}, contoso)
    const ownSecret = await secretOf(server, own, undefined, contoso)
    const credentials = {
      client_id: own.clientId,
      client_secret: ownSecret,
      scope: `${own.clientId}/.default`,
    }
    for (const word of [contoso.guid, 'contoso', 'contoso.example', 'Contoso.Example']) {
      const answer = await named(`/${word}/oauth2/v2.0/token`, credentials)
      assert.equal(partsOf(tokenOf(answer)).claims.tid, contoso.guid)
      for (const path of discovery) assert.equal((await server.call(`/${word}/${path}`)).status, 200)
    }
    assertNumber(
      await named(`/${server.tenant.guid}/oauth2/v2.0/token`, credentials),
      400,
      'unauthorized_client',
      700016,
    )
    assertNumber(await named('/contoso/oauth2/v2.0/token'), 400, 'unauthorized_client', 700016)
  })

  test('that is not there is answered with 404, on every address', async () => {
    for (const word of [
      'nowhere',
      '00000000-0000-4000-8000-000000000000',
      'login.microsoftonline.com',
      'DEFAULT',
    ]) {
      for (const path of ['oauth2/v2.0/token', 'oauth2/token'])
        assertNumber(await named(`/${word}/${path}`), 404, 'invalid_request', 90002)
      for (const path of discovery) assert.equal((await server.call(`/${word}/${path}`)).status, 404)
    }
  })

  test('is one tenant: common, organizations and consumers are refused', async () => {
    for (const word of ['common', 'organizations', 'consumers']) {
      assertNumber(await named(`/${word}/oauth2/v2.0/token`), 404, 'invalid_request', 9001023)
      for (const path of discovery) assert.equal((await server.call(`/${word}/${path}`)).status, 404)
    }
  })

  test('cannot be a reserved word, nor be named so, nor like the id of another one', async () => {
    for (const word of reservedTenantNames) {
      assert.equal((await named(`/${word}/oauth2/v2.0/token`)).status === 200, false, word)
      assert.ok(isProblem(await createTenant({ name: word }, server.server.services)), word)
    }
    assert.ok(isProblem(await createTenant({ name: contoso.guid }, server.server.services)))
  })

  test('hides no slash, and stands alone: /tenants/NAME is not for these addresses', async () => {
    for (const path of [
      `/default%2foauth2/v2.0/token`,
      `/default%2Fx/oauth2/v2.0/token`,
      `/${server.tenant.guid}%2f..%2fcontoso/oauth2/v2.0/token`,
      `/default/../contoso/oauth2/v2.0/token`,
      `//default/oauth2/v2.0/token`,
      `/default\\oauth2/v2.0/token`,
    ])
      assert.equal((await named(path)).status, 400, path)
    for (const path of [
      '/%64efault/oauth2/v2.0/token',
      '/default/x/oauth2/v2.0/token',
      '/default/oauth2/v2.0/token/',
    ])
      assert.equal((await named(path)).status, 404, path)
    for (const path of ['default/oauth2/v2.0/token', `${contoso.guid}/oauth2/v2.0/token`])
      assert.equal((await named(`/tenants/contoso/${path}`)).status, 404)
    const configuration = `/tenants/contoso/${contoso.guid}/v2.0/.well-known/openid-configuration`
    assert.equal((await server.call(configuration)).status, 404)
  })
})

describe('discovery', () => {
  test('has what libraries demand, on our own origin, by the GUID', async () => {
    for (const word of ['contoso', contoso.guid]) {
      const v2 = (await server.call(`/${word}/v2.0/.well-known/openid-configuration`)).json()
      const base = `${server.url}/${contoso.guid}`
      assert.deepEqual(
        [v2.issuer, v2.token_endpoint, v2.jwks_uri, v2.authorization_endpoint],
        [
          `${base}/v2.0`,
          `${base}/oauth2/v2.0/token`,
          `${base}/discovery/v2.0/keys`,
          `${base}/oauth2/v2.0/authorize`,
        ],
      )
      const v1 = (await server.call(`/${word}/.well-known/openid-configuration`)).json()
      assert.deepEqual(
        [v1.issuer, v1.token_endpoint, v1.jwks_uri],
        [`${base}/`, `${base}/oauth2/token`, `${base}/discovery/keys`],
      )
    }
    const answer = await server.call('/contoso/v2.0/.well-known/openid-configuration')
    assert.match(String(answer.headers['cache-control']), /^public, max-age=\d+$/)
  })

  test('of instances knows ours, and no other', async () => {
    const of = (endpoint: string, path = '/common') =>
      server.call(
        `${path}/discovery/instance?api-version=1.1&authorization_endpoint=${encodeURIComponent(endpoint)}`,
      )
    const { host } = new URL(server.url)
    for (const path of ['/common', ''])
      assert.deepEqual((await of(`${server.url}/contoso/oauth2/v2.0/authorize`, path)).json(), {
        tenant_discovery_endpoint: `${server.url}/${contoso.guid}/v2.0/.well-known/openid-configuration`,
        'api-version': '1.1',
        metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
      })
    for (const endpoint of [
      'https://login.microsoftonline.com/contoso/oauth2/v2.0/authorize',
      `${server.url}.attacker.example/contoso/oauth2/v2.0/authorize`,
      `${server.url}/nowhere/oauth2/v2.0/authorize`,
      `${server.url}/`,
      'contoso',
    ])
      assert.equal((await of(endpoint)).status, 400, endpoint)
    assert.equal((await server.call('/discovery/instance')).status, 400)
    assert.equal((await server.call('/tenants/contoso/discovery/instance')).status, 404)
  })
})

describe('clients of another dialect', () => {
  test('are unknown at these addresses, whatever they prove', async () => {
    for (const dialect of ['standard', 'uaa']) {
      const { document } = await newKey(server, {}, { dialect })
      const { clientid, clientsecret } = document as { clientid: string; clientsecret: string }
      const scope = `${app.clientId}/.default`
      for (const right of [clientsecret, 'wrong'])
        assertNumber(
          await named(`/${server.tenant.guid}/oauth2/v2.0/token`, {
            client_id: clientid,
            client_secret: right,
            scope,
          }),
          400,
          'unauthorized_client',
          700016,
        )
    }
  })

  test('and applications are unknown at theirs', async () => {
    const headers = { Authorization: basic({ clientid: app.clientId, clientsecret: secret }) }
    for (const [path, body] of [
      ['/oauth/token', { grant_type: 'client_credentials' }],
      ['/oauth2/api/v1/token', { grant_type: 'client_credentials' }],
      ['/oauth/introspect', { token: 'x' }],
      ['/introspect', { token: 'x' }],
      ['/oauth/revoke', { token: 'x' }],
    ] as const) {
      const answer = await server.call(path, { method: 'POST', headers, body })
      assert.equal(answer.status, 401, path)
    }
    const inBody = { grant_type: 'client_credentials', client_id: app.clientId, client_secret: secret }
    assert.equal((await server.call('/oauth/token', { method: 'POST', body: inBody })).status, 401)
  })

  test('a token for an application opens no flow, no admin API, and is no token of ours for introspection', async t => {
    const receiver = await startReceiver()
    t.after(receiver.close)
    await server.deploy(flowFile('orders', receiver.origin))
    const granted = await newApp(server, {
      appRoles: [{ value: 'ESBMessaging.send' }, { value: 'TenantsEdit' }],
    })
    const token = tokenOf(
      await named(`/${server.tenant.guid}/oauth2/v2.0/token`, { scope: `${granted.clientId}/.default` }),
    )
    const headers = { Authorization: `Bearer ${token}` }
    assert.equal((await server.call('/http/orders', { method: 'POST', headers })).status, 401)
    assert.equal((await server.call('/admin/v1/tenants', { headers })).status, 401)
    const asker = await server.sender({ parameters: { roles: ['token.introspect'] } })
    const told = await server.call('/oauth/introspect', {
      method: 'POST',
      headers: { Authorization: basic(asker) },
      body: { token },
    })
    assert.deepEqual(told.json(), { active: false })
  })
})
