import assert from 'node:assert/strict'
import { createPublicKey, verify, X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Application } from '../../../src/core/applications/index.ts'
import { revokeGrant, updateApplication } from '../../../src/core/applications/index.ts'
import { rotateKeys } from '../../../src/core/tokens/index.ts'
import { createGuard, isProblem } from '../../../src/guard/index.ts'
import { type Answer, basic, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { partsOf } from '../token-server/world.ts'
import {
  ask,
  claimsOf,
  grant,
  holdCertificate,
  newApp,
  newCertificate,
  secretOf,
  sha1Of,
  signed,
  tokenOf,
  withAssertion,
} from './world.ts'

let server: TestServer
let orders: Application
let older: Application
let sender: Application
let secret: string
before(async () => {
  server = await startTestServer()
  orders = await newApp(server, {
    name: 'orders',
    idUri: 'https://orders.example/',
    appRoles: [{ value: 'Orders.Read' }, { value: 'Orders.Write' }],
  })
  older = await newApp(server, {
    name: 'older',
    idUri: 'api://older',
    tokenVersion: 1,
    appRoles: [{ value: 'Older.Read' }],
  })
  sender = await newApp(server, { name: 'sender' })
  secret = await secretOf(server, sender)
  await grant(server, sender, orders, 'Orders.Read')
  await grant(server, sender, older, 'Older.Read')
})
after(() => server.close())

const bySecret = (scope: string, more: Record<string, string | undefined> = {}) =>
  ask(server, { client_id: sender.clientId, client_secret: secret, scope, ...more })

interface KeySet {
  keys: { kid: string; kty: string; n: string; e: string; x5t: string; x5c: string[]; use: string }[]
}
const keySet = async (path = 'v2.0/keys') =>
  (await server.call(`/${server.tenant.guid}/discovery/${path}`)).json<KeySet>()

async function assertSigned(token: string): Promise<void> {
  const { header } = partsOf(token)
  assert.equal(header.alg, 'RS256')
  const { keys } = await keySet()
  const { kty, n, e, x5c, x5t } = keys.find(key => key.kid === header.kid)!
  const input = Buffer.from(token.slice(0, token.lastIndexOf('.')))
  const signature = Buffer.from(token.split('.')[2]!, 'base64url')
  const certificate = new X509Certificate(Buffer.from(x5c[0]!, 'base64'))
  for (const key of [createPublicKey({ key: { kty, n, e }, format: 'jwk' }), certificate.publicKey])
    assert.ok(verify('sha256', input, key, signature))
  assert.ok(certificate.verify(certificate.publicKey))
  assert.equal(x5t, Buffer.from(certificate.fingerprint.replaceAll(':', ''), 'hex').toString('base64url'))
}

describe('a token for a resource of version 2', () => {
  test('has the claims of Entra, and the roles that were granted, and no more', async () => {
    const answer = await bySecret(`${orders.clientId}/.default`)
    const { access_token: token, ...rest } = answer.json()
    assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 })
    assert.equal(answer.headers['cache-control'], 'no-store')
    await assertSigned(String(token))
    const { header, claims } = partsOf(String(token))
    assert.deepEqual(Object.keys(header).sort(), ['alg', 'kid', 'typ'])
    const { iat, nbf, exp, uti, rh, ...told } = claims
    assert.deepEqual(told, {
      aud: orders.clientId,
      iss: `${server.url}/${server.tenant.guid}/v2.0`,
      azp: sender.clientId,
      azpacr: '1',
      idtyp: 'app',
      oid: sender.objectId,
      roles: ['Orders.Read'],
      sub: sender.objectId,
      tid: server.tenant.guid,
      ver: '2.0',
    })
    assert.equal(nbf, iat)
    assert.equal(exp, Number(iat) + 3600)
    assert.match(String(uti), /^[A-Za-z0-9_-]{22}$/)
    assert.match(String(rh), /^[A-Za-z0-9_-]+\.1$/)
  })

  test('looks the same from every endpoint, and by every name of the resource', async () => {
    const v1 = { path: `/${server.tenant.guid}/oauth2/token` }
    const named = { client_id: sender.clientId, client_secret: secret }
    const answers: Answer[] = [
      await bySecret('https://orders.example//.default'),
      await bySecret(`api://${orders.clientId}/.default`),
      await bySecret(`${orders.clientId.toUpperCase()}/.default`),
      // As the MSAL for Go and the one for Java ask, always.
      await bySecret(`${orders.clientId}/.default openid offline_access profile`),
      await bySecret(`openid profile offline_access ${orders.clientId}/.default`),
      await ask(server, { ...named, resource: orders.clientId }, v1),
      await ask(server, { ...named, resource: 'https://orders.example/' }, v1),
    ]
    for (const answer of answers) {
      const { claims } = partsOf(tokenOf(answer))
      assert.deepEqual([claims.aud, claims.ver, claims.roles], [orders.clientId, '2.0', ['Orders.Read']])
    }
  })

  test('says 2 in azpacr when a certificate has proven the client', async () => {
    const app = await newApp(server)
    const certificate = newCertificate()
    await holdCertificate(server, app, certificate)
    const assertion = signed(certificate, claimsOf(server, app))
    const scope = `${orders.clientId}/.default`
    const { claims } = partsOf(tokenOf(await ask(server, { ...withAssertion(assertion), scope })))
    assert.deepEqual([claims.azp, claims.azpacr, claims.roles], [app.clientId, '2', undefined])
  })

  test('loses a role with its grant, and gets it back', async () => {
    const app = await newApp(server)
    const own = await secretOf(server, app)
    const roles = async () => {
      const scope = `${orders.clientId}/.default`
      const answer = await ask(server, { client_id: app.clientId, client_secret: own, scope })
      return partsOf(tokenOf(answer)).claims.roles
    }
    assert.equal(await roles(), undefined)
    await grant(server, app, orders, 'Orders.Read')
    await grant(server, app, orders, 'Orders.Write')
    assert.deepEqual(await roles(), ['Orders.Read', 'Orders.Write'])
    const request = { application: app.name, resource: 'orders', role: 'Orders.Read' }
    orThrow(await revokeGrant(server.tenant, request, server.server.services))
    assert.deepEqual(await roles(), ['Orders.Write'])
    const appRoles = [{ value: 'Orders.Read' }, { value: 'Orders.Write', enabled: false }]
    orThrow(await updateApplication(server.tenant, 'orders', { appRoles }, server.server.services))
    assert.equal(await roles(), undefined)
    const enabled = [{ value: 'Orders.Read' }, { value: 'Orders.Write' }]
    orThrow(await updateApplication(server.tenant, 'orders', { appRoles: enabled }, server.server.services))
    assert.deepEqual(await roles(), ['Orders.Write'])
  })
})

describe('a token for a resource of version 1', () => {
  test('has the claims of version 1, and the thumbprint in its header', async () => {
    const token = tokenOf(await bySecret('api://older/.default'))
    await assertSigned(token)
    const { header, claims } = partsOf(token)
    const { keys } = await keySet('keys')
    assert.equal(header.x5t, header.kid)
    assert.equal(header.x5t, keys.find(key => key.kid === header.kid)!.x5t)
    const { iat: _i, nbf: _n, exp: _e, uti: _u, rh: _r, ...told } = claims
    const issuer = `${server.url}/${server.tenant.guid}/`
    assert.deepEqual(told, {
      aud: 'api://older',
      iss: issuer,
      appid: sender.clientId,
      appidacr: '1',
      idp: issuer,
      idtyp: 'app',
      oid: sender.objectId,
      roles: ['Older.Read'],
      sub: sender.objectId,
      tid: server.tenant.guid,
      ver: '1.0',
    })
    const byId = partsOf(tokenOf(await bySecret(`${older.clientId}/.default`)))
    assert.equal(byId.claims.aud, older.clientId)
  })

  test('is answered with text where the older endpoint is asked', async () => {
    const path = `/${server.tenant.guid}/oauth2/token`
    const named = { client_id: sender.clientId, client_secret: secret, resource: 'api://older' }
    const answer = await ask(server, named, { path })
    const { access_token: token, ...rest } = answer.json()
    const { claims } = partsOf(String(token))
    assert.deepEqual(rest, {
      token_type: 'Bearer',
      expires_in: '3599',
      ext_expires_in: '3599',
      expires_on: String(claims.exp),
      not_before: String(claims.nbf),
      resource: 'api://older',
    })
  })
})

test('our own guard takes the tokens of a resource by its issuer, in either version', async () => {
  const issuer = `${server.url}/${server.tenant.guid}/`
  for (const [resource, role, own, another] of [
    [orders.clientId, 'Orders.Read', `${issuer}v2.0`, issuer],
    ['api://older', 'Older.Read', issuer, `${issuer}v2.0`],
  ] as const) {
    const authorization = `Bearer ${tokenOf(await bySecret(`${resource}/.default`))}`
    const options = { tokens: 'entra', audience: resource, ca: server.ca } as const
    const caller = await createGuard({ ...options, issuer: own }).check({ authorization })
    assert.ok(!isProblem(caller), JSON.stringify(caller))
    assert.deepEqual([caller.clientId, [...caller.roles]], [sender.clientId, [role]])
    const refused = await createGuard({ ...options, issuer: another }).check({ authorization })
    assert.ok(isProblem(refused))
    assert.match(refused.reason, /^issuer/)
  }
})

describe('the request', () => {
  test('may have the credential in HTTP Basic', async () => {
    const headers = { Authorization: basic({ clientid: sender.clientId, clientsecret: secret }) }
    tokenOf(await ask(server, { scope: `${orders.clientId}/.default` }, { headers }))
  })

  test('names the tenant by GUID, name or alias', async () => {
    const scope = `${orders.clientId}/.default`
    for (const tenant of [server.tenant.guid, server.tenant.guid.toUpperCase(), server.tenant.name]) {
      const path = `/${tenant}/oauth2/v2.0/token`
      tokenOf(await ask(server, { client_id: sender.clientId, client_secret: secret, scope }, { path }))
    }
  })

  test('carries what libraries of Microsoft send beside it, and gets its id back', async () => {
    const id = 'd6a1b5f0-0000-4000-8000-000000000001'
    const extra = {
      'x-client-SKU': 'msal.js.node',
      'x-client-VER': '7.2.1',
      'x-ms-lib-capability': 'retry-after, h429',
      'x-client-current-telemetry': '5|771,0,,,|,',
      'client-request-id': id,
      audience: 'ignored',
    }
    const scope = `${orders.clientId}/.default`
    const named = { client_id: sender.clientId, client_secret: secret, scope }
    const good = await ask(
      server,
      { ...named, ...extra },
      { query: `?client-request-id=${id}&x-client-SKU=a` },
    )
    tokenOf(good)
    assert.equal(good.headers['client-request-id'], id)
    assert.equal(good.headers['x-ms-request-id'], good.headers['x-correlation-id'])
    const bad = await ask(server, { ...named, client_secret: 'wrong' }, { query: `?client-request-id=${id}` })
    assert.equal(bad.headers['client-request-id'], id)
    assert.notEqual(bad.json().correlation_id, id)
    const forged = await ask(server, named, { query: '?client-request-id=a%0d%0aSet-Cookie:b' })
    assert.equal(forged.headers['client-request-id'], undefined)
    assert.equal(forged.headers['set-cookie'], undefined)
  })
})

describe('the keys', () => {
  test('are there as soon as an application is, the same in both versions', async () => {
    const { keys } = await keySet()
    assert.equal(keys.length, 1)
    const [key] = keys
    assert.deepEqual([key!.kty, key!.use, key!.e], ['RSA', 'sig', 'AQAB'])
    assert.deepEqual(
      (await keySet('keys')).keys.map(({ kid, x5t }) => [kid, x5t]),
      keys.map(({ kid, x5t }) => [kid, x5t]),
    )
    assert.deepEqual(await keySet(), await keySet())
  })

  test('change with a rotation, and the next token is signed by the new one', async () => {
    const before = partsOf(tokenOf(await bySecret(`${orders.clientId}/.default`))).header.kid
    await rotateKeys(server.tenant, { now: true }, server.server.services)
    const token = tokenOf(await bySecret(`${orders.clientId}/.default`))
    await assertSigned(token)
    assert.notEqual(partsOf(token).header.kid, before)
    assert.equal((await keySet()).keys.length, 2)
  })
})

test('several certificates and secrets count at once, each until it is taken away', async () => {
  const app = await newApp(server)
  const [one, two] = [newCertificate('one'), newCertificate('two')]
  const scope = `${orders.clientId}/.default`
  for (const certificate of [one, two]) await holdCertificate(server, app, certificate)
  const secrets = [await secretOf(server, app), await secretOf(server, app)]
  for (const certificate of [one, two])
    for (const header of [{}, { alg: 'RS256', x5t: sha1Of(certificate) }, { kid: sha1Of(certificate) }])
      tokenOf(
        await ask(server, { scope, ...withAssertion(signed(certificate, claimsOf(server, app), header)) }),
      )
  for (const client_secret of secrets)
    tokenOf(await ask(server, { scope, client_id: app.clientId, client_secret }))
})
