import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bitString, DerError, encodeTlv, oid, sequence, setOf, TAG, utf8String } from './der.ts'
import { buildName, formatName, type NameInput, parseName } from './names.ts'

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
