import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { algorithm } from '../crypto/algorithms.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import { decodeJwt, jwtSigner } from '../crypto/jwt.ts'
import {
  checkDates,
  checkHeader,
  Refusal,
  readAccessToken,
  show,
  tokenChecks,
  verifyAccessToken,
} from './access-token.ts'

const es256 = algorithm('ES256')!
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const now = 1_800_000_000_000
const seconds = now / 1000
const expected = { issuer: 'https://a.test', audience: ['api'], now, clockSkewMs: 60_000 }
const claims = {
  iss: 'https://a.test',
  aud: 'api',
  sub: 'c',
  client_id: 'c',
  jti: '1',
  iat: seconds,
  exp: seconds + 60,
}

function verdict(changes: Record<string, unknown>, header: Record<string, unknown> = {}, key = publicKey) {
  const token = jwtSigner(es256, privateKey, { typ: 'at+jwt', kid: 'k', ...header }).sign({
    ...claims,
    ...changes,
  })
  const jwt = readAccessToken(token)
  if (jwt instanceof Refusal) return jwt.check
  const result = verifyAccessToken(jwt, { algorithm: es256, key }, expected)
  return result instanceof Refusal ? result.check : 'passes'
}

test('typ is compared without regard to case, with or without application/', () => {
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) assert.equal(verdict({}, { typ }), 'passes')
  for (const typ of ['JWT', 'at', '', undefined, ['at+jwt'], 'client-authentication+jwt'])
    assert.equal(verdict({}, { typ }), 'type')
})

test('other types are accepted only where they are named, and then nothing else', () => {
  const jwt = decodeJwt(jwtSigner(es256, privateKey, { typ: 'JWT', kid: 'k' }).sign(claims))
  assert.ok(typeof jwt === 'object')
  assert.equal(checkHeader(jwt, new Set(['jwt'])), undefined)
  assert.match(checkHeader(jwt, new Set(['x+jwt']))!.reason, /typ is "JWT", not x\+jwt/)
  for (const header of [{ typ: undefined }, { typ: 'at+jwt' }, { typ: ['jwt'] }, { typ: 'jwt', alg: 'none' }])
    assert.ok(checkHeader({ ...jwt, header: { ...jwt.header, ...header } }, new Set(['jwt'])))
})

test('scope is a text, or a list of texts where that was asked for', () => {
  const check = (scope: unknown, scopeForm?: 'text' | 'list') => {
    const jwt = readAccessToken(jwtSigner(es256, privateKey, { typ: 'at+jwt' }).sign({ ...claims, scope }))
    assert.ok(!(jwt instanceof Refusal))
    const key = { algorithm: es256, key: publicKey }
    return verifyAccessToken(jwt, key, scopeForm ? { ...expected, scopeForm } : expected) instanceof Refusal
  }
  for (const good of ['', 'a b', undefined]) assert.equal(check(good), false)
  for (const bad of [['a'], [], 1, null, {}]) assert.equal(check(bad), true)
  for (const good of [['a', 'b'], [], undefined]) assert.equal(check(good, 'list'), false)
  for (const bad of ['a b', [1], [['a']], null, { 0: 'a' }]) assert.equal(check(bad, 'list'), true)
})

test('a token that breaks several rules is refused by the first check in the published order', () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey
  const breaking: [string, Record<string, unknown>][] = [
    ['claims', { jti: '' }],
    ['dates', { exp: 1 }],
    ['audience', { aud: 'other' }],
    ['issuer', { iss: 'https://b.test' }],
  ]
  let changes = {}
  for (const [check, change] of breaking) {
    changes = { ...changes, ...change }
    assert.equal(verdict(changes), check)
  }
  assert.equal(verdict(changes, {}, stranger), 'signature')
  assert.equal(verdict(changes, { typ: 'JWT' }, stranger), 'type')
  assert.deepEqual(tokenChecks.slice(5), breaking.map(([check]) => check).reverse())
})

test('a key of another algorithm is refused before its signature is looked at', () => {
  const jwt = readAccessToken(jwtSigner(es256, privateKey, { typ: 'at+jwt' }).sign(claims))
  assert.ok(!(jwt instanceof Refusal))
  const rs256 = { algorithm: algorithm('RS256')!, key: publicKey }
  assert.equal((verifyAccessToken(jwt, rs256, expected) as Refusal).check, 'algorithm')
  assert.equal((verifyAccessToken(jwt, undefined, expected) as Refusal).check, 'key')
})

test('the caller may check the audience itself, but there must be one', () => {
  const check = (aud: unknown) => {
    const jwt = readAccessToken(jwtSigner(es256, privateKey, { typ: 'at+jwt' }).sign({ ...claims, aud }))
    assert.ok(!(jwt instanceof Refusal))
    return verifyAccessToken(jwt, { algorithm: es256, key: publicKey }, { ...expected, audience: undefined })
  }
  assert.ok(!(check('anything') instanceof Refusal))
  for (const aud of [undefined, '', [], [''], ['a', 1], 5, {}]) assert.ok(check(aud) instanceof Refusal)
})

describe('dates, with a skew of 60 s', () => {
  const table: [passes: boolean, Record<string, unknown>][] = [
    [true, {}],
    [true, { exp: seconds - 59 }],
    [false, { exp: seconds - 60 }],
    [true, { nbf: seconds + 60, iat: seconds + 60 }],
    [false, { nbf: seconds + 61 }],
    [false, { iat: seconds + 61 }],
    [false, { exp: String(seconds + 60) }],
    [false, { exp: Number.POSITIVE_INFINITY }],
    [false, { exp: null }],
    [false, { nbf: 'now' }],
  ]
  for (const [passes, dates] of table)
    test(`${JSON.stringify(dates)} ${passes ? 'passes' : 'is refused'}`, () =>
      assert.equal(checkDates(dates, expected) === undefined, passes))
})

test('what a token holds is shown short and in printable ASCII, and deep nesting is not followed', () => {
  assert.equal(show('a\nb\u009b[2J\u202e'), '"a\\nb\\u009b[2J\\u202e"')
  assert.ok(show('x'.repeat(10_000)).length <= 100)
  assert.equal(show(undefined), 'missing')
  assert.equal(show(JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))), 'an array')
  const nested = encodeBase64url(`{"typ":${'['.repeat(5000)}${']'.repeat(5000)}}`)
  assert.equal((readAccessToken(`${nested}.e30.AA`) as Refusal).check, 'type')
})
