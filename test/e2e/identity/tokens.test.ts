import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { SignJWT } from 'jose'
import type { Application } from '../../../src/core/applications/index.ts'
import { addMember } from '../../../src/core/identity/index.ts'
import {
  bearer,
  compose,
  describedIds,
  type Entra,
  me,
  posts,
  type RunningIdentity,
  runIdentity,
  serverTls,
  startEntra,
  tokensOnly,
} from '../../support/identity-service.ts'
import { type IssuerKey, issuerKey, signed } from '../../support/issuer.ts'
import { newRoot, pkcs8, type Sender } from '../../support/senders.ts'
import { type Answer, type CallOptions, callUrl } from '../../support/server.ts'
import { tokenServer } from '../../support/token-server.ts'
import { grant, holdCertificate, newApp, newCertificate } from '../entra/world.ts'
import { eventually } from '../process/support.ts'
import { partsOf } from '../token-server/world.ts'

let entra: Entra
let orders: Application
before(async () => {
  entra = await startEntra()
  orders = await newApp(entra.server, { name: 'orders' })
})
after(() => entra.close())

const whoIs = async (identity: RunningIdentity, token: string): Promise<Answer> =>
  identity.call(me, bearer(token))

/** Why the request was refused, as the operator reads it. */
async function reasonOf({ server }: RunningIdentity, answer: Answer): Promise<string> {
  const operator = await server.adminToken('MonitoringDataRead')
  const id = String(answer.headers['x-correlation-id'])
  const found = await server.call(`/admin/v1/decisions/${id}`, bearer(operator))
  assert.equal(found.status, 200, found.text)
  return JSON.stringify(found.json())
}

describe('tokens of Microsoft Entra', () => {
  let identity: RunningIdentity
  before(async () => {
    const env = { ...compose(entra), CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI: 'false' }
    identity = await runIdentity({ ...env, CAMUNDA_SECURITY_AUTHORIZATIONS_ENABLED: 'true' }, entra)
  })
  after(() => identity.close())

  test('got by @azure/msal-node with a certificate are accepted', async () => {
    const certificate = newCertificate('msal')
    await holdCertificate(entra.server, orders, certificate)
    const program = join(import.meta.dirname, '..', '..', 'interop', 'programs', 'msal.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [program], {
      env: {
        PATH: process.env.PATH,
        NODE_EXTRA_CA_CERTS: join(entra.directory, 'ca.pem'),
        AUTHORITY: entra.authority,
        CLIENT_ID: orders.clientId,
        SCOPE: `${describedIds.service}/.default`,
        CERTIFICATE: JSON.stringify({
          privateKey: pkcs8(certificate.pair),
          thumbprintSha256: hash('sha256', certificate.der, 'hex'),
        }),
      },
    })
    const { tokens } = JSON.parse(stdout.trim().split('\n').at(-1)!)
    assert.equal(tokens.length, 3, stdout)
    for (const token of tokens) {
      const answer = await whoIs(identity, token)
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.json().username, orders.clientId)
    }
  })

  test('are good for the configured audience and for what the scope names, and for no other', async () => {
    for (const audience of [describedIds.service, describedIds.api])
      assert.equal((await whoIs(identity, await entra.tokenFor(orders, audience))).status, 200)
    const other = await whoIs(identity, await entra.tokenFor(orders, orders.clientId))
    assert.equal(other.status, 401)
    assert.match(String(other.headers['www-authenticate']), /error="invalid_token"/)
    assert.match(await reasonOf(identity, other), /aud/)
  })

  test('of version 1.0 are refused, with what to change at the API', async t => {
    const old = await newApp(entra.server, { name: 'old', tokenVersion: 1, idUri: 'api://old' })
    const env = { ...tokensOnly(entra), CAMUNDA_IDENTITY_AUDIENCE: `${old.clientId},api://old` }
    const other = await runIdentity(env, entra)
    t.after(() => other.close())
    const answer = await whoIs(other, await entra.tokenFor(orders, 'api://old'))
    assert.equal(answer.status, 401)
  })

  test('bring no right by themselves: a mapping rule leads from their role to a permission', async () => {
    const app = await newApp(entra.server, { name: 'clerk' })
    await grant(entra.server, app, entra.service, 'Orders.Admin')
    const token = await entra.tokenFor(app)
    assert.deepEqual(partsOf(token).claims.roles, ['Orders.Admin'])
    let made = 0
    const create = (by = token) =>
      identity.call(
        '/v2/groups',
        posts({ groupId: `group-${++made}`, name: 'A group' }, { Authorization: `Bearer ${by}` }),
      )
    assert.equal((await create()).status, 403)

    const admin = await administratorOf(identity)
    const done = async (method: string, path: string, body?: object) => {
      const answer = await admin(method, path, body)
      assert.ok(answer.status < 300, answer.text)
    }
    await done('POST', '/v2/mapping-rules', {
      mappingRuleId: 'orders-admin',
      name: 'Orders admin',
      claimName: 'roles',
      claimValue: 'Orders.Admin',
    })
    await done('POST', '/v2/roles', { roleId: 'clerk', name: 'Clerk' })
    await done('PUT', '/v2/roles/clerk/mapping-rules/orders-admin')
    assert.equal((await create()).status, 403)
    await done('POST', '/v2/authorizations', {
      ownerType: 'ROLE',
      ownerId: 'clerk',
      resourceType: 'GROUP',
      resourceId: '*',
      permissionTypes: ['CREATE'],
    })
    assert.equal((await create()).status, 201)
    assert.deepEqual((await whoIs(identity, token)).json<{ roles: string[] }>().roles, ['clerk'])
    // Others with a token of the same issuer still may not.
    assert.equal((await create(await entra.tokenFor(orders))).status, 403)
    await done('DELETE', '/v2/mapping-rules/orders-admin')
    assert.equal((await create()).status, 403)
  })
})

/** Asks as an application that is an administrator. */
async function administratorOf(identity: RunningIdentity) {
  const app = await newApp(entra.server, { name: 'operator' })
  await addMember(
    identity.server.tenant,
    { container: 'role', containerId: 'admin', member: 'client', memberId: app.clientId },
    identity.server.server.services,
  )
  const { headers } = bearer(await entra.tokenFor(app))
  return (method: string, path: string, body?: object) =>
    identity.call(
      path,
      body ? { ...posts(body, headers as Record<string, string>), method } : { method, headers },
    )
}

describe('INITIAL_CLAIM_VALUE', () => {
  test('makes an application the administrator, says so, and nobody else', async t => {
    const first = await newApp(entra.server, { name: 'first' })
    const identity = await runIdentity(
      {
        ...tokensOnly(entra),
        INITIAL_CLAIM_NAME: 'azp',
        INITIAL_CLAIM_VALUE: first.clientId,
      },
      entra,
    )
    t.after(() => identity.close())
    const audit = identity.server.log.filter(({ message }) => message.startsWith('SECURITY AUDIT: '))
    assert.deepEqual(
      audit.map(({ level, fields }) => [level, fields.member, fields.role]),
      [['warn', 'mapping-rule', 'admin']],
    )
    const mine = (await whoIs(identity, await entra.tokenFor(first))).json<{ roles: string[] }>()
    assert.deepEqual(mine.roles, ['admin'])
    const role = { roleId: 'made', name: 'Made' }
    const as = async (app: Application) =>
      identity.call('/v2/roles', posts(role, bearer(await entra.tokenFor(app)).headers))
    assert.equal((await as(orders)).status, 403)
    assert.equal((await as(first)).status, 201)
  })

  test('names the object id, unless it is told otherwise', async t => {
    const { oid } = partsOf(await entra.tokenFor(orders)).claims
    const identity = await runIdentity({ ...tokensOnly(entra), INITIAL_CLAIM_VALUE: String(oid) }, entra)
    t.after(() => identity.close())
    const answer = await whoIs(identity, await entra.tokenFor(orders))
    assert.deepEqual(answer.json<{ roles: string[] }>().roles, ['admin'])
  })
})

describe('tokens that are made by hand', () => {
  let key: IssuerKey
  let other: IssuerKey
  let identity: RunningIdentity
  let issuer: string
  let close: () => void
  const state = { keys: [] as object[], down: false, fetches: 0 }
  const audience = 'the-api'

  before(async () => {
    key = await issuerKey('RS256', 'first')
    other = await issuerKey('RS256', 'second')
    state.keys = [key.jwk]
    const server = await tokenServer({ after() {} } as never, ({ path }) => {
      if (path === '/keys') {
        state.fetches++
        return state.down ? { status: 503, body: {} } : { body: { keys: state.keys } }
      }
      if (path === '/.well-known/openid-configuration')
        return {
          body: { issuer, jwks_uri: `${issuer}/keys`, token_endpoint: `${issuer}/token` },
        }
      return { status: 404, body: {} }
    })
    issuer = server.origin
    close = () => server.server.close()
    identity = await runIdentity({
      CAMUNDA_IDENTITY_TYPE: 'MICROSOFT',
      CAMUNDA_IDENTITY_ISSUER: issuer,
      CAMUNDA_IDENTITY_AUDIENCE: audience,
      CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'OIDC',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_USERNAME_CLAIM: 'preferred_username',
    })
  })
  after(async () => {
    await identity.close()
    close()
  })

  const seconds = () => Math.floor(Date.now() / 1000)
  const claimsOf = (more: Readonly<Record<string, unknown>> = {}) => ({
    iss: issuer,
    aud: audience,
    iat: seconds(),
    nbf: seconds(),
    exp: seconds() + 600,
    ver: '2.0',
    sub: 'an-object',
    oid: 'an-object',
    azp: 'an-app',
    uti: 'an-id',
    idtyp: 'app',
    ...more,
  })
  const asEntra = { typ: 'JWT' }
  const made = (more = {}, header = asEntra, by = key) => signed(by, claimsOf(more), header)
  const statusOf = async (token: string) => (await whoIs(identity, token)).status

  test('are accepted when everything is right', async () => {
    const answer = await whoIs(identity, await made())
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json().username, 'an-app')
  })

  const refused: Readonly<Record<string, [claims: object, why: RegExp]>> = {
    'of another issuer': [{ iss: 'https://elsewhere.example' }, /iss/],
    'for another audience': [{ aud: 'another' }, /aud/],
    'of version 1.0': [{ ver: '1.0' }, /requestedAccessTokenVersion/],
    'without a version': [{ ver: undefined }, /ver is/],
    'that are ID tokens (nonce)': [{ nonce: 'n' }, /ID token/],
    'that are ID tokens (at_hash)': [{ at_hash: 'h' }, /ID token/],
    'that are ID tokens (c_hash)': [{ c_hash: 'h' }, /ID token/],
    'without a client': [{ azp: undefined }, /azp is missing/],
    expired: [{ iat: 1_000_000, nbf: 1_000_000, exp: 1_000_600 }, /exp/],
    'not yet valid': [{ nbf: Math.floor(Date.now() / 1000) + 3600 }, /nbf/],
    'without an end': [{ exp: undefined }, /exp/],
    'with a confirmation that nobody understands': [{ cnf: { jkt: 'x' } }, /binding/],
  }
  for (const [which, [claims, why]] of Object.entries(refused))
    test(`${which} are refused`, async () => {
      const answer = await whoIs(identity, await made(claims))
      assert.equal(answer.status, 401)
      assert.doesNotMatch(answer.text, why)
      assert.match(await reasonOf(identity, answer), why)
    })

  test('without a signature, or signed with a public key as a secret, are refused', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['none', 'NONE', ''])
      assert.equal(await statusOf(`${part({ alg, kid: 'first', typ: 'JWT' })}.${part(claimsOf())}.`), 401)
    for (const secret of [JSON.stringify(key.jwk), String(key.jwk.n)]) {
      const token = await new SignJWT(claimsOf())
        .setProtectedHeader({ alg: 'HS256', kid: 'first', typ: 'JWT' })
        .sign(Buffer.from(secret))
      assert.equal(await statusOf(token), 401)
    }
  })

  test('that bring their own key, or name none that is known, are refused', async () => {
    assert.equal(await statusOf(await made({}, { ...asEntra, jwk: other.jwk } as never, other)), 401)
    assert.equal(
      await statusOf(await made({}, { ...asEntra, kid: 'first' } as never, other)),
      401,
      'the kid of a key that did not sign',
    )
    assert.equal(await statusOf(await made({}, { ...asEntra, kid: 'nobody' } as never)), 401)
  })

  test('in the query, in a form, or twice in the header are none', async () => {
    const token = await made()
    assert.equal((await identity.call(`${me}?access_token=${token}`)).status, 401)
    const twice = await identity.call(me, {
      headers: { Authorization: [`Bearer ${token}`, `Bearer ${token}`] },
    })
    assert.ok([400, 401].includes(twice.status))
  })

  test('signed by a key that was published since are accepted, and by one taken back no more', async () => {
    const later = { exp: seconds() + 7200 }
    const [old, renewed] = [await made(later), await made(later, asEntra, other)]
    assert.equal(await statusOf(old), 200)
    state.keys = [key.jwk, other.jwk]
    identity.server.advance(61_000)
    assert.deepEqual([await statusOf(renewed), await statusOf(old)], [200, 200])
    state.keys = [other.jwk]
    identity.server.advance(16 * 60_000)
    await eventually(async () => (await statusOf(old)) === 401, 2000, 'the key taken back is known')
    assert.equal(await statusOf(renewed), 200)
  })

  test('are judged by the keys that are known while the issuer is silent', async () => {
    state.down = true
    assert.equal(await statusOf(await made({ exp: seconds() + 7200 }, asEntra, other)), 200)
    state.down = false
  })

  test('bring the roles that there are, by their names, and no others', async () => {
    const rolesOf = async (claims: object) =>
      (await whoIs(identity, await made({ exp: seconds() + 7200, ...claims }, asEntra, other))).json<{
        roles: string[]
      }>().roles
    assert.deepEqual(await rolesOf({}), [])
    assert.deepEqual(await rolesOf({ roles: ['Orders.Admin', 'ROLE_SUPER', '*'] }), [])
    assert.deepEqual(await rolesOf({ roles: ['ROLE_ADMIN', 'nonsense'] }), ['admin'])
    assert.deepEqual(await rolesOf({ app_roles: ['admin'] }), ['admin'])
    assert.deepEqual(await rolesOf({ authorities: ['readonly-admin'] }), ['readonly-admin'])
    assert.deepEqual(await rolesOf({ roles: 'admin' }), [])
  })

  describe('say who they speak for', () => {
    const named = async (claims: object) => {
      const answer = await whoIs(identity, await made({ exp: seconds() + 7200, ...claims }, asEntra, other))
      return answer.status === 200 ? answer.json().username : answer.status
    }
    const user = { idtyp: undefined, scp: 'access_as_user', preferred_username: 'eve@example.com', sub: 'x' }

    test('an application by idtyp, whatever else they hold', async () => {
      assert.equal(await named({ preferred_username: 'eve@example.com' }), 'an-app')
      assert.equal(await named({ preferred_username: 'eve@example.com', sub: 'pairwise' }), 'an-app')
    })
    test('a user by scp', async () => {
      assert.equal(await named(user), 'eve@example.com')
      assert.equal(await named({ ...user, idtyp: 'user' }), 'eve@example.com')
    })
    test('an application by its subject, where the issuer does not send idtyp', async () => {
      assert.equal(await named({ idtyp: undefined }), 'an-app')
    })
    test('nobody, where the user has no name', async () => {
      assert.equal(await named({ ...user, preferred_username: undefined }), 401)
    })
  })
})

describe('tokens that are bound to a certificate', () => {
  test('count only with it', async t => {
    const key = await issuerKey('ES256', 'k')
    const server = await tokenServer(t, ({ path }) =>
      path === '/keys' ? { body: { keys: [key.jwk] } } : { status: 404, body: {} },
    )
    const clients = newRoot('Clients')
    const [mine, others] = [clients.issue({ cn: 'mine' }), clients.issue({ cn: 'others' })]
    const tls = serverTls()
    const identity = await runIdentity({
      CAMUNDA_IDENTITY_ISSUER: 'https://issuer.example',
      CAMUNDA_IDENTITY_AUDIENCE: 'api',
      CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'OIDC',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_JWK_SET_URI: `${server.origin}/keys`,
      ...tls.env,
      SERVER_SSL_CLIENT_AUTH: 'want',
      SERVER_PORT: '0',
    })
    t.after(() => identity.close())
    const now = Math.floor(Date.now() / 1000)
    const token = await signed(key, {
      ...{ iss: 'https://issuer.example', aud: 'api', sub: 'bound', exp: now + 60, iat: now, client_id: 'c' },
      ...{ jti: 'j', cnf: { 'x5t#S256': mine.thumbprint } },
    })
    const ask = async (
      certificate?: Sender,
      options: CallOptions = bearer(token),
      path = me,
    ): Promise<Answer> =>
      callUrl(`${identity.url}${path}`, tls.ca, {
        ...options,
        ...(certificate && { certificate: certificate.credential }),
      })
    for (const [certificate, status] of [
      [mine, 200] as const,
      [others, 401] as const,
      [undefined, 401] as const,
    ])
      assert.equal((await ask(certificate)).status, status)

    // So does a session that began with it.
    assert.equal((await ask(undefined, { method: 'POST', ...bearer(token) }, '/login')).status, 401)
    const login = await ask(mine, { method: 'POST', ...bearer(token) }, '/login')
    assert.equal(login.status, 204)
    const [cookie] = String((login.headers['set-cookie'] as string[])[0]).split(';')
    const session = { headers: { Cookie: cookie! } }
    for (const [certificate, status] of [
      [mine, 200] as const,
      [others, 401] as const,
      [undefined, 401] as const,
    ])
      assert.equal((await ask(certificate, session)).status, status)
  })
})
