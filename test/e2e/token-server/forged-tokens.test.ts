import assert from 'node:assert/strict'
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Tenant } from '../../../src/core/tenant.ts'
import { rotateKeys } from '../../../src/core/tokens/index.ts'
import { tenantKeyContext } from '../../../src/core/tokens/keyring.ts'
import { algorithm } from '../../../src/crypto/algorithms.ts'
import { encodeBase64url } from '../../../src/crypto/base64url.ts'
import { type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, es256, forge, introspectAs, newTenant, partsOf, send } from './world.ts'

let server: TestServer
let key: SentKey
let other: Tenant
let endReceiver: () => void
let good: string
let header: Record<string, unknown>
let claims: Record<string, unknown>
before(async () => {
  server = await startTestServer()
  endReceiver = await deployOrders(server)
  other = await newTenant(server, 'other')
  key = await server.sender()
  good = await server.token(key)
  ;({ header, claims } = partsOf(good))
})
after(async () => {
  endReceiver()
  await server.close()
})

/** Signs with the tenant's own key, so that only the claims can be wrong. Text is taken as it is. */
async function sign(changed: object | string, tenant: Tenant = server.tenant): Promise<string> {
  const { id, privateKey } = await signingKeyOf(tenant)
  const payload = typeof changed === 'string' ? changed : { ...claims, ...changed }
  return forge(es256, privateKey, { ...header, kid: id }, payload)
}

/** The tenant's signing key, out of the store: what a thief of store and master key would have. */
async function signingKeyOf(tenant: Tenant): Promise<{ id: string; privateKey: KeyObject }> {
  const { store, vault } = server.server.services
  const row = (await store.read.tenantKeys.list(tenant.id)).find(each => each.use === 'sig')!
  const key = vault.open(tenantKeyContext(row), row.sealed)
  return { id: row.id, privateKey: createPrivateKey({ key, format: 'der', type: 'pkcs8' }) }
}

async function assertRefused(token: string, what: string): Promise<void> {
  assert.deepEqual(await introspectAs(server, key, token), { active: false }, `introspection: ${what}`)
  const answer = await server.call('/http/orders', { headers: { Authorization: `Bearer ${token}` } })
  assert.equal(answer.status, 401, `flow: ${what}`)
  assert.match(String(answer.headers['www-authenticate']), /^Bearer .*error="invalid_token"/, what)
  assert.equal(answer.json().error_description, 'the access token is not valid', 'strangers are told no more')
}

async function assertAccepted(token: string, what: string): Promise<void> {
  assert.equal((await introspectAs(server, key, token)).active, true, `introspection: ${what}`)
  assert.equal(await send(server, token), 200, `flow: ${what}`)
}

test('the token itself is good, again and again, and so is a copy with the same claims', async () => {
  for (const time of ['first', 'second']) await assertAccepted(good, time)
  await assertAccepted(await sign({}), 'signed anew')
})

test('alg none, HMAC with the public key, and every alg that the key does not have', async () => {
  const set = (await server.call('/token_keys')).json<{ keys: Record<string, string>[] }>()
  const jwk = set.keys[0]!
  const publicKey = createPublicKey({ key: jwk as never, format: 'jwk' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' })
  const raw = Buffer.concat([Buffer.from(jwk.x!, 'base64url'), Buffer.from(jwk.y!, 'base64url')])
  for (const secret of [spki, pem, raw, JSON.stringify(jwk), jwk.x!])
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS512', 'sha512'],
    ] as const) {
      const token = forge(
        input => createHmac(hash, secret).update(input).digest(),
        undefined,
        { ...header, alg },
        claims,
      )
      await assertRefused(token, alg)
    }
  for (const alg of ['none', 'None', 'NONE', '', 'nOnE']) {
    await assertRefused(
      forge(() => Buffer.alloc(0), undefined, { ...header, alg }, claims),
      `alg ${alg}`,
    )
    await assertRefused(
      good.replace(/^[^.]+/, encodeBase64url(JSON.stringify({ ...header, alg }))),
      `alg ${alg}`,
    )
  }
  for (const alg of [
    'RS256',
    'PS256',
    'EdDSA',
    'ES384',
    'ES512',
    'ES256K',
    'es256',
    256,
    null,
    ['ES256'],
    undefined,
  ])
    await assertRefused(
      good.replace(/^[^.]+/, encodeBase64url(JSON.stringify({ ...header, alg }))),
      `alg ${alg}`,
    )
})

test('signed by somebody else: under our kid, another kid, no kid, or with the key in the header', async () => {
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = foreign.publicKey.export({ format: 'jwk' })
  for (const more of [
    {},
    { kid: 'another' },
    { kid: undefined },
    { kid: '' },
    { kid: null },
    { kid: 1 },
    { kid: [header.kid] },
    { kid: '__proto__' },
    { kid: '../../../../dev/null' },
    { kid: "' or 1=1 --" },
    { jwk },
    { kid: undefined, jwk },
    { kid: 'x', jku: 'https://evil.example/jwks.json' },
    { kid: 'x', x5u: 'https://evil.example/cert.pem' },
    { x5c: ['MIIB'] },
  ])
    await assertRefused(
      forge(es256, foreign.privateKey, { ...header, ...more }, claims),
      JSON.stringify(more),
    )
})

test('a key of every other algorithm under our kid', async () => {
  for (const name of ['RS256', 'PS256', 'EdDSA', 'ES384'] as const) {
    const alg = algorithm(name)!
    await assertRefused(forge(alg, alg.generate(), { ...header, alg: name }, claims), name)
  }
})

test('the key of another tenant, under its kid and under ours', async () => {
  const theirs = await sign({}, other)
  await assertRefused(theirs, 'as it is')
  const [, body, signature] = theirs.split('.')
  await assertRefused(`${good.split('.')[0]}.${body}.${signature}`, 'with our header')
})

test('the signature of another token, none, a changed, shortened or padded one', async () => {
  const second = await server.token(key)
  const [head, body, signature] = good.split('.') as [string, string, string]
  const bytes = Buffer.from(signature, 'base64url')
  const flipped = (at: number) => {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1
    return changed.toString('base64url')
  }
  for (const [what, changed] of Object.entries({
    'of another token': second.split('.')[2]!,
    none: '',
    'first byte': flipped(0),
    'last byte': flipped(63),
    shorter: bytes.subarray(0, 63).toString('base64url'),
    longer: Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url'),
    zeros: Buffer.alloc(64).toString('base64url'),
    DER: Buffer.concat([Buffer.from('3044022000', 'hex'), bytes]).toString('base64url'),
    padded: `${signature}==`,
  }))
    await assertRefused(`${head}.${body}.${changed}`, what)
  await assertAccepted(good, 'the good one in between')
})

test('typ must be that of an access token', async () => {
  const { privateKey } = await signingKeyOf(server.tenant)
  const typed = (typ: unknown) => forge(es256, privateKey, { ...header, typ }, claims)
  for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT']) await assertAccepted(typed(typ), String(typ))
  for (const typ of [
    undefined,
    null,
    '',
    'JWT',
    'jwt',
    'client-authentication+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'token-introspection+jwt',
    'at+jwt ',
    'at',
    ['at+jwt'],
  ])
    await assertRefused(typed(typ), `typ ${JSON.stringify(typ)}`)
})

test('crit, b64 and repeated members of the header', async () => {
  const { privateKey } = await signingKeyOf(server.tenant)
  const { alg, kid, typ } = header as Record<string, string>
  for (const text of [
    JSON.stringify({ ...header, crit: ['exp'] }),
    JSON.stringify({ ...header, crit: [] }),
    JSON.stringify({ ...header, b64: false, crit: ['b64'] }),
    JSON.stringify({ ...header, b64: true }),
    `{"alg":"none","alg":"${alg}","typ":"${typ}","kid":"${kid}"}`,
    `{"alg":"${alg}","typ":"JWT","typ":"${typ}","kid":"${kid}"}`,
    `{"alg":"${alg}","typ":"${typ}","kid":"x","k\\u0069d":"${kid}"}`,
    '[]',
    'null',
    '"at+jwt"',
  ])
    await assertRefused(forge(es256, privateKey, text, claims), text)
})

test('repeated claims, even when both say the same', async () => {
  const json = JSON.stringify(claims)
  for (const more of [`"sub":"${claims.sub}"`, '"scope":"admin"', `"exp":${claims.exp}`, '"\\u0061ud":"x"'])
    await assertRefused(await sign(`{${more},${json.slice(1)}`), more)
  await assertRefused(await sign(`${json.slice(0, -1)},"x":{"a":1,"a":2}}`), 'nested')
  await assertRefused(await sign('[]'), 'claims are an array')
})

test('expired, not yet valid and issued in the future: one minute of skew is forgiven, not more', async () => {
  const now = () => Math.floor(server.now() / 1000)
  await assertAccepted(await sign({ exp: now() - 55 }), 'expired 55 s ago')
  await assertAccepted(await sign({ nbf: now() + 55, iat: now() + 55 }), 'valid in 55 s')
  for (const wrong of [
    { exp: now() - 61 },
    { exp: now() - 86_400 },
    { exp: 0 },
    { exp: -1 },
    { exp: undefined },
    { exp: null },
    { exp: String(now() + 3600) },
    { exp: [now() + 3600] },
    { nbf: now() + 70 },
    { nbf: 'soon' },
    { nbf: null },
    { iat: now() + 70 },
    { iat: now() + 86_400 },
    { iat: 'now' },
  ])
    await assertRefused(await sign(wrong), JSON.stringify(wrong))
  await assertRefused(
    await sign(JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')),
    'exp is infinite',
  )
})

test('aud must be one string and ours; iss must be ours to the letter', async () => {
  for (const wrong of [
    { aud: undefined },
    { aud: null },
    { aud: '' },
    { aud: [] },
    { aud: [server.url] },
    { aud: [server.url, 'https://evil.example'] },
    { aud: 1 },
    { aud: { 0: server.url } },
    { iss: undefined },
    { iss: null },
    { iss: '' },
    { iss: `${server.url}/` },
    { iss: server.url.toUpperCase() },
    { iss: `${server.url}/tenants/other` },
    { iss: 'https://evil.example' },
    { iss: [server.url] },
  ])
    await assertRefused(await sign(wrong), JSON.stringify(wrong))
})

test('a token for the admin API, or for anybody else, opens no flow', async () => {
  for (const aud of [
    `${server.url}/admin/v1`,
    `${server.url}/`,
    'https://evil.example',
    `${server.url}/tenants/other`,
  ])
    assert.equal(await send(server, await sign({ aud })), 401, aud)
})

test('missing and misshapen claims', async () => {
  for (const name of ['sub', 'client_id', 'jti', 'cred'])
    for (const value of [undefined, null, '', 1, ['x'], {}])
      await assertRefused(await sign({ [name]: value }), `${name}: ${JSON.stringify(value)}`)
  const [id, generation] = String(claims.cred).split('.')
  for (const cred of [
    id!,
    `${id}.`,
    `.${generation}`,
    `${id}.x`,
    `${id}.1.1`,
    `${id}.2`,
    `${id}.0`,
    `${id}.01x`,
    `${'x'.repeat(22)}.1`,
  ])
    await assertRefused(await sign({ cred }), `cred: ${cred}`)
  for (const scope of [1, ['ESBMessaging.send'], {}, null])
    await assertRefused(await sign({ scope }), `scope: ${scope}`)
})

test('a token bound to a certificate is worth nothing without it', async () => {
  const thumbprint = 'A'.repeat(43)
  for (const cnf of [
    { 'x5t#S256': thumbprint },
    { 'x5t#S256': '' },
    { 'x5t#S256': [thumbprint] },
    { jkt: thumbprint },
    { 'x5t#S256': thumbprint, jkt: thumbprint },
    { jwk: {} },
    {},
    [],
    'x',
    null,
  ]) {
    const token = await sign({ cnf })
    assert.equal(await send(server, token), 401, JSON.stringify(cnf))
  }
})

test('other than three parts, other alphabets, empty and oversized tokens', async () => {
  const [head, body, signature] = good.split('.') as [string, string, string]
  for (const token of [
    'x',
    '..',
    `${head}.${body}`,
    `${head}.${body}.${signature}.`,
    `${head}.${body}.${signature}.${signature}`,
    `${head}.${body}.${signature}.${body}.${signature}`,
    `${head}..${signature}`,
    `.${body}.${signature}`,
    `${head}=.${body}.${signature}`,
    `${head}.${body}=.${signature}`,
    `${good}.`,
    `${good}A`,
  ])
    await assertRefused(token, token.slice(0, 40))
  const long = await sign({ padding: 'x'.repeat(16_384) })
  assert.deepEqual(await introspectAs(server, key, long), { active: false })
  const answer = await server.call('/http/orders', { headers: { Authorization: `Bearer ${long}` } })
  assert.ok(answer.status === 401 || answer.status === 431, String(answer.status))
})

test('JSON serialization of a JWS is no token', async () => {
  const [protectedHeader, payload, signature] = good.split('.')
  for (const text of [
    JSON.stringify({ protected: protectedHeader, payload, signature }),
    JSON.stringify({ payload, signatures: [{ protected: protectedHeader, signature }] }),
  ])
    assert.deepEqual(await introspectAs(server, key, text), { active: false })
})

test('what stands in the Authorization header beside the token spoils it', async () => {
  for (const Authorization of [
    'Bearer',
    'Bearer ',
    `Bearer "${good}"`,
    `Bearer ${good} ${good}`,
    `Bearer ${good},${good}`,
    `Bearer token=${good}`,
    `Bearer\t${good}`,
    `Token ${good}`,
    good,
  ]) {
    const answer = await server.call('/http/orders', { headers: { Authorization } })
    assert.equal(answer.status, 401, Authorization.slice(0, 20))
  }
  for (const Authorization of [`bearer ${good}`, `BEARER  ${good}`]) {
    const answer = await server.call('/http/orders', { method: 'POST', headers: { Authorization } })
    assert.equal(answer.status, 200, Authorization.slice(0, 20))
  }
})

test('a token of a tenant that signs otherwise now is still good under its own key', async () => {
  const tenant = await newTenant(server, 'changes')
  const sender = await server.sender({ tenant })
  const old = await server.token(sender)
  await rotateKeys(tenant, { now: true, algorithm: 'EdDSA' }, server.server.services)
  const fresh = await server.token(sender)
  assert.equal(partsOf(fresh).header.alg, 'EdDSA')
  for (const token of [old, fresh])
    assert.equal((await introspectAs(server, sender, token, tenant)).active, true)
  const swapped = `${fresh.split('.')[0]}.${old.split('.')[1]}.${old.split('.')[2]}`
  assert.deepEqual(await introspectAs(server, sender, swapped, tenant), { active: false })
})
