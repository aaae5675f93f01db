import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodePem, encodePem, PemError, readCertificateInput } from './pem.ts'
import { makeRoot } from './server-certificate.ts'

const { der, pem } = makeRoot({ commonName: 'Root', now: Date.UTC(2026, 0, 1), random: randomBytes })
const escaped = pem.replaceAll('\n', '\\n')
const base64 = der.toString('base64')

test('PEM has 64 columns and ends in a newline', () => {
  const text = encodePem('CERTIFICATE', Buffer.alloc(100))
  assert.deepEqual(
    text.split('\n').map(line => line.length),
    [27, 64, 64, 8, 25, 0],
  )
})

describe('a certificate is read from', () => {
  const forms: readonly (readonly [string, string | Uint8Array])[] = [
    ['PEM', pem],
    ['the bytes of a PEM file', Buffer.from(pem)],
    ['a DER file', der],
    ['PEM without the last newline', pem.trimEnd()],
    ['PEM with CRLF', pem.replaceAll('\n', '\r\n')],
    ['PEM with CR', pem.replaceAll('\n', '\r')],
    ['PEM with literal \\n', escaped],
    ['PEM with literal \\r\\n', pem.replaceAll('\n', '\\r\\n')],
    ['PEM as a quoted string of JSON', JSON.stringify(pem)],
    ['PEM whose line breaks became spaces', pem.replaceAll('\n', ' ')],
    ['PEM whose line breaks were lost', pem.replaceAll('\n', '')],
    ['PEM with indented lines', pem.replaceAll('\n', '\n    ')],
    ['PEM with white space at the ends of lines', pem.replaceAll('\n', ' \t\n')],
    ['PEM after a text', `subject=CN = Root\nissuer=100% Root\n${pem}`],
    ['PEM before a text', `${pem}that was all`],
    ['PEM with a byte order mark', `\ufeff${pem}`],
    ['URL-encoded PEM', encodeURIComponent(pem)],
    [
      'PEM as nginx escapes it',
      pem.replace(/[^A-Za-z0-9-]/g, c => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    ],
    ['form-encoded PEM', new URLSearchParams({ c: pem }).toString().slice(2)],
    [
      'PEM with every octet URL-encoded',
      pem.replace(/[\s\S]/g, c => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    ],
    ['base64 of DER', base64],
    ['base64 of DER in lines', base64.replace(/.{76}/g, '$&\n')],
    ['URL-encoded base64 of DER', encodeURIComponent(base64)],
    ['base64 of PEM', Buffer.from(pem).toString('base64')],
    ['the bytes of a base64 file', Buffer.from(`${base64}\n`)],
  ]
  for (const [title, input] of forms) test(title, () => assert.deepEqual(readCertificateInput(input), [der]))
})

test('a chain is read in its order, also when files without a last newline were joined', () => {
  const other = encodePem('CERTIFICATE', Buffer.from('3000', 'hex'))
  assert.deepEqual(readCertificateInput(pem.trimEnd() + other), [der, Buffer.from('3000', 'hex')])
})

test('blocks are read with their labels', () => {
  const key = encodePem('PRIVATE KEY', Buffer.from([1]))
  assert.deepEqual(decodePem(pem + key), [
    { label: 'CERTIFICATE', der },
    { label: 'PRIVATE KEY', der: Buffer.from([1]) },
  ])
})

describe('an error says what is wrong with', () => {
  const lines = pem.split('\n')
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['nothing', '', /empty/],
    ['white space', ' \n', /empty/],
    ['an end that was cut off', lines.slice(0, -2).join('\n'), /no END line/],
    ['a begin that was cut off', lines.slice(1).join('\n'), /not base64/],
    [
      'an END line of another label',
      pem.replace('END CERTIFICATE', 'END KEY'),
      /"END KEY" without "BEGIN KEY"/,
    ],
    ['two BEGIN lines', pem.replace(/-----END.*\n/, '') + pem, /no END line before the next BEGIN/],
    ['a line cut off', pem.replace(lines[2]!, lines[2]!.slice(0, -1)), /not exact base64/],
    ['a character that is not base64', pem.replace(lines[1]!, `!${lines[1]}`), /not base64, at position 0/],
    ['base64url', encodePem('CERTIFICATE', Buffer.from([0xfb, 0xff])).replace('+/', '-_'), /not base64/],
    ['base64 without padding', 'MAA', /not exact base64/],
    ['base64 with stray bits', 'MAB=', /not exact base64/],
    ['an empty block', encodePem('CERTIFICATE', Buffer.alloc(0)), /CERTIFICATE is empty/],
    ['a private key', encodePem('EC PRIVATE KEY', Buffer.from([1])), /private key.*keep the key to yourself/],
    ['a private key after the certificate', pem + encodePem('PRIVATE KEY', Buffer.from([1])), /private key/],
    ['a signing request', encodePem('CERTIFICATE REQUEST', Buffer.from([1])), /signing request/],
    ['PKCS#7', encodePem('PKCS7', Buffer.from([1])), /pkcs7 -print_certs/],
    ['a public key', encodePem('PUBLIC KEY', Buffer.from([1])), /holds PUBLIC KEY, not a certificate/],
    ['a broken % sequence', pem.replaceAll('\n', '%0').replace('BEGIN ', 'BEGIN%20'), /URL-encoded/],
    ['base64 of something else', Buffer.from('hello').toString('base64'), /neither PEM nor DER/],
    ['some text', 'certificate.pem', /not base64/],
    ['bytes of no kind', Buffer.from([0xff, 0x00, 0xff]), /not base64/],
    ['33 blocks', pem.repeat(33), /more than 32 PEM blocks/],
    ['more than 256 KiB', 'A'.repeat(256 * 1024 + 1), /more than the 262144 allowed/],
  ]
  for (const [title, input, message] of cases)
    test(title, () => assert.throws(() => readCertificateInput(input), { name: 'PemError', message }))

  test('an encrypted block', () => {
    const text =
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n-----END RSA PRIVATE KEY-----\n'
    assert.throws(() => decodePem(text), { name: 'PemError', message: /is encrypted/ })
  })

  test('a text without a block', () => {
    assert.throws(() => decodePem('nothing here'), { name: 'PemError', message: /no PEM block/ })
  })
})

test('no error repeats the content', () => {
  const secret = 'MC4CAQAwBQYDK2VwBCIEIJ'
  const text = `-----BEGIN PRIVATE KEY-----\n${secret}?\n-----END PRIVATE KEY-----\n`
  assert.throws(
    () => decodePem(text),
    (error: unknown) => error instanceof PemError && !error.message.includes(secret),
  )
})

test('whatever is pasted is read, or refused with a PemError', () => {
  const pieces = fc.constantFrom(
    pem,
    escaped,
    base64,
    '-----BEGIN CERTIFICATE-----',
    '-----END CERTIFICATE-----',
    '%',
    '%0a',
    '\\n',
    '+',
    '=',
    '\r\n',
  )
  const text = fc
    .array(fc.oneof(pieces, fc.string({ maxLength: 20 })), { maxLength: 6 })
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(text, fc.string(), fc.uint8Array({ maxLength: 200 })), input => {
      try {
        readCertificateInput(input)
      } catch (error) {
        assert.ok(error instanceof PemError, String(error))
      }
    }),
    { numRuns: 1500 },
  )
})

test('every DER survives PEM', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), bytes => {
      assert.deepEqual(decodePem(encodePem('X', bytes)), [{ label: 'X', der: Buffer.from(bytes) }])
    }),
  )
})
