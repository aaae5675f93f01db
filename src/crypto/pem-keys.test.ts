import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { openssl } from '../../test/support/openssl.ts'
import { decodePemWithKeys } from './pem-keys.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const run = (...args: string[]) => openssl(args, { 'key.pem': key })
const aes = (...more: string[]) => run('pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'pass:right', ...more)
const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

test('a private key is read in every form in which openssl writes it, with what stands beside it', () => {
  for (const [form, text] of Object.entries({
    pkcs8: key,
    pkcs1: run('rsa', '-in', 'key.pem', '-traditional'),
    'encrypted pkcs1': run('rsa', '-in', 'key.pem', '-traditional', '-aes128', '-passout', 'pass:right'),
    pbes2: aes(),
    'many iterations': aes('-iter', '200000'),
    'of version 1.5': aes('-v1', 'PBE-SHA1-3DES'),
    'lines lost': key.replaceAll('\n', '\\n'),
  })) {
    const { keys, others } = decodePemWithKeys(certificate + text, 'right')
    assert.equal(keys.length, 1, form)
    assert.ok(keys[0]!.equals(privateKey), form)
    assert.deepEqual(
      others.map(({ label }) => label),
      ['CERTIFICATE'],
      form,
    )
  }
  assert.equal(decodePemWithKeys(key + key, undefined).keys.length, 2)
})

test('what cannot be opened is refused in words, which repeat nothing', () => {
  for (const [text, passphrase, words] of [
    [aes(), undefined, /encrypted: give its passphrase/],
    [aes(), 'wrong', /cannot be opened: the passphrase is another one/],
    [aes(), '', /cannot be opened/],
    [
      run('rsa', '-in', 'key.pem', '-traditional', '-aes128', '-passout', 'pass:right'),
      'wrong',
      /cannot be opened/,
    ],
    [
      run('rsa', '-in', 'key.pem', '-traditional', '-aes128', '-passout', 'pass:right'),
      undefined,
      /encrypted/,
    ],
    [aes('-scrypt'), 'right', /needs scrypt in place of PBKDF2/],
    ['-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n', undefined, /cut off/],
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', undefined, /./],
    [key.slice(0, 200), undefined, /END line/],
  ] as const)
    assert.throws(
      () => decodePemWithKeys(text, passphrase),
      (error: Error) => words.test(error.message) && !/-----BEGIN|right|MII/.test(error.message),
      String(words),
    )
})

test('a text of many beginnings takes no time', () => {
  const beginning = '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: -'
  const started = performance.now()
  assert.throws(() => decodePemWithKeys(beginning.repeat(3800), 'x'))
  assert.ok(performance.now() - started < 2000)
})
