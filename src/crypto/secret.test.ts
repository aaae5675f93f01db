import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { formatSecret, sameDigest, secretDigest, secretPrefix } from './secret.ts'

test('a secret carries 256 bits behind a prefix that leak scanners can look for', () => {
  const bytes = randomBytes(32)
  const secret = formatSecret(bytes)
  assert.ok(secret.startsWith(secretPrefix))
  assert.deepEqual(Buffer.from(secret.slice(secretPrefix.length), 'base64url'), bytes)
})

test('a secret needs no escaping in a form, a header, a shell or a URL', () => {
  for (let i = 0; i < 200; i++) assert.match(formatSecret(randomBytes(32)), /^csec_[A-Za-z0-9_-]{43}$/)
  assert.match(formatSecret(Buffer.alloc(32, 0xff)), /^csec_[A-Za-z0-9_-]{43}$/)
})

test('fewer or more than 32 random bytes make no secret', () => {
  for (const length of [0, 16, 31, 33]) assert.throws(() => formatSecret(Buffer.alloc(length)), RangeError)
})

test('the digest is HMAC-SHA-256: test case 2 of RFC 4231', () => {
  const digest = secretDigest(Buffer.from('Jefe'), 'what do ya want for nothing?')
  assert.equal(digest.toString('hex'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
})

test('digests are the same for the same secret under the same pepper only', () => {
  const pepper = randomBytes(32)
  const digest = secretDigest(pepper, 'secret')
  assert.ok(sameDigest(digest, secretDigest(pepper, 'secret')))
  assert.ok(!sameDigest(digest, secretDigest(pepper, 'Secret')))
  assert.ok(!sameDigest(digest, secretDigest(pepper, 'secret ')))
  assert.ok(!sameDigest(digest, secretDigest(randomBytes(32), 'secret')))
})

test('digests of different length differ, also when one begins the other', () => {
  const digest = secretDigest(randomBytes(32), 'secret')
  assert.ok(!sameDigest(digest, digest.subarray(0, 31)))
  assert.ok(!sameDigest(digest, Buffer.alloc(0)))
  assert.ok(!sameDigest(Buffer.alloc(0), digest))
})
