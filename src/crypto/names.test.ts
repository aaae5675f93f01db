import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  bitString,
  DerError,
  encodeTlv,
  ia5String,
  oid,
  printableString,
  sequence,
  setOf,
  TAG,
  utf8String,
} from './der.ts'
import {
  buildName,
  dnMatches,
  formatName,
  type NameInput,
  nameEquals,
  nameIsWithin,
  parseDn,
  parseName,
  readDn,
} from './names.ts'

const shown = (...attributes: (NameInput | NameInput[])[]) => formatName(parseName(buildName(attributes)))
const raw = (type: string, value: Buffer) =>
  formatName(parseName(sequence([setOf([sequence([oid(type), value])])])))

describe('a distinguished name is shown as RFC 4514 says', () => {
  test('last attribute first, as certificatedetails show it', () => {
    const text = shown(
      { type: 'C', value: 'DE' },
      { type: 'O', value: 'Example' },
      { type: 'OU', value: 'Clients' },
      { type: 'L', value: 'region' },
      { type: 'CN', value: 'sender' },
    )
    assert.equal(text, 'CN=sender,L=region,OU=Clients,O=Example,C=DE')
  })

  test('several attributes in one RDN are joined by a plus', () => {
    const text = shown({ type: 'C', value: 'DE' }, [
      { type: 'CN', value: 'a' },
      { type: 'OU', value: 'b' },
    ])
    assert.equal(text, 'OU=b+CN=a,C=DE')
  })

  for (const [value, expected] of [
    ['a,b', 'a\\,b'],
    ['a+b=c', 'a\\+b=c'],
    ['say "yes"', 'say \\"yes\\"'],
    ['<a;b>', '\\<a\\;b\\>'],
    ['back\\slash', 'back\\\\slash'],
    ['#hash', '\\#hash'],
    [' both ', '\\ both\\ '],
    [' ', '\\ '],
    ['  ', '\\ \\ '],
    ['a b', 'a b'],
    ['line\nbreak', 'line\\0abreak'],
    ['nul\0', 'nul\\00'],
    ['Müller 😀', 'Müller 😀'],
    ['left\u202eright', 'left\\e2\\80\\aeright'],
  ] as const)
    test(`${JSON.stringify(value)} becomes ${expected}`, () =>
      assert.equal(shown({ type: 'CN', value }), `CN=${expected}`))

  test('a type without a short name, and a value that is no string, are shown as encoded', () => {
    assert.equal(shown({ type: '1.2.3.4', value: 'x' }), '1.2.3.4=#0c0178')
    assert.equal(raw('2.5.4.3', bitString(Buffer.from([1]))), 'CN=#03020001')
  })

  test('the empty name is empty', () => assert.equal(shown(), ''))
})

describe('a name that was built', () => {
  test('holds the types, string types and values in the order given', () => {
    const { rdns } = parseName(
      buildName([
        { type: 'dc', value: 'example' },
        { type: 'C', value: 'DE' },
        { type: 'emailAddress', value: 'a@example.com' },
        { type: '2.5.4.3', value: 'Ü' },
      ]),
    )
    assert.deepEqual(
      rdns.map(([only]) => [only!.type, only!.tag, only!.value]),
      [
        ['DC', TAG.ia5String, 'example'],
        ['C', TAG.printableString, 'DE'],
        ['emailAddress', TAG.ia5String, 'a@example.com'],
        ['CN', TAG.utf8String, 'Ü'],
      ],
    )
  })

  test('is read back whatever the text', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter(value => [...value].length <= 64)
    const types = fc.constantFrom('CN', 'O', 'OU', 'L', 'ST', 'UID', '1.3.6.1.4.1.99999')
    fc.assert(
      fc.property(
        fc.array(fc.record({ type: types, value: text }, { noNullPrototype: true }), { maxLength: 6 }),
        attributes => {
          const { rdns } = parseName(buildName(attributes))
          assert.deepEqual(
            rdns.map(([only]) => ({ type: only!.type, value: only!.value })),
            attributes,
          )
          formatName(parseName(buildName(attributes)))
        },
      ),
    )
  })

  for (const [title, attribute] of [
    ['an unknown type', { type: 'CNN', value: 'a' }],
    ['an empty value', { type: 'CN', value: '' }],
    ['65 characters of CN', { type: 'CN', value: 'a'.repeat(65) }],
    ['a country of three letters', { type: 'C', value: 'DEU' }],
    ['a country of one letter', { type: 'C', value: 'D' }],
    ['a country of digits', { type: 'C', value: '12' }],
    ['an umlaut in DC', { type: 'DC', value: 'bücher' }],
    ['half a surrogate pair', { type: 'CN', value: '\udc00' }],
  ] as const)
    test(`with ${title} is refused`, () => assert.throws(() => buildName([attribute]), DerError))

  test('counts characters, not octets: 64 emoji fit', () => {
    buildName([{ type: 'CN', value: '😀'.repeat(64) }])
  })
})

describe('a name is not read when', () => {
  for (const [title, bytes] of [
    ['it is no sequence', setOf([])],
    ['an RDN is empty', sequence([setOf([])])],
    ['an RDN is a sequence', sequence([sequence([sequence([oid('2.5.4.3'), utf8String('a')])])])],
    ['an attribute has no value', sequence([setOf([sequence([oid('2.5.4.3')])])])],
    [
      'an attribute has two values',
      sequence([setOf([sequence([oid('2.5.4.3'), utf8String('a'), utf8String('b')])])]),
    ],
    [
      'its text is not UTF-8',
      sequence([setOf([sequence([oid('2.5.4.3'), encodeTlv(TAG.utf8String, Buffer.from([0xff]))])])]),
    ],
  ] as const)
    test(title, () => assert.throws(() => parseName(bytes), DerError))
})

const cn = (value: Buffer) => parseName(sequence([setOf([sequence([oid('2.5.4.3'), value])])]))
const bmp = (text: string) => encodeTlv(TAG.bmpString, Buffer.from(text, 'utf16le').swap16())
const dnOf = (...attributes: (NameInput | NameInput[])[]) => parseName(buildName(attributes))
const sender = { type: 'CN', value: 'sender' }
const clients = { type: 'OU', value: 'Clients' }
const germany = { type: 'C', value: 'DE' }

describe('two names are the same (RFC 5280 section 7.1)', () => {
  for (const [title, a, b] of [
    ['in another case', utf8String('Example'), utf8String('eXAMPLE')],
    ['in another case outside ASCII', utf8String('MÜLLER Σ'), utf8String('müller ς')],
    ['with ß written as ss', utf8String('Straße'), utf8String('STRASSE')],
    ['with more white space', utf8String('  a \t b '), utf8String('a b')],
    ['with a space that does not break', utf8String('a\u00a0b'), utf8String('a b')],
    ['as another string type', utf8String('Example'), printableString('Example')],
    ['as BMPString', bmp('Müller'), utf8String('Müller')],
    ['as IA5String', ia5String('a@B'), utf8String('a@b')],
    ['composed and decomposed', utf8String('u\u0308'), utf8String('ü')],
    ['with a soft hyphen', utf8String('a\u00adb'), utf8String('ab')],
  ] as const)
    test(title, () => {
      assert.ok(nameEquals(cn(a), cn(b)))
      assert.ok(nameEquals(cn(b), cn(a)))
    })

  test('with the attributes of an RDN in another order, in DER or not', () => {
    const attributes = [
      sequence([oid('2.5.4.3'), utf8String('a')]),
      sequence([oid('2.5.4.11'), utf8String('b')]),
    ]
    const either = (members: Buffer[]) => parseName(sequence([encodeTlv(TAG.set, Buffer.concat(members))]))
    assert.ok(nameEquals(either(attributes), either(attributes.toReversed())))
  })

  for (const [title, a, b] of [
    ['another value', cn(utf8String('a')), cn(utf8String('b'))],
    ['a space that is missing', cn(utf8String('a b')), cn(utf8String('ab'))],
    ['another accent', cn(utf8String('a')), cn(utf8String('á'))],
    ['a letter that looks the same', cn(utf8String('а')), cn(utf8String('a'))],
    ['an i without a dot', cn(utf8String('ı')), cn(utf8String('i'))],
    ['a value of no string type', cn(bitString(Buffer.from([1]))), cn(bitString(Buffer.from([2])))],
    ['text that looks like an encoding', cn(bitString(Buffer.from([1]))), cn(utf8String('03020001'))],
    ['another type', dnOf(sender), dnOf({ type: 'OU', value: 'sender' })],
    ['another order', dnOf(sender, clients), dnOf(clients, sender)],
    ['one RDN for two', dnOf([sender, clients]), dnOf(clients, sender)],
    ['an attribute more', dnOf(sender), dnOf(sender, clients)],
    ['nothing', dnOf(sender), dnOf()],
    ['a comma in a value', dnOf(sender, clients), dnOf({ type: 'CN', value: 'sender,OU=Clients' })],
    ['a plus in a value', dnOf([sender, clients]), dnOf({ type: 'CN', value: 'sender+OU=Clients' })],
  ] as const)
    test(`but not with ${title}`, () => {
      assert.ok(!nameEquals(a, b))
      assert.ok(!nameEquals(b, a))
    })

  test('and one is within another when it begins with all of its RDNs', () => {
    assert.ok(nameIsWithin(dnOf(germany, clients, sender), dnOf(germany, { type: 'OU', value: 'CLIENTS' })))
    assert.ok(nameIsWithin(dnOf(germany), dnOf(germany)))
    assert.ok(nameIsWithin(dnOf(germany), dnOf()))
    assert.ok(!nameIsWithin(dnOf(germany), dnOf(germany, clients)))
    assert.ok(!nameIsWithin(dnOf(clients, germany), dnOf(germany)))
    assert.ok(!nameIsWithin(dnOf([germany, clients]), dnOf(germany)))
  })
})

describe('a name that a person wrote', () => {
  const example = dnOf(germany, { type: 'O', value: 'Example, Inc.' }, clients, sender)

  for (const text of [
    'CN=sender,OU=Clients,O=Example\\, Inc.,C=DE',
    'CN=sender, OU=Clients, O=Example\\, Inc., C=DE',
    ' cn = Sender ;ou= CLIENTS;o="Example, Inc.";c=de ',
    '2.5.4.3=sender,OID.2.5.4.11=Clients,O=Example\\2c Inc.,C=DE',
    'CN=#0c0673656e646572,OU=Clients,O=Example\\2C\\20Inc.,C=DE',
  ])
    test(`matches a certificate’s: ${text}`, () => assert.ok(dnMatches(parseDn(text), example)))

  for (const [title, text] of [
    ['the first RDN first', 'C=DE,O=Example\\, Inc.,OU=Clients,CN=sender'],
    ['an RDN less', 'CN=sender,OU=Clients,O=Example\\, Inc.'],
    ['an RDN more', 'CN=sender,OU=Clients,O=Example\\, Inc.,L=x,C=DE'],
    ['two RDNs in one', 'CN=sender+OU=Clients,O=Example\\, Inc.,C=DE'],
    ['another value', 'CN=sender2,OU=Clients,O=Example\\, Inc.,C=DE'],
    ['a wildcard', 'CN=*,OU=Clients,O=Example\\, Inc.,C=DE'],
  ] as const)
    test(`does not match with ${title}`, () => assert.ok(!dnMatches(parseDn(text), example)))

  test('matches several attributes in one RDN in any order', () => {
    for (const text of ['CN=sender+OU=Clients,C=DE', 'OU=clients + CN=sender, C=DE'])
      assert.ok(dnMatches(parseDn(text), dnOf(germany, [sender, clients])))
  })

  test('may use the type names of other products', () => {
    const name = dnOf({ type: 'ST', value: 'x' }, { type: 'emailAddress', value: 'a@b' })
    for (const text of ['E=a@b,S=x', 'EMAILADDRESS=a@b,ST=x', 'Email=a@b,SP=x'])
      assert.ok(dnMatches(parseDn(text), name))
  })

  test('never matches a certificate’s name with characters that cannot be seen', () => {
    for (const hidden of ['\0', '\u00ad', '\u200b', '\u202e', '\ufe00', '\u034f', '\u1806', '\ufffc']) {
      const name = dnOf({ type: 'CN', value: `sen${hidden}der` })
      assert.ok(!dnMatches(parseDn('CN=sender'), name))
      assert.ok(!dnMatches(parseDn(formatName(name)), name))
    }
  })

  test('is what formatName shows, whatever the text', () => {
    const unseen = /\p{Cc}|\p{Cf}|\p{Variation_Selector}|[\u034f\u1806\ufffc]/u
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter(value => [...value].length <= 64 && !unseen.test(value))
    const attribute = fc.record(
      { type: fc.constantFrom('CN', 'O', 'OU', 'UID', '1.3.6.1.4.1.99999'), value: text },
      { noNullPrototype: true },
    )
    const rdn = fc.uniqueArray(attribute, { minLength: 1, maxLength: 2, selector: one => one.type })
    fc.assert(
      fc.property(fc.array(rdn, { minLength: 1, maxLength: 4 }), rdns => {
        const name = dnOf(...rdns)
        assert.ok(dnMatches(parseDn(formatName(name)), name), formatName(name))
      }),
    )
  })

  for (const [title, text] of [
    ['nothing', ''],
    ['white space', '  '],
    ['no value', 'CN'],
    ['nothing after a comma', 'CN=a,'],
    ['nothing between commas', 'CN=a,,C=DE'],
    ['a comma first', ',CN=a'],
    ['a quote that does not end', 'CN="a'],
    ['a quote in the middle', 'CN=a"b"'],
    ['something after a quote', 'CN="a"b'],
    ['an angle bracket', 'CN=a<b'],
    ['a backslash at the end', 'CN=a\\'],
    ['a backslash before a letter', 'CN=a\\zb'],
    ['octets that are not UTF-8', 'CN=\\ff'],
    ['an encoding that is none', 'CN=#zz'],
    ['an encoding that is cut off', 'CN=#0c05'],
    ['something after an encoding', 'CN=#0c0178x'],
    ['a type that nobody knows', 'XX=a'],
    ['a type with no name', '=a'],
    ['an object identifier that is none', '9.9=a'],
    ['the form of older tools', '/C=DE/CN=a'],
    ['a book', `CN=${'a'.repeat(5000)}`],
  ] as const)
    test(`is refused: ${title}`, () => assert.throws(() => parseDn(text), DerError))

  test('is read or refused with a DerError, in time that grows with its length', () => {
    const piece = fc.constantFrom(
      'CN',
      '=',
      ',',
      '+',
      ';',
      '"',
      '\\',
      '#',
      ' ',
      'a',
      '0c',
      '<',
      '\0',
      '2.5.4.3',
      'ü',
    )
    const start = performance.now()
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
        try {
          parseDn(pieces.join(''))
        } catch (error) {
          assert.ok(error instanceof DerError)
        }
      }),
      { numRuns: 2000 },
    )
    for (const long of [
      `CN=${' '.repeat(4000)}"`,
      `CN=${'\\,'.repeat(2000)}"`,
      `CN=${'#'.repeat(4000)}"`,
      'CN=a,'.repeat(800),
    ])
      assert.throws(() => parseDn(long), DerError)
    assert.ok(performance.now() - start < 5000)
  })
})

test('a name that a person wrote can be built: it is shown as it was written, and never with #hex', () => {
  for (const text of [
    'CN=erp,OU=a+L=b,O=Example\\, Inc.,C=DE',
    'UID=1\\+1,CN=\\ x\\ ',
    'emailAddress=a@b.example',
  ])
    assert.equal(formatName(parseName(buildName(readDn(text)))), text)
  assert.equal(
    formatName(parseName(buildName(readDn('e=a@b.example; cn = "a,b"')))),
    'emailAddress=a@b.example,CN=a\\,b',
  )
  for (const text of ['CN=#0101ff', 'CN=', 'C=Germany', 'no name'])
    assert.throws(() => buildName(readDn(text)), DerError)
})
