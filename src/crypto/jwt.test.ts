import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { jwtVerify } from 'jose'
import { algorithm } from './algorithms.ts'
import { encodeBase64url } from './base64url.ts'
import { type DecodedJwt, decodeJwt, hasRepeatedMember, jwtSigner, verifyJwt } from './jwt.ts'

const es256 = algorithm('ES256')!
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const token = jwtSigner(es256, privateKey, { typ: 'at+jwt', kid: 'k1' }).sign({ sub: 'client', n: 1 })

function decoded(text: string): DecodedJwt {
  const jwt = decodeJwt(text)
  assert.ok(typeof jwt !== 'string', String(jwt))
  return jwt
}

const made = (header: string, claims = '{}', signature = 'AA') =>
  `${encodeBase64url(header)}.${encodeBase64url(claims)}.${signature}`

test('a signed token comes apart into what was put in, and its signature holds', () => {
  const jwt = decoded(token)
  assert.deepEqual(jwt.header, { alg: 'ES256', typ: 'at+jwt', kid: 'k1' })
  assert.deepEqual(jwt.claims, { sub: 'client', n: 1 })
  assert.ok(verifyJwt(jwt, publicKey, es256))
})

test('jose verifies it', async () => {
  const { payload, protectedHeader } = await jwtVerify(token, publicKey, { typ: 'at+jwt' })
  assert.equal(payload.sub, 'client')
  assert.equal(protectedHeader.kid, 'k1')
})

test('the token of RFC 7515 appendix A.3 is verified', () => {
  const key = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
  })
  const text =
    'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
  assert.ok(verifyJwt(decoded(text), key, es256))
  const tampered = text.replace('eyJpc3MiOiJqb2Ui', 'eyJpc3MiOiJqb2Yi')
  assert.ok(!verifyJwt(decoded(tampered), key, es256))
})

test('another key, another algorithm, another alg in the header, other claims: not verified', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
  assert.ok(!verifyJwt(decoded(token), other, es256))
  assert.ok(!verifyJwt(decoded(token), publicKey, algorithm('ES384')!))
  const [header, claims, signature] = token.split('.') as [string, string, string]
  const named = (alg: unknown) =>
    `${encodeBase64url(JSON.stringify({ alg, kid: 'k1' }))}.${claims}.${signature}`
  for (const alg of ['none', 'HS256', 'RS256', 'es256', undefined, ['ES256']])
    assert.ok(!verifyJwt(decoded(named(alg)), publicKey, es256), String(alg))
  const more = encodeBase64url('{"sub":"client","n":2}')
  assert.ok(!verifyJwt(decoded(`${header}.${more}.${signature}`), publicKey, es256))
  assert.ok(!verifyJwt(decoded(`${header}.${claims}.`), publicKey, es256))
})

test('a key that does not fit the algorithm verifies nothing, and nothing is thrown', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  for (const alg of ['ES256', 'ES384', 'EdDSA'] as const)
    assert.ok(!verifyJwt(decoded(made(JSON.stringify({ alg }))), rsa.publicKey, algorithm(alg)!))
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const rs256 = algorithm('RS256')!
  const signed = jwtSigner(rs256, weak.privateKey, {}).sign({})
  assert.ok(!verifyJwt(decoded(signed), weak.publicKey, rs256))
})

test('other than three parts is no signed token', () => {
  for (const text of ['', 'a', 'a.b', `${token}.`, `${token}.AA`, 'a.b.c.d.e', '..', '...'])
    assert.equal(typeof decodeJwt(text), 'string', text)
})

test('parts must be canonical base64url', () => {
  const [header, claims, signature] = token.split('.') as [string, string, string]
  const bad = [
    `${header}=.${claims}.${signature}`,
    `${header}.${claims}.${signature}=`,
    ` ${token}`,
    `${token}\n`,
    `${header}.${claims}.${signature.slice(0, -1)}${nextLetter(signature.at(-1)!)}`,
    `${header}.${claims}.${signature.slice(0, -1)}+`,
  ]
  for (const text of bad) assert.match(String(decodeJwt(text)), /not canonical/, text)
})

/** 64 bytes leave four unused bits in the last letter: the next letter decodes to the same bytes. */
function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(letter) ^ 1]!
}

test('header and claims are JSON objects in UTF-8', () => {
  for (const json of [
    '',
    '[]',
    'null',
    '"text"',
    '1',
    'true',
    '{',
    '{}{}',
    "{'alg':'ES256'}",
    '{"a":1,}',
    '\ufeff{}\ufeff',
  ]) {
    assert.match(String(decodeJwt(made(json))), /^header/, json)
    assert.match(String(decodeJwt(made('{}', json))), /^claims/, json)
  }
  const latin1 = Buffer.from('{"sub":"\xfc"}', 'latin1').toString('base64url')
  assert.match(String(decodeJwt(`${encodeBase64url('{}')}.${latin1}.AA`)), /^claims/)
})

test('crit and b64 are refused, whatever they say (RFC 7515 section 4.1.11, RFC 7797)', () => {
  for (const header of ['{"crit":["exp"]}', '{"crit":[]}', '{"b64":false}', '{"b64":true}', '{"crit":null}'])
    assert.match(String(decodeJwt(made(header))), /crit or b64/, header)
})

test('a repeated member is refused in header and claims, at any depth, however it is spelt', () => {
  const repeated = [
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1,"a":2}}',
    '{"x":[{"a":1},{"a":1,"a":2}]}',
    '{ "a" : 1 ,\n"a"\t: 2 }',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
  ]
  for (const json of repeated) {
    assert.match(String(decodeJwt(made(json))), /^header/, json)
    assert.match(String(decodeJwt(made('{}', json))), /^claims/, json)
  }
  const fine = [
    '{}',
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\"a\\":1,","b":"}{"}',
    '{"a":["a","a"],"b":[]}',
    '{"a\\\\":1,"a":2}',
    '{"x":{"a":1},"a":1}',
  ]
  for (const json of fine) assert.ok(!hasRepeatedMember(json), json)
})

test('what JSON.stringify makes has no repeated member', () => {
  fc.assert(fc.property(fc.json(), json => assert.ok(!hasRepeatedMember(json))))
})

test('the length is bounded before anything is decoded', () => {
  const claims = `{"a":"${'x'.repeat(16_384)}"}`
  assert.match(String(decodeJwt(made('{}', claims))), /longer than 16384/)
  assert.ok(typeof decodeJwt(made('{}', claims), 40_000) !== 'string')
})

test('no text makes it throw', () => {
  const piece = fc.oneof(fc.string(), fc.json().map(encodeBase64url), fc.base64String())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), pieces => {
      const jwt = decodeJwt(pieces.join('.'))
      if (typeof jwt !== 'string') assert.equal(verifyJwt(jwt, publicKey, es256), false)
    }),
  )
})

test('deep nesting is a refusal or an answer, never a crash', () => {
  const deep = `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`
  const jwt = decodeJwt(made('{}', deep), 100_000)
  assert.ok(typeof jwt === 'string' || typeof jwt === 'object')
})

test('a private key in PKCS#8 signs like the key it came from', () => {
  const der = privateKey.export({ format: 'der', type: 'pkcs8' })
  const copy = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  assert.ok(verifyJwt(decoded(jwtSigner(es256, copy, {}).sign({})), publicKey, es256))
})
