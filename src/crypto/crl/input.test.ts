import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { listOf } from '../../../test/support/revocation-lists.ts'
import { encodePem, PemError } from '../pem.ts'
import { readCrlInput } from './index.ts'

const der = listOf({})
const pem = encodePem('X509 CRL', der)

describe('a revocation list is read from', () => {
  const forms: Readonly<Record<string, string | Uint8Array>> = {
    'a DER file': der,
    PEM: pem,
    'the bytes of a PEM file': Buffer.from(pem),
    'PEM with CRLF': pem.replaceAll('\n', '\r\n'),
    'PEM with literal \\n': pem.replaceAll('\n', '\\n'),
    'PEM without the last newline': pem.trimEnd(),
    'PEM after what openssl says of it': `Certificate Revocation List (CRL):\n${pem}`,
    'PEM with a byte order mark': Buffer.from(`\ufeff${pem}`),
    'PEM as some libraries label it': encodePem('CRL', der),
  }
  for (const [title, input] of Object.entries(forms))
    test(title, () => assert.deepEqual(readCrlInput(input), [der]))

  test('PEM with several', () => assert.deepEqual(readCrlInput(pem + pem), [der, der]))
})

describe('an error says what is there instead of a revocation list', () => {
  const html = '<!DOCTYPE html><title>Sign in</title>'
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['nothing', '', /is empty/],
    ['a web page', html, /HTML/],
    ['the bytes of a web page', Buffer.from(`\ufeff\n ${html}`), /HTML/],
    ['text', '404 not found', /neither a revocation list in PEM nor one in DER/],
    ['bytes of no kind', Buffer.from([0, 255, 1]), /neither/],
    ['a certificate', encodePem('CERTIFICATE', der), /holds a certificate: give the revocation list/],
    ['a certificate behind it', pem + encodePem('CERTIFICATE', der), /holds a certificate/],
    ['a private key', encodePem('PRIVATE KEY', der), /keep the key to yourself/],
    ['PKCS#7', encodePem('PKCS7', der), /PKCS#7/],
    ['a signing request', encodePem('NEW THING', der), /holds NEW THING/],
    ['half a list', pem.slice(0, 200), /no END line/],
    ['a list with a wrong character', pem.replace('MII', 'M?I').replace('MIH', 'M?H'), /not base64/],
  ]
  for (const [title, input, message] of cases)
    test(title, () => assert.throws(() => readCrlInput(input), { name: 'PemError', message }))

  test('too much', () => {
    for (const input of [pem, Buffer.from(pem), der])
      assert.throws(() => readCrlInput(input, { maxLength: input.length - 1 }), /more than the \d+ allowed/)
    assert.throws(() => readCrlInput(pem.repeat(3), { maxBlocks: 2 }), /more than 2 PEM blocks/)
    assert.throws(() => readCrlInput('x'.repeat(24 * 1024 * 1024 + 1)), /more than the 25165824 allowed/)
  })
})

test('whatever is there, it is read or refused with a PemError', () => {
  const piece = fc.oneof(
    fc.constantFrom(pem, '-----BEGIN X509 CRL-----', '-----END X509 CRL-----', '%'),
    fc.string(),
  )
  const text = fc.array(piece, { maxLength: 5 }).map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 100 })), input => {
      try {
        readCrlInput(input)
      } catch (error) {
        assert.ok(error instanceof PemError, String(error))
      }
    }),
    { numRuns: 500 },
  )
})
