import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Refusal } from './access-token.ts'
import { readKeySet } from './key-set.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
const ed = generateKeyPairSync('ed25519')
const jwk = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: 'jwk' }), kid: 'k', ...more })

function find(published: unknown, alg: string) {
  const set = readKeySet({ keys: [published] })
  assert.ok(typeof set !== 'string')
  const found = set.find('k', alg)
  return found instanceof Refusal ? found.reason : found?.algorithm.name
}

describe('a published key is used', () => {
  const table: [title: string, jwk: object, alg: string, used: string][] = [
    ['with its alg', jwk(ec.publicKey, { alg: 'ES256', use: 'sig' }), 'ES256', 'ES256'],
    ['without alg, where its curve says it', jwk(ec.publicKey), 'ES256', 'ES256'],
    ['without alg, an RSA key for RS256', jwk(rsa.publicKey), 'RS256', 'RS256'],
    ['without alg, an RSA key for PS256', jwk(rsa.publicKey), 'PS256', 'PS256'],
    ['with alg, for that alone', jwk(rsa.publicKey, { alg: 'RS256' }), 'PS256', 'RS256'],
    ['of Ed25519', jwk(ed.publicKey), 'EdDSA', 'EdDSA'],
    ['with key_ops verify', jwk(ec.publicKey, { key_ops: ['verify'] }), 'ES256', 'ES256'],
    [
      'with members that are not ours to follow',
      jwk(ec.publicKey, { x5u: 'https://x.test', x5c: [1] }),
      'ES256',
      'ES256',
    ],
  ]
  for (const [title, published, alg, used] of table)
    test(title, () => assert.equal(find(published, alg), used))
})

describe('a published key is not used', () => {
  const table: [title: string, jwk: object, reason: RegExp][] = [
    ['with its private part', jwk(ec.privateKey), /private part/],
    ['with one private member', jwk(rsa.publicKey, { dp: '' }), /private part/],
    ['that is a shared secret', { kty: 'oct', k: 'AAAA', kid: 'k', alg: 'HS256' }, /private part/],
    ['of RSA with 1024 bits', jwk(weak.publicKey), /too weak/],
    ['of RSA with exponent 1', jwk(rsa.publicKey, { e: 'AQ' }), /too weak|broken/],
    ['for encryption', jwk(rsa.publicKey, { use: 'enc' }), /not for signatures/],
    ['with other key_ops', jwk(rsa.publicKey, { key_ops: ['encrypt'] }), /not for verifying/],
    ['with key_ops that are no list', jwk(rsa.publicKey, { key_ops: 'verify' }), /not for verifying/],
    ['whose alg is not for its kind', jwk(ec.publicKey, { alg: 'RS256' }), /not fit/],
    ['whose alg is HS256', jwk(rsa.publicKey, { alg: 'HS256' }), /not fit/],
    ['whose alg is none', jwk(rsa.publicKey, { alg: 'none' }), /not fit/],
    ['whose alg is no text', jwk(rsa.publicKey, { alg: null }), /not fit/],
    ['whose point is not on the curve', jwk(ec.publicKey, { y: 'A'.repeat(43) }), /broken/],
    ['of an unknown curve', jwk(ec.publicKey, { crv: 'P-257' }), /broken/],
    ['of an unknown kind', { kty: 'LMS', kid: 'k' }, /broken/],
  ]
  for (const [title, published, reason] of table)
    test(title, () => assert.match(String(find(published, 'RS256')), reason))
  test('without a name', () =>
    assert.equal(find({ ...jwk(ec.publicKey), kid: undefined }, 'ES256'), undefined))
  test('under the name of a prototype member', () => {
    const set = readKeySet({ keys: [jwk(ec.publicKey)] })
    assert.ok(typeof set !== 'string')
    assert.equal(set.find('__proto__', 'ES256'), undefined)
  })
})

test('two keys of one name are told apart by algorithm', () => {
  const set = readKeySet({ keys: [jwk(ec.publicKey), jwk(rsa.publicKey)] })
  assert.ok(typeof set !== 'string')
  for (const alg of ['ES256', 'RS256']) {
    const found = set.find('k', alg)
    assert.ok(found && !(found instanceof Refusal))
    assert.equal(found.algorithm.name, alg)
  }
})

test('one bad key does not spoil the others', () => {
  const set = readKeySet({ keys: [null, 5, [], jwk(weak.publicKey, { kid: 'weak\n' }), jwk(ec.publicKey)] })
  assert.ok(typeof set !== 'string')
  assert.equal(set.size, 1)
  assert.deepEqual(set.refused, ['key "weak\\n" is too weak, or not fit for its algorithm'])
})

test('what is no JWK set is said to be none, and nothing makes the reader throw', () => {
  for (const json of [undefined, null, 'x', [], {}, { keys: {} }])
    assert.equal(readKeySet(json), 'no JWK set')
  const member = fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops')
  const start = fc.constantFrom(jwk(ec.publicKey), jwk(rsa.publicKey), jwk(ed.publicKey))
  fc.assert(
    fc.property(start, fc.dictionary(member, fc.jsonValue({ maxDepth: 1 })), (base, changes) => {
      const set = readKeySet({ keys: [{ ...base, ...changes }] })
      assert.ok(typeof set !== 'string' && set.size <= 1)
    }),
    { numRuns: 300 },
  )
})
