import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { makeRoot } from './server-certificate.ts'
import { certificateThumbprint, jwkThumbprint } from './thumbprint.ts'

const rsa = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
  alg: 'RS256',
  kid: '2011-04-29',
}

test('the RSA key of RFC 7638 section 3.1, whatever else its JWK says', () => {
  assert.equal(jwkThumbprint(rsa), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  const { e, n, kty } = rsa
  assert.equal(jwkThumbprint({ use: 'sig', kty, n, e }), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
})

test('the Ed25519 key of RFC 8037 appendix A.3', () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
  assert.equal(jwkThumbprint(jwk), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

test('jose says the same of an elliptic curve key', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  assert.equal(jwkThumbprint(jwk), await calculateJwkThumbprint(jwk))
})

test('the private half has the thumbprint of the public half, and another key another one', () => {
  const pair = () => generateKeyPairSync('ed25519')
  const one = pair()
  const jwkOf = (key: typeof one.privateKey) => key.export({ format: 'jwk' }) as Record<string, unknown>
  assert.equal(jwkThumbprint(jwkOf(one.privateKey)), jwkThumbprint(jwkOf(one.publicKey)))
  assert.notEqual(jwkThumbprint(jwkOf(one.publicKey)), jwkThumbprint(jwkOf(pair().publicKey)))
})

test('a symmetric key and an unknown key type have none', () => {
  for (const kty of ['oct', 'AKP', '', undefined, 'toString'])
    assert.throws(() => jwkThumbprint({ kty, k: 'AAAA' }), TypeError)
})

test('the thumbprint of a certificate is the SHA-256 of its DER in 43 characters (RFC 8705 section 3.1)', () => {
  const { pem } = makeRoot({ commonName: 'Root', now: Date.now(), random: randomBytes })
  const certificate = new X509Certificate(pem)
  const hex = Buffer.from(certificateThumbprint(certificate.raw), 'base64url').toString('hex')
  assert.equal(hex, certificate.fingerprint256.replaceAll(':', '').toLowerCase())
  assert.equal(certificateThumbprint(certificate.raw).length, 43)
})
