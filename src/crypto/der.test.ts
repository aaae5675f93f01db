import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as der from './der.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')
const refuses = (bytes: Buffer, message: RegExp, limits?: der.DerLimits) =>
  assert.throws(
    () => der.readDer(bytes, limits),
    (error: unknown) => error instanceof der.DerError && message.test(error.message),
  )

describe('what is written', () => {
  const vectors: readonly (readonly [string, Buffer, string])[] = [
    ['zero', der.integer(0), '020100'],
    ['127', der.integer(127), '02017f'],
    ['128 gets a leading zero', der.integer(128), '02020080'],
    ['-1', der.integer(-1), '0201ff'],
    ['-128', der.integer(-128n), '020180'],
    ['-129', der.integer(-129), '0202ff7f'],
    ['an unsigned magnitude', der.integer(hex('0000ff01')), '020300ff01'],
    ['an empty magnitude', der.integer(Buffer.alloc(0)), '020100'],
    ['an ENUMERATED', der.enumerated(10), '0a010a'],
    ['true', der.boolean(true), '0101ff'],
    ['false', der.boolean(false), '010100'],
    ['NULL', der.nullValue(), '0500'],
    ['rsaEncryption', der.oid('1.2.840.113549.1.1.1'), '06092a864886f70d010101'],
    ['2.999', der.oid('2.999'), '06028837'],
    [
      'a UUID as identifier',
      der.oid('2.25.329800735698586629295641978511506172918'),
      '0614 6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776',
    ],
    ['bits with unused ones', der.bitString(hex('6e5dc0'), 6), '0304066e5dc0'],
    ['named bits without trailing zeros', der.namedBitString([0, 5]), '03020284'],
    ['the ninth named bit', der.namedBitString([8]), '0303070080'],
    ['no named bit', der.namedBitString([]), '030100'],
    [
      'the last second as UTCTime',
      der.time(Date.UTC(2049, 11, 31, 23, 59, 59)),
      '170d3439313233313233353935395a',
    ],
    [
      'the first second as GeneralizedTime',
      der.time(Date.UTC(2050, 0, 1)),
      '180f32303530303130313030303030305a',
    ],
    ['1950 as UTCTime', der.time(Date.UTC(1950, 0, 1)), '170d3530303130313030303030305a'],
    [
      '1949 as GeneralizedTime',
      der.time(Date.UTC(1949, 11, 31, 23, 59, 59)),
      '180f31393439313233313233353935395a',
    ],
    [
      'no fraction of a second',
      der.time(Date.UTC(2026, 0, 1, 0, 0, 0, 999)),
      '170d3236303130313030303030305a',
    ],
    [
      'a SET in ascending order',
      der.setOf([der.integer(2), der.boolean(true), der.integer(1)]),
      '3109 0101ff 020101 020102',
    ],
    ['an explicit tag', der.explicit(0, der.integer(2)), 'a003020102'],
    ['an implicit tag', der.implicit(6, der.ia5String('a')), '860161'],
    ['an implicit tag on a SEQUENCE', der.implicit(1, der.sequence([])), 'a100'],
    ['UTF-8', der.utf8String('ü'), '0c02c3bc'],
  ]
  for (const [title, actual, expected] of vectors) {
    test(title, () => {
      assert.equal(actual.toString('hex'), expected.replace(/\s/g, ''))
      der.readDer(actual)
    })
  }

  test('lengths take their shortest form at every size', () => {
    for (const [size, header] of [
      [127, '047f'],
      [128, '048180'],
      [255, '0481ff'],
      [256, '04820100'],
      [65_536, '0483010000'],
    ] as const) {
      const encoding = der.octetString(Buffer.alloc(size))
      assert.equal(encoding.subarray(0, header.length / 2).toString('hex'), header)
      assert.equal(der.readDer(encoding, { maxBytes: 100_000 }).content.length, size)
    }
  })

  const impossible: readonly (readonly [string, () => Buffer])[] = [
    ['a fraction as INTEGER', () => der.integer(1.5)],
    ['a number that is not exact', () => der.integer(2 ** 53)],
    ['an umlaut as PrintableString', () => der.printableString('Müller')],
    ['an at sign as PrintableString', () => der.printableString('a@b')],
    ['an umlaut as IA5String', () => der.ia5String('Müller')],
    ['half a surrogate pair', () => der.utf8String('\ud800')],
    ['an identifier with one arc', () => der.oid('1')],
    ['an identifier with a leading zero', () => der.oid('1.02.3')],
    ['an identifier beginning with 3', () => der.oid('3.1')],
    ['an identifier 1.40', () => der.oid('1.40')],
    ['no date', () => der.time(Number.NaN)],
    ['the year 10000', () => der.time(Date.UTC(10_000, 0, 1))],
    ['a UTCTime in 2050', () => der.utcTime(Date.UTC(2050, 0, 1))],
    ['unused bits that are set', () => der.bitString(hex('01'), 1)],
    ['unused bits of nothing', () => der.bitString(Buffer.alloc(0), 1)],
    ['a negative named bit', () => der.namedBitString([-1])],
    ['tag number 31', () => der.explicit(31, der.nullValue())],
  ]
  for (const [title, write] of impossible)
    test(`${title} is refused`, () => assert.throws(write, der.DerError))
})

describe('the reader refuses', () => {
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['nothing', '', /cut off/],
    ['an identifier alone', '30', /cut off/],
    ['a length cut off', '3082 01', /cut off/],
    ['a content cut off', '0402 00', /beyond the end/],
    ['a member longer than its parent', '3003 0405 00', /beyond the end/],
    ['trailing bytes', '0500 00', /1 bytes after the end \(at byte 2\)/],
    ['an indefinite length', '3080 0500 0000', /indefinite/],
    ['a long length below 128', '04 81 01 00', /shortest/],
    ['a length with a leading zero', `04 82 0080 ${'00'.repeat(128)}`, /shortest/],
    ['a length of five octets', '04 85 0000000001 00', /four octets/],
    ['the reserved length ff', '04 ff 00', /four octets/],
    ['a length of four gigabytes', '04 84 ffffffff', /beyond the end/],
    ['a high tag number', '1f 1f 00', /tag number/],
    ['end-of-contents', '0000', /end-of-contents/],
    ['a primitive SEQUENCE', '1000', /primitive form/],
    ['a constructed OCTET STRING', '2403 0401 00', /constructed form/],
    ['a constructed UTF8String', '2c00', /constructed form/],
    ['an INTEGER without content', '0200', /without content/],
    ['an INTEGER with a redundant 00', '0202 0001', /redundant/],
    ['an INTEGER with a redundant ff', '0202 ff80', /redundant/],
    ['an ENUMERATED with a redundant 00', '0a02 0001', /redundant/],
    ['a BOOLEAN of 01', '0101 01', /BOOLEAN/],
    ['a BOOLEAN of two octets', '0102 ffff', /BOOLEAN/],
    ['a NULL with content', '0501 00', /NULL/],
    ['an identifier without content', '0600', /without content/],
    ['an identifier with a redundant 80', '0603 2a8001', /redundant/],
    ['an identifier that does not end', '0602 2a86', /inside an arc/],
    ['an identifier of 129 octets', `06 8181 2a${'01'.repeat(128)}`, /longer than 128/],
    ['a BIT STRING without content', '0300', /without content/],
    ['a BIT STRING with eight unused bits', '0302 0800', /unused bits/],
    ['a BIT STRING with unused bits of nothing', '0301 01', /unused bits/],
    ['a BIT STRING whose unused bits are set', '0302 0101', /not zero/],
    ['a time with a fraction', `1811 ${Buffer.from('20260101000000.5Z').toString('hex')}`, /GeneralizedTime/],
    ['a time without seconds', `170b ${Buffer.from('2601010000Z').toString('hex')}`, /UTCTime/],
    ['a time with an offset', `1711 ${Buffer.from('260101000000+0100').toString('hex')}`, /UTCTime/],
    ['the 30th of February', `170d ${Buffer.from('260230000000Z').toString('hex')}`, /does not exist/],
    ['the 29th of February 2026', `170d ${Buffer.from('260229000000Z').toString('hex')}`, /does not exist/],
    ['month 13', `170d ${Buffer.from('261301000000Z').toString('hex')}`, /does not exist/],
    ['hour 24', `170d ${Buffer.from('260101240000Z').toString('hex')}`, /does not exist/],
    ['second 60', `170d ${Buffer.from('260101000060Z').toString('hex')}`, /does not exist/],
    ['something wrong deep inside', '3009 a007 3005 0500 0101 05', /BOOLEAN.*at byte 8/],
  ]
  for (const [title, text, message] of bad) test(title, () => refuses(hex(text), message))

  test('33 levels, and takes 32', () => {
    const nested = (levels: number) => {
      let encoding: Buffer = der.nullValue()
      for (let level = 1; level < levels; level++) encoding = der.sequence([encoding])
      return encoding
    }
    der.readDer(nested(32))
    refuses(nested(33), /32 levels/)
  })

  test('more than 64 KiB, or than the caller allows', () => {
    der.readDer(der.octetString(Buffer.alloc(64 * 1024 - 4)))
    refuses(der.octetString(Buffer.alloc(64 * 1024 - 3)), /65537 bytes, more than the 65536 allowed/)
    refuses(der.nullValue(), /more than the 1 allowed/, { maxBytes: 1 })
  })

  test('a value of another type than asked for', () => {
    assert.throws(() => der.readInteger(der.readDer(der.nullValue())), /INTEGER expected, found null/)
    assert.throws(() => der.readOid(der.readDer(der.integer(1))), der.DerError)
    assert.throws(() => der.readText(der.readDer(der.integer(1))), der.DerError)
    assert.throws(() => der.readTime(der.readDer(der.integer(1))), der.DerError)
  })

  test('numbers outside their range', () => {
    for (const value of [-1, 11, 2n ** 200n])
      assert.throws(() => der.readSmallInteger(der.readDer(der.integer(value)), 10), der.DerError)
    assert.equal(der.readSmallInteger(der.readDer(der.integer(10)), 10), 10)
  })

  test('text with octets that its type does not allow', () => {
    for (const text of ['0c01ff', '1601ff', '1e0100', '1e02d800', '1c0400110000', '1c040000d800'])
      assert.throws(() => der.readText(der.readDer(hex(text))), der.DerError, text)
  })

  test('named bits that end in a zero', () => {
    assert.throws(() => der.readNamedBits(der.readDer(hex('03020080'))), /trailing zeros/)
    assert.throws(() => der.readNamedBits(der.readDer(hex('03020600'))), /trailing zeros/)
  })

  test('a sequence with a member missing, in the wrong place, or left over', () => {
    const fields = (...parts: Buffer[]) => der.fieldsOf(der.readDer(der.sequence(parts)), 'thing')
    assert.throws(() => fields().required('size'), /thing: size is missing/)
    assert.throws(
      () => fields(der.nullValue()).required('size', der.TAG.integer),
      /size is null, not integer/,
    )
    assert.throws(() => fields(der.nullValue()).end(), /unexpected null/)
    assert.throws(() => der.fieldsOf(der.readDer(der.nullValue()), 'thing'), /sequence expected, found null/)
    assert.throws(() => der.membersOf(der.readDer(der.sequence([])), 'things'), /things is empty/)
  })
})

describe('the reader', () => {
  test('shows class, form, number, offset and bytes of every node', () => {
    const node = der.readDer(hex('3005 a103 020105'))
    const [tagged] = node.children()
    const [inner] = tagged!.children()
    assert.deepEqual([node.tagClass, node.number, node.constructed, node.offset], ['universal', 16, true, 0])
    assert.deepEqual(
      [tagged!.tagClass, tagged!.number, tagged!.constructed, tagged!.offset],
      ['context', 1, true, 2],
    )
    assert.equal(inner!.raw.toString('hex'), '020105')
    assert.equal(inner!.offset, 4)
    assert.deepEqual(inner!.children(), [])
  })

  test('reads each string type that names are written in', () => {
    for (const [text, expected] of [
      ['0c02c3bc', 'ü'],
      ['130161', 'a'],
      ['1401fc', 'ü'],
      ['160161', 'a'],
      ['1e0400fc0061', 'üa'],
      ['1c040001f600', '😀'],
    ] as const)
      assert.equal(der.readText(der.readDer(hex(text))), expected)
  })

  test('takes UTCTime 50 to 99 as the last century', () => {
    const read = (text: string) =>
      new Date(der.readTime(der.readDer(der.encodeTlv(der.TAG.utcTime, Buffer.from(text)))))
    assert.equal(read('500101000000Z').toISOString(), '1950-01-01T00:00:00.000Z')
    assert.equal(read('491231235959Z').toISOString(), '2049-12-31T23:59:59.000Z')
    assert.equal(read('240229120000Z').toISOString(), '2024-02-29T12:00:00.000Z')
  })

  test('reads a view into a larger buffer', () => {
    const whole = hex('ffff 020105 ffff')
    assert.equal(der.readInteger(der.readDer(new Uint8Array(whole).subarray(2, 5))), 5n)
  })
})

describe('what was written is read back', () => {
  test('integers', () => {
    fc.assert(fc.property(fc.bigInt(), n => der.readInteger(der.readDer(der.integer(n))) === n))
    fc.assert(
      fc.property(fc.maxSafeInteger(), n => der.readInteger(der.readDer(der.integer(n))) === BigInt(n)),
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), bytes => {
        const read = der.readInteger(der.readDer(der.integer(bytes)))
        return read === BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
      }),
    )
  })

  test('object identifiers', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 130n })
    const root = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
      fc.tuple(fc.constant(2n), arc),
    )
    fc.assert(
      fc.property(root, fc.array(arc, { maxLength: 4 }), (first, rest) => {
        const dotted = [...first, ...rest].join('.')
        return der.readOid(der.readDer(der.oid(dotted))) === dotted
      }),
    )
  })

  test('times, to the second', () => {
    const seconds = fc.integer({
      min: Date.UTC(0, 0, 1) / 1000 - 60 * 365 * 86_400,
      max: Date.UTC(9999, 11, 31) / 1000,
    })
    fc.assert(fc.property(seconds, s => der.readTime(der.readDer(der.time(s * 1000))) === s * 1000))
  })

  test('lengths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), size => {
        const node = der.readDer(der.octetString(Buffer.alloc(size)), { maxBytes: 80_000 })
        return der.readOctetString(node).length === size
      }),
      { numRuns: 50 },
    )
  })

  test('named bits', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 31 })), positions => {
        const read = der.readNamedBits(der.readDer(der.namedBitString(positions)))
        assert.deepEqual(
          read,
          positions.toSorted((a, b) => a - b),
        )
      }),
    )
  })

  test('text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        text => der.readText(der.readDer(der.utf8String(text))) === text,
      ),
    )
  })
})

test('random bytes are read, or refused with a DerError, and nothing else happens', () => {
  const tags = fc.constantFrom(...Object.values(der.TAG), 0xa0, 0x80)
  // Half of the cases begin like an encoding, so that they get past the first octets.
  const encoding = fc
    .tuple(tags, fc.uint8Array({ maxLength: 120 }))
    .map(([tag, content]) => der.encodeTlv(tag, content))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), encoding), bytes => {
      try {
        const walk = (node: der.DerNode): void => node.children().forEach(walk)
        walk(der.readDer(bytes))
      } catch (error) {
        assert.ok(error instanceof der.DerError, String(error))
      }
    }),
    { numRuns: 3000 },
  )
})
