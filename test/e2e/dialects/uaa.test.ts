import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createRole } from '../../../src/core/broker/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { askWith, issued } from '../../support/senders.ts'
import {
  type Answer,
  basic,
  orThrow,
  type SentKey,
  startTestServer,
  type TestServer,
} from '../../support/server.ts'
import { claimsOf, newSigner, present, registered, signed } from '../assertions/world.ts'
import { deployOrders, introspectAs, newTenant, partsOf, prefixOf, send } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'
import { ask, keyOf, speakerOf } from './speakers.ts'

const speaker = speakerOf('uaa')

let server: TestServer
let key: SentKey
let standard: SentKey
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  endReceiver = await deployOrders(server)
  key = await keyOf(server, 'uaa')
  standard = await server.sender()
})
after(async () => {
  endReceiver()
  await server.close()
})

interface TokenAnswer {
  readonly access_token: string
  readonly jti: string
}

async function tokenOf(by: SentKey, parameters: Record<string, string> = {}): Promise<TokenAnswer> {
  const answer = await ask(server, speaker, by, parameters)
  assert.equal(answer.status, 200, answer.text)
  return answer.json()
}

const post = (path: string, by: SentKey | string, body: Record<string, string> = {}): Promise<Answer> =>
  server.call(path, {
    method: 'POST',
    headers: { Authorization: typeof by === 'string' ? `Bearer ${by}` : basic(by) },
    body,
  })

const revoke = (what: string, by: SentKey | string, method = 'DELETE'): Promise<Answer> =>
  server.call(`/oauth/token/revoke/${what}`, {
    method,
    headers: { Authorization: typeof by === 'string' ? `Bearer ${by}` : basic(by) },
  })

test('the answer has the members of UAA', async () => {
  for (const token_format of ['jwt', 'opaque']) {
    const { access_token, jti, ...rest } = (await ask(server, speaker, key, { token_format })).json()
    assert.deepEqual(rest, { token_type: 'bearer', expires_in: 3600, scope: 'ESBMessaging.send' })
    assert.match(String(jti), /^[A-Za-z0-9_-]{22}$/)
    assert.equal(typeof access_token, 'string')
  }
})

test('a token that no secret has got says how its client has proven itself', async () => {
  const methodOf = (answer: Answer) =>
    partsOf(answer.json<TokenAnswer>().access_token).claims.client_auth_method
  const jwt = { token_format: 'jwt' }
  assert.equal(methodOf(await ask(server, speaker, key, jwt)), undefined)
  const sender = await issued(server, {}, { dialect: 'uaa' })
  assert.equal(methodOf(await askWith(server, sender, jwt)), 'tls_client_auth')
  const signer = newSigner()
  const { clientid } = await registered(server, [signer], { dialect: 'uaa' })
  const answer = await present(server, signed(signer, claimsOf(server, clientid)), jwt)
  assert.equal(methodOf(answer), 'private_key_jwt')
})

async function assertClaims(tenant: Tenant, base: string): Promise<void> {
  const owner = await keyOf(server, 'uaa', {}, tenant)
  const answer = await ask(server, speaker, owner, {}, { tenant })
  const { header, claims } = partsOf(answer.json<TokenAnswer>().access_token)
  const { store } = server.server.services
  const instance = (await store.read.instances.find(tenant.id, owner.instance))!
  const client = (await store.read.clients.byClientId(tenant.id, owner.clientid))!
  const { kid, ...head } = header
  assert.match(String(kid), /^[A-Za-z0-9_-]{43}$/)
  assert.deepEqual(head, { alg: 'RS256', jku: `${base}/token_keys`, typ: 'JWT' })
  const { iat, ...rest } = claims
  assert.ok(Math.abs(Number(iat) - server.now() / 1000) < 5)
  assert.deepEqual(rest, {
    jti: answer.json<TokenAnswer>().jti,
    ext_attr: {
      enhancer: 'XSUAA',
      subaccountid: tenant.guid,
      zdn: tenant.name,
      serviceinstanceid: instance.id,
    },
    sub: owner.clientid,
    authorities: ['ESBMessaging.send'],
    scope: ['ESBMessaging.send'],
    client_id: owner.clientid,
    cid: owner.clientid,
    azp: owner.clientid,
    grant_type: 'client_credentials',
    rev_sig: `${client.credentialId}.1`,
    exp: Number(iat) + 3600,
    iss: `${base}/oauth/token`,
    zid: tenant.guid,
    aud: [owner.clientid, base, 'ESBMessaging'],
  })
}

test('the claims are those of UAA with what XSUAA adds, in every tenant and whatever it signs with itself', async () => {
  await assertClaims(server.tenant, server.url)
  for (const [name, algorithm] of [
    ['es', 'ES256'],
    ['rs', 'RS256'],
    ['ed', 'EdDSA'],
  ] as const)
    await assertClaims(await newTenant(server, name, algorithm), `${server.url}/tenants/${name}`)
})

test('audiences follow from the scopes: what stands before the last dot, each once', async () => {
  for (const name of ['shop.orders.read', 'shop.orders.write', 'plain', '.odd'])
    orThrow(await createRole(server.tenant, name, '', server.server.services))
  const roles = ['shop.orders.read', 'shop.orders.write', 'plain', '.odd']
  const owner = await keyOf(server, 'uaa', { roles })
  const { claims } = partsOf((await tokenOf(owner)).access_token)
  assert.deepEqual(claims.aud, [owner.clientid, server.url, 'shop.orders'])
  assert.deepEqual(claims.scope, roles)
})

test('errors have the words of UAA, once the client is known', async () => {
  const cases: [Record<string, string>, number, string, string][] = [
    [{ grant_type: '' }, 400, 'invalid_request', 'Missing grant type'],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 'Unsupported grant type'],
    [
      { scope: 'ESBMessaging.send none.such' },
      400,
      'invalid_scope',
      'none.such is invalid. Please use a valid scope name in the request',
    ],
  ]
  for (const [parameters, status, error, error_description] of cases) {
    const answer = await ask(server, speaker, key, parameters)
    const { correlation_id, ...rest } = answer.json()
    assert.deepEqual([answer.status, rest], [status, { error, error_description }])
    assert.equal(typeof correlation_id, 'string')
    assert.equal(answer.headers['cache-control'], 'no-store')
    const record = await decisionOf({ server }, answer)
    assert.ok(record.reason.length > 0)
  }
  const without = await keyOf(server, 'uaa', { grantTypes: [] })
  const answer = await ask(server, speaker, without)
  assert.equal(answer.status, 401)
  assert.equal(answer.json().error, 'invalid_client')
  assert.equal(answer.json().error_description, 'Unauthorized grant type')
  assert.equal(
    answer.headers['www-authenticate'],
    'Basic realm="UAA/client", error="invalid_client", error_description="Unauthorized grant type"',
  )
})

test('before the client is known, the form is that of the path', async () => {
  const wrong = { ...key, clientsecret: 'wrong' }
  const here = await ask(server, speaker, wrong)
  assert.deepEqual(
    [here.status, here.json().error, here.json().error_description],
    [401, 'invalid_client', 'client authentication failed'],
  )
  for (const stranger of [wrong, { ...key, clientid: 'nobody' }])
    for (const answer of [
      await post('/introspect', stranger, { token: 'x' }),
      await post('/check_token', stranger, { token: 'x' }),
      await revoke(`client/${encodeURIComponent(key.clientid)}`, stranger),
      await revoke('A'.repeat(22), stranger),
    ]) {
      assert.deepEqual(
        [answer.status, answer.json().error, answer.json().error_description],
        [401, 'unauthorized', 'Bad credentials'],
      )
      assert.equal(
        answer.headers['www-authenticate'],
        'Basic realm="UAA/client", error="unauthorized", error_description="Bad credentials"',
      )
    }
  const put = await server.call('/check_token', { method: 'PUT', headers: { Authorization: basic(key) } })
  assert.equal(put.status, 405)
  assert.equal(put.headers.allow, 'POST')
  assert.equal(put.json().error, 'method_not_allowed')
  assert.equal(put.json().error_description, "Request method 'PUT' not supported")
})

test('the addresses of UAA serve its clients alone; a client of another dialect is a stranger there', async () => {
  const { access_token, jti } = (await ask(server, speakerOf('standard'), standard)).json<TokenAnswer>()
  const stranger = await post('/introspect', { ...key, clientid: 'nobody' }, { token: access_token })
  for (const by of [standard, access_token])
    for (const answer of [
      await post('/introspect', by, { token: access_token }),
      await post('/check_token', by, { token: access_token }),
      await revoke(`client/${encodeURIComponent(standard.clientid)}`, by),
      await revoke(jti, by),
    ]) {
      assert.equal(answer.status, 401)
      assert.equal(answer.json().error, stranger.json().error)
      assert.equal(answer.headers['www-authenticate'], stranger.headers['www-authenticate'])
    }
  assert.equal(await send(server, access_token), 200)
})

test('introspection by all its names tells the claims; inactive tokens get nothing but that, or an error', async () => {
  const { access_token, jti } = await tokenOf(key)
  const { claims } = partsOf(access_token)
  const { rev_sig: _, ...told } = claims
  for (const path of ['/introspect', '/oauth/introspect'])
    assert.deepEqual((await post(path, key, { token: access_token })).json(), { active: true, ...told })
  const checked = await post('/check_token', key, { token: access_token })
  assert.equal(checked.headers['cache-control'], 'no-store')
  assert.deepEqual(checked.json(), told)
  const opaque = await tokenOf(key, { token_format: 'opaque' })
  const ofOpaque = (await post('/check_token', key, { token: opaque.access_token })).json()
  assert.deepEqual(
    { ...ofOpaque, iat: 0, exp: 0, jti: '' },
    { ...told, iat: 0, exp: 0, jti: '' },
    'the same of an opaque one',
  )
  assert.notEqual(opaque.jti, jti)
  const foreign = (await ask(server, speakerOf('standard'), standard)).json<TokenAnswer>().access_token
  for (const token of ['garbage', `${access_token}x`, foreign]) {
    assert.deepEqual((await post('/introspect', key, { token })).json(), { active: false })
    const refused = await post('/check_token', key, { token })
    assert.deepEqual([refused.status, refused.json().error], [400, 'invalid_token'])
    assert.equal(refused.json().active, undefined)
  }
  for (const path of ['/introspect', '/check_token']) {
    assert.equal((await post(path, key)).status, 400)
    const inQuery = await post(`${path}?token=${access_token}`, key)
    assert.equal(inQuery.status, 400)
  }
})

test('a resource server of each dialect is told about tokens of the other, in its own words', async () => {
  const [asUaa, asStandard] = [
    await keyOf(server, 'uaa', { roles: ['token.introspect'] }),
    await server.sender({ parameters: { roles: ['token.introspect'] } }),
  ]
  const [ofUaa, ofStandard] = [await tokenOf(key), await tokenOf(standard)]
  const inWords = await introspectAs(server, asStandard, ofUaa.access_token)
  assert.deepEqual(
    [inWords.scope, inWords.aud, inWords.iss],
    ['ESBMessaging.send', server.url, `${server.url}/oauth/token`],
  )
  const inLists = await introspectAs(server, asUaa, ofStandard.access_token)
  assert.deepEqual([inLists.scope, inLists.iss], [['ESBMessaging.send'], server.url])
})

test('/token_keys has the keys of UAA with their PEM, and with zid nothing else', async () => {
  const { access_token } = await tokenOf(key)
  const { kid } = partsOf(access_token).header
  type Keys = { keys: Record<string, string>[] }
  const all = (await server.call('/token_keys')).json<Keys>().keys
  const mine = all.find(each => each.kid === kid)!
  assert.deepEqual(Object.keys(mine).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use', 'value'])
  assert.deepEqual([mine.alg, mine.kty, mine.use], ['RS256', 'RSA', 'sig'])
  assert.match(mine.value!, /^-----BEGIN PUBLIC KEY-----\n[\s\S]+\n-----END PUBLIC KEY-----$/)
  const { n, e } = createPublicKey(mine.value!).export({ format: 'jwk' })
  assert.deepEqual([n, e], [mine.n, mine.e])
  assert.ok(all.some(each => each.alg === 'ES256' && each.value === undefined))
  const ofZone = await server.call(`/token_keys?zid=${server.tenant.guid}`)
  assert.deepEqual(
    ofZone.json<Keys>().keys.map(each => each.alg),
    ['RS256'],
  )
  assert.equal(ofZone.headers['access-control-allow-origin'], '*')
  const one = await server.call('/token_key')
  assert.deepEqual(one.json(), mine)
})

test("another tenant's keys are at its own address alone, whatever zid says", async () => {
  const zoned = await newTenant(server, 'zoned')
  const path = `${prefixOf(zoned)}/token_key`
  assert.equal((await server.call(path)).status, 404, 'no client of UAA has asked yet')
  await ask(server, speaker, await keyOf(server, 'uaa', {}, zoned), {}, { tenant: zoned })
  const one = (await server.call(path)).json()
  assert.notEqual(one.kid, (await server.call('/token_key')).json().kid)
  for (const zid of [zoned.guid, 'nonsense', zoned.name])
    assert.equal((await server.call(`/token_keys?zid=${zid}`)).status, 400, zid)
  assert.equal((await server.call(`${prefixOf(zoned)}/token_keys?zid=${server.tenant.guid}`)).status, 400)
  assert.equal((await server.call(`${prefixOf(zoned)}/token_keys?zid=${zoned.guid}`)).status, 200)
})

test('a token is revoked by its id: by its client, for its client', async () => {
  const victim = await keyOf(server, 'uaa')
  for (const token_format of ['jwt', 'opaque']) {
    const first = await tokenOf(victim, { token_format })
    const second = await tokenOf(victim, { token_format })
    assert.equal((await revoke(first.jti, key)).status, 200, 'nobody can tell whose it is')
    assert.equal(await send(server, first.access_token), 200, 'but it counts for own tokens only')
    const answer = await revoke(first.jti, victim)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(await send(server, first.access_token), 401)
    assert.equal(await send(server, second.access_token), 200)
  }
})

test('all tokens of a client are revoked by its id, which no other client can do', async () => {
  const victim = await keyOf(server, 'uaa')
  for (const [method, id] of [
    ['GET', encodeURIComponent(victim.clientid)],
    ['POST', encodeURIComponent(victim.clientid)],
    ['DELETE', victim.clientid.replace('|', '%7C')],
  ] as const) {
    const tokens = [await tokenOf(victim), await tokenOf(victim, { token_format: 'opaque' })]
    const refused = await revoke(`client/${id}`, key, method)
    assert.deepEqual([refused.status, refused.json().error], [403, 'insufficient_scope'])
    const unknown = await revoke('client/nobody', key, method)
    assert.equal(unknown.status, 403)
    for (const { access_token } of tokens) assert.equal(await send(server, access_token), 200)
    assert.equal((await revoke(`client/${id}`, victim, method)).status, 200)
    for (const { access_token } of tokens) assert.equal(await send(server, access_token), 401)
  }
  assert.equal(await send(server, (await tokenOf(victim)).access_token), 200)
})

test('a token alone ends no others, unless it carries the role for it', async () => {
  const victim = await keyOf(server, 'uaa')
  const token = await tokenOf(victim)
  const refused = [
    await revoke(token.jti, token.access_token),
    await revoke(`client/${encodeURIComponent(victim.clientid)}`, token.access_token),
  ]
  for (const answer of refused)
    assert.deepEqual([answer.status, answer.json().error], [403, 'insufficient_scope'])
  assert.equal(await send(server, token.access_token), 200)
  orThrow(await createRole(server.tenant, 'tokens.revoke', '', server.server.services))
  const able = await keyOf(server, 'uaa', { roles: ['ESBMessaging.send', 'tokens.revoke'] })
  const own = await tokenOf(able)
  assert.equal((await revoke(own.jti, own.access_token)).status, 200)
  assert.equal(await send(server, own.access_token), 401)
})

test('a token in the address revokes nothing, and stands in no record', async () => {
  for (const token_format of ['jwt', 'opaque']) {
    const { access_token } = await tokenOf(key, { token_format })
    const answer = await revoke(access_token, key)
    assert.equal(answer.status, 404, answer.text)
    assert.ok(!JSON.stringify(await decisionOf({ server }, answer)).includes(access_token))
    assert.ok(!JSON.stringify(server.log).includes(access_token))
    assert.equal(await send(server, access_token), 200)
  }
})

test('the service key is a binding that libraries of XSUAA read', () => {
  const { clientid: _, clientsecret: __, createdate: ___, instance: ____, ...rest } = key
  const { guid, name } = server.tenant
  assert.deepEqual(rest, {
    tokenurl: `${server.url}/oauth/token`,
    url: server.url,
    xsappname: 'it-rt-default!b1',
    'credential-type': 'binding-secret',
    certurl: server.mtlsUrl,
    uaadomain: new URL(server.url).host,
    identityzone: name,
    identityzoneid: guid,
    zoneid: guid,
    tenantid: guid,
    subaccountid: guid,
  })
  assert.ok(key.clientid.endsWith(`|${rest.xsappname}`))
  assert.equal('xsappname' in standard, false)
})
