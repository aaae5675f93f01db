import assert from 'node:assert/strict'
import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { keyPair } from '../../../test/support/chains.ts'
import { newRoot, pemOf } from '../../../test/support/senders.ts'
import { jwkThumbprint } from '../../crypto/thumbprint.ts'
import { type AuthRequest, type ClientAuth, entraCertificate, privateKeyJwt } from './index.ts'

const now = 1_800_000_000_000
const seconds = now / 1000
const pairs = {
  RS256: keyPair('RSA 2048', 900),
  PS256: keyPair('RSA 2048', 900),
  ES256: keyPair('P-256', 900),
  ES384: keyPair('P-384', 900),
  EdDSA: keyPair('Ed25519', 900),
}
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string
const root = newRoot('of assertions')
const issuing = root.intermediate('issuing')
const own = issuing.issue({ key: pairs.RS256 })

async function assertionOf(auth: ClientAuth, more: Partial<AuthRequest> = {}) {
  const hidden: string[] = []
  let count = 0
  const request: AuthRequest = {
    tokenUrl: new URL('https://server.test/oauth/token?tenant=1'),
    body: new URLSearchParams(),
    headers: {},
    tls: {},
    now,
    newId: () => `id-${++count}`,
    hide: value => hidden.push(value),
    ...more,
  }
  await auth(request)
  const { client_id, client_assertion_type, client_assertion: assertion } = Object.fromEntries(request.body)
  assert.equal(client_id, 'client')
  assert.equal(client_assertion_type, 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  assert.deepEqual(hidden, [assertion])
  assert.deepEqual([request.headers, request.tls], [{}, {}])
  return assertion!
}

/** As another library reads it. */
async function read(assertion: string, key: KeyObject) {
  const { payload, protectedHeader } = await jwtVerify(assertion, createPublicKey(key), {
    currentDate: new Date(now),
  })
  return { claims: payload, header: protectedHeader }
}

test('an assertion says who asks, whom, when, and one id each time', async () => {
  const { claims, header } = await read(
    await assertionOf(privateKeyJwt('client', { key: pem(pairs.ES256.privateKey) })),
    pairs.ES256.privateKey,
  )
  assert.deepEqual(claims, {
    iss: 'client',
    sub: 'client',
    aud: 'https://server.test/oauth/token?tenant=1',
    jti: 'id-1',
    iat: seconds,
    nbf: seconds,
    exp: seconds + 60,
  })
  const jwk = createPublicKey(pairs.ES256.privateKey).export({ format: 'jwk' })
  assert.deepEqual(header, { alg: 'ES256', typ: 'JWT', kid: jwkThumbprint({ ...jwk }) })
})

test('each kind of key signs with its own algorithm; an RSA key with either of two', async () => {
  for (const [name, { privateKey: key }] of Object.entries(pairs)) {
    const chosen = name === 'PS256' ? { algorithm: name } : {}
    const { header } = await read(await assertionOf(privateKeyJwt('client', { key, ...chosen })), key)
    assert.equal(header.alg, name)
  }
})

test('it is for the issuer where that is known, else for what the caller says', async () => {
  const { privateKey: key } = pairs.ES256
  const issuer = 'https://server.test/tenant'
  const audienceOf = async (auth: ClientAuth) =>
    (await read(await assertionOf(auth, { issuer }), key)).claims.aud
  assert.equal(await audienceOf(privateKeyJwt('client', { key })), issuer)
  assert.equal(await audienceOf(privateKeyJwt('client', { key, audience: 'urn:server' })), 'urn:server')
  const origin = ({ tokenUrl }: Pick<AuthRequest, 'tokenUrl'>) => tokenUrl.origin
  assert.equal(await audienceOf(privateKeyJwt('client', { key, audience: origin })), 'https://server.test')
})

test('a certificate is named as the options say, and sent with its chain on demand', async () => {
  const { privateKey: key } = pairs.RS256
  const given = { key, certificate: pemOf(own.der, issuing.der) }
  const headerOf = async (more = {}) =>
    decodeProtectedHeader(await assertionOf(privateKeyJwt('client', { ...given, ...more })))
  const sha256 = hash('sha256', own.der, 'base64url')
  const sha1 = hash('sha1', own.der, 'base64url')
  const alone = { alg: 'RS256', typ: 'JWT' }
  assert.deepEqual(await headerOf(), { ...alone, 'x5t#S256': sha256 })
  assert.deepEqual(await headerOf({ keyId: 'k', certificateHeaders: ['x5t'] }), {
    ...alone,
    kid: 'k',
    x5t: sha1,
  })
  assert.deepEqual(await headerOf({ certificateHeaders: ['x5c'], type: 'client-authentication+jwt' }), {
    alg: 'RS256',
    typ: 'client-authentication+jwt',
    x5c: [own.der, issuing.der].map(der => der.toString('base64')),
  })
})

test('Entra: PS256 and SHA-256, or RS256 and SHA-1, for the token endpoint, ten minutes', async () => {
  const { privateKey: key } = pairs.RS256
  const given = { key, certificate: own.der }
  const modern = await read(await assertionOf(entraCertificate('client', given), { issuer: 'x' }), key)
  assert.deepEqual(modern.header, {
    alg: 'PS256',
    typ: 'JWT',
    'x5t#S256': hash('sha256', own.der, 'base64url'),
  })
  assert.equal(modern.claims.aud, 'https://server.test/oauth/token')
  assert.equal(modern.claims.exp, seconds + 600)
  const older = entraCertificate('client', { ...given, algorithm: 'RS256', sendCertificate: true })
  const { header } = await read(await assertionOf(older), key)
  assert.deepEqual(header, {
    alg: 'RS256',
    typ: 'JWT',
    x5t: hash('sha1', own.der, 'base64url'),
    x5c: [own.der.toString('base64')],
  })
})

test('what cannot work is told when it is configured', () => {
  const { privateKey: key } = pairs.ES256
  const wrong: readonly [RegExp, () => unknown][] = [
    [/client id is empty/, () => privateKeyJwt('', { key })],
    [/private key cannot be read/, () => privateKeyJwt('client', { key: 'garbage' })],
    [/must be a private one/, () => privateKeyJwt('client', { key: pairs.ES256.publicKey })],
    [/not one for RS256: it is ec/, () => privateKeyJwt('client', { key, algorithm: 'RS256' })],
    [/algorithm must be one of/, () => privateKeyJwt('client', { key, algorithm: 'none' })],
    [/algorithm must be one of/, () => privateKeyJwt('client', { key, algorithm: 'HS256' })],
    [
      /algorithm must be one of/,
      () => privateKeyJwt('client', { key: keyPair('secp256k1', 900).privateKey }),
    ],
    [/does not belong to the certificate/, () => privateKeyJwt('client', { key, certificate: own.der })],
    [/certificate cannot be read/, () => privateKeyJwt('client', { key, certificate: 'x' })],
    [/not one for PS256/, () => entraCertificate('client', { key, certificate: own.der })],
    [/lifetime/, () => privateKeyJwt('client', { key, lifetime: 3601 })],
    [/lifetime/, () => privateKeyJwt('client', { key, lifetime: 0 })],
  ]
  for (const [message, make] of wrong)
    assert.throws(make, { name: 'TokenError', code: 'invalid_configuration', message })
})
