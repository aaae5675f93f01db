import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openssl } from '../../../test/support/openssl.ts'
import { type Digest, deriveKey, type Purpose } from './kdf.ts'

const theirs = (
  passphrase: Buffer,
  salt: Buffer,
  iterations: number,
  id: Purpose,
  digest: Digest,
  length: number,
) =>
  openssl([
    ...['kdf', '-keylen', String(length), '-kdfopt', `digest:${digest}`],
    ...['-kdfopt', `hexpass:${passphrase.toString('hex')}`, '-kdfopt', `hexsalt:${salt.toString('hex')}`],
    ...['-kdfopt', `iter:${iterations}`, '-kdfopt', `id:${id}`, 'PKCS12KDF'],
  ])
    .trim()
    .replaceAll(':', '')
    .toLowerCase()

describe('the key derivation of PKCS#12 is that of openssl', () => {
  const cases: readonly (readonly [string, string, number, number, Purpose, Digest, number])[] = [
    // title, passphrase, octets of salt, iterations, purpose, digest, octets of key
    ['for a MAC with SHA-256', 'secret', 16, 1000, 3, 'sha256', 32],
    ['for one iteration', 'secret', 16, 1, 3, 'sha256', 32],
    ['for a key longer than a digest', 'secret', 8, 10, 1, 'sha1', 24],
    ['for a key of many digests', 'secret', 16, 10, 1, 'sha256', 200],
    ['for a short vector', 'secret', 20, 10, 2, 'sha1', 8],
    ['for digests with long blocks', 'secret', 16, 10, 3, 'sha512', 64],
    ['for SHA-224', 'secret', 16, 10, 3, 'sha224', 28],
    ['for SHA-512/224', 'secret', 16, 10, 3, 'sha512-224', 28],
    ['for SHA-512/256', 'secret', 16, 10, 1, 'sha512-256', 100],
    ['for SHA-384', 'secret', 16, 10, 1, 'sha384', 100],
    ['for a salt longer than a block', 'secret', 100, 10, 3, 'sha256', 64],
    ['for a passphrase longer than a block', 'correct horse battery staple, and more', 16, 10, 1, 'sha1', 64],
    ['for letters beyond ASCII', 'pässwörd 😀', 16, 10, 3, 'sha256', 32],
    ['for an empty passphrase', '', 16, 10, 3, 'sha256', 32],
  ]
  for (const [title, passphrase, saltLength, iterations, purpose, digest, length] of cases)
    test(title, () => {
      const salt = Buffer.from(Array.from({ length: saltLength }, (_, i) => 255 - i))
      const octets = Buffer.from(`${passphrase}\0`, 'utf16le').swap16()
      const ours = deriveKey({ passphrase, salt, iterations, purpose, digest, length })
      assert.equal(ours.toString('hex'), theirs(octets, salt, iterations, purpose, digest, length))
    })
})

test('the keys of each purpose, salt, passphrase and number of iterations differ', () => {
  const usual = {
    passphrase: 'secret',
    salt: Buffer.alloc(16),
    iterations: 10,
    purpose: 3,
    digest: 'sha256',
    length: 32,
  } as const
  const others = [
    { purpose: 1 },
    { salt: Buffer.alloc(16, 1) },
    { passphrase: 'Secret' },
    { iterations: 11 },
    { digest: 'sha512' },
    { passphrase: '' },
    { passphrase: undefined },
  ] as const
  const keys = [{}, ...others].map(other => deriveKey({ ...usual, ...other }).toString('hex'))
  assert.equal(new Set(keys).size, keys.length)
})

test('a passphrase with half of a character is refused', () => {
  assert.throws(
    () =>
      deriveKey({
        passphrase: '\ud800',
        salt: Buffer.alloc(8),
        iterations: 1,
        purpose: 3,
        digest: 'sha256',
        length: 32,
      }),
    { name: 'DerError' },
  )
})
