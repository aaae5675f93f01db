import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { formatIpAddress, parseIpAddress } from './ip-address.ts'

describe('IP addresses', () => {
  for (const [text, hex, canonical] of [
    ['127.0.0.1', '7f000001', '127.0.0.1'],
    ['::1', '00000000000000000000000000000001', '::1'],
    ['::', '00000000000000000000000000000000', '::'],
    ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['fe80::', 'fe800000000000000000000000000000', 'fe80::'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201', '::ffff:c000:201'],
    ['1::2:3:4:5:6:7', '00010000000200030004000500060007', '1:0:2:3:4:5:6:7'],
  ] as const)
    test(`${text} is ${hex} and shown as ${canonical}`, () => {
      assert.equal(parseIpAddress(text)?.toString('hex'), hex)
      assert.equal(formatIpAddress(Buffer.from(hex, 'hex')), canonical)
    })

  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2:3:4:5:6:7:8',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3.4:1',
    'fe80::1%eth0',
    '[::1]',
  ])
    test(`"${text}" is none`, () => assert.equal(parseIpAddress(text), undefined))

  test('are told from other text as node:net does', () => {
    const text = fc.array(
      fc.constantFrom(':', '::', '.', '0', '1', 'f', '255', '256', 'ffff', '1.2.3.4', 'x'),
      { maxLength: 16 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          text.map(parts => parts.join('')),
          fc.ipV6(),
          fc.ipV4(),
        ),
        candidate => {
          assert.equal(parseIpAddress(candidate) !== undefined, isIP(candidate) !== 0, candidate)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('keep their octets through text, in the form a URL shows', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => bytes.map(b => (b < 128 ? 0 : b))),
        bytes => {
          const text = formatIpAddress(bytes)
          assert.deepEqual(parseIpAddress(text), Buffer.from(bytes))
          assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`)
        },
      ),
    )
  })
})
