// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of transformations are written so
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applied, failure, mapped, now, refusal, unfit } from '../../../../../test/support/transformations.ts'
import type { Json } from '../json.ts'
import { functions } from './index.ts'

/** What each function makes of a value. */
const makes: [
  given: { function: string; [parameter: string]: unknown },
  value: Json,
  made: Json | undefined,
][] = [
  [{ function: 'concatString', prefix: 'ips_', suffix: 123 }, 'johnsmith', 'ips_johnsmith123'],
  [{ function: 'concatString', suffix: '%domain%' }, 'j', 'j@example.com'],
  [{ function: 'concatString', suffix: '!' }, ['a', 'b'], ['a!', 'b!']],
  [{ function: 'concatString', prefix: 'n' }, 7, 'n7'],
  [{ function: 'compositeId', subId: 'e0123456' }, 'johnsmith', 'johnsmith:e0123456'],
  [{ function: 'compositeId', separator: '-', subId: '$.value' }, 'x', 'x-x'],
  [{ function: 'substring', beginIndex: 3, endIndex: 5 }, 'abcdefg', 'de'],
  [{ function: 'substring', beginIndex: 3 }, 'abcdefg', 'defg'],
  [{ function: 'substring', beginIndex: 9 }, 'abc', ''],
  [{ function: 'splitStringToArray', separator: ',' }, 'Serbia,Germany', ['Serbia', 'Germany']],
  [{ function: 'splitStringToArray', separator: ',' }, 'Serbia', ['Serbia']],
  [{ function: 'toString' }, 12.5, '12.5'],
  [{ function: 'toString' }, true, 'true'],
  [{ function: 'toUpperCaseString' }, 'straße', 'STRASSE'],
  [{ function: 'toUpperCaseString', locale: 'tr_TR' }, 'i', 'İ'],
  [{ function: 'toLowerCaseString' }, 'ABC', 'abc'],
  [{ type: 'toLowerCaseString', locale: 'en_EN' } as never, 'ABC', 'abc'],
  [{ function: 'encode', algorithm: 'base32' }, 'JOHN*SMITH/Junior', 'JJHUQTRKKNGUSVCIF5FHK3TJN5ZA===='],
  [
    { function: 'encode', algorithm: 'base32', skipPadding: true },
    'JOHN*SMITH/Junior',
    'JJHUQTRKKNGUSVCIF5FHK3TJN5ZA',
  ],
  [{ function: 'encode', algorithm: 'base64' }, 'fo', 'Zm8='],
  [{ function: 'matchRegex', regex: '.*_COMP' }, 'SAP_01_COMP', true],
  [{ function: 'matchRegex', regex: 'SAP' }, 'SAP_01_COMP', false],
  [
    { function: 'getMatchedRegexGroup', regex: '(?i)cn=.*?,(.*?),OU=testUsers', groupIndex: 1 },
    'CN=test10,OU=subUsers,OU=testUsers',
    'OU=subUsers',
  ],
  [{ function: 'getMatchedRegexGroup', regex: 'a(b)?', groupIndex: 1 }, 'a', undefined],
  [{ function: 'getMatchedRegexGroup', regex: 'x', groupIndex: 0 }, 'a', undefined],
  [{ function: 'replaceString', target: 'SAP', replacement: 'test' }, 'SAP_SAP', 'test_test'],
  [{ function: 'replaceString', target: '.', replacement: '-' }, 'a.b', 'a-b'],
  [{ function: 'replaceFirstString', regex: '14\\d{1}', replacement: 123 }, '145-146', '123-146'],
  [{ function: 'replaceLastString', regex: '14\\d{1}', replacement: 123 }, '145-146', '145-123'],
  [{ function: 'replaceAllString', regex: '14\\d{1}', replacement: 123 }, '145-146', '123-123'],
  [{ function: 'replaceAllString', regex: '(a)(b)', replacement: '$2$1\\$' }, 'abab', 'ba$ba$'],
  [{ function: 'replaceAllString', regex: '[\\s\\p{Punct}]', replacement: '_' }, 'a b.c\\d', 'a_b_c_d'],
  [{ function: 'replaceAllString', regex: '\\P{Alpha}', replacement: '' }, 'a b.c1', 'abc'],
  [{ function: 'replaceAllString', regex: '[]x]\\p{Digit}\\[', replacement: '' }, 'a]1[x', 'ax'],
  [{ function: 'elementAt', index: 1 }, ['a', 'b'], 'b'],
  [{ function: 'elementAt', index: 2 }, ['a', 'b'], undefined],
  [{ function: 'elementAt', index: 0 }, 'a', 'a'],
  [{ function: 'elementAt', index: 0, applyOnElements: true }, [['a'], ['b', 'c']], ['a', 'b']],
  [
    { function: 'copyMapEntry', sourceKey: 'a', targetKey: 'b' },
    [{ a: 1 }, { c: 2 }],
    [{ a: 1, b: 1 }, { c: 2 }],
  ],
  [
    { function: 'renameMapEntry', sourceKey: 'a', targetKey: 'b' },
    [{ a: 1 }, { c: 2 }],
    [{ b: 1 }, { c: 2 }],
  ],
  [{ function: 'renameMapEntry', sourceKey: 'a', targetKey: 'a' }, { a: 1 }, { a: 1 }],
  [
    { function: 'putIfAbsent', key: 'type', defaultValue: 'work' },
    [{ v: 1 }, { type: 'home' }, { type: '' }],
    [{ v: 1, type: 'work' }, { type: 'home' }, { type: 'work' }],
  ],
  [
    { function: 'putIfPresent', key: 'type', defaultValue: 'work', condition: "@.type NIN ['work', 'home']" },
    [{ type: 'fax' }, { type: 'home' }, { v: 1 }],
    [{ type: 'work' }, { type: 'home' }, { v: 1 }],
  ],
  [country('alpha2'), 'United States', 'US'],
  [country('alpha3'), 'us', 'USA'],
  [country('numeric'), 'USA', '840'],
  [country('fullName'), 840, 'United States'],
  [country('alpha2'), 'Atlantis', 'Atlantis'],
  [country('alpha2'), [{ country: 'Germany', x: 1 }], [{ country: 'DE', x: 1 }]],
  [region('fullName'), { country: 'US', region: 'AL' }, { country: 'US', region: 'Alabama' }],
  [region('fullName'), { region: 'US-AL' }, { region: 'Alabama' }],
  [
    region('alpha2'),
    { country: 'United States', region: 'Alabama' },
    { country: 'United States', region: 'US-AL' },
  ],
  [region('alpha2'), { country: 'US', region: 'Nowhere' }, { country: 'US', region: 'Nowhere' }],
  [{ function: 'convertLocaleCode', outputFormat: 'bcp47' }, 'DE', 'de-DE'],
  [{ function: 'convertLocaleCode', outputFormat: 'bcp47' }, 'fr_CA', 'fr-CA'],
  [{ function: 'convertLocaleCode', outputFormat: 'iso639' }, 'de-DE', 'DE'],
  [{ function: 'convertLocaleCode', outputFormat: 'iso639' }, 'EO', 'EN'],
  [{ function: 'convertLocaleCode', outputFormat: 'bcp47' }, '../../etc', 'en-US'],
  [{ function: 'convertTimezoneCode', outputFormat: 'sap' }, 'America/Phoenix', 'MSTNO'],
  [{ function: 'convertTimezoneCode', outputFormat: 'iana' }, 'AST', 'America/Halifax'],
  [{ function: 'convertTimezoneCode', outputFormat: 'iana' }, 'Mars/Olympus', 'Europe/Berlin'],
  [{ function: 'convertTimezoneCode', outputFormat: 'sap' }, 'Mars/Olympus', 'CET'],
  [date('yyyy-MM-dd HH:mm:ss.SSS', 'MM/dd/yyyy'), '2018-02-28 11:00:00.000', '02/28/2018'],
  [{ ...date('yyyy-MM-dd', 'yyyy-MM-dd'), months: '+1' }, '2024-01-31', '2024-02-29'],
  [{ ...date('yyyy-MM-dd', 'yyyy-MM-dd'), years: 1, days: '-1' }, '2024-02-29', '2025-02-27'],
  [
    { ...date('yyyy-MM-dd HH:mm', 'd MMM uuuu, h:mm a'), hours: 14 },
    '2024-12-31 11:05',
    '1 Jan 2025, 1:05 AM',
  ],
  [date("yyyy-MM-dd'T'HH:mm:ss'Z'", 'EEEE'), '2018-02-28T11:00:00Z', 'Wednesday'],
  [date("yyyy-MM-dd'T'HH:mm:ssXXX", 'HH:mm x'), '2018-02-28T11:00:00-02:40', '11:00 -0240'],
  [date('Date(milliseconds)', 'yyyy-MM-dd HH:mm:ss.SSS'), '/Date(1519809649123)/', '2018-02-28 09:20:49.123'],
  [date('Date(milliseconds)', 'yyyy-MM-dd xxx'), 'Date(1519809649123-0240)', '2018-02-28 -02:40'],
  [date('Date(milliseconds)', 'yyyy'), now, '2018'],
  [{ function: 'resolveEntityIds' }, 'u1', 'user:u1'],
  [{ function: 'resolveEntityIds', entityType: 'group' }, 'g1', 'group:g1'],
  [{ function: 'resolveEntityIds' }, ['u1', 'unknown', 'u2'], ['user:u1', 'user:u2']],
  [
    { function: 'resolveEntityIds' },
    [{ value: 'u1', type: 'User' }, { value: 'unknown' }],
    [{ value: 'user:u1', type: 'User' }],
  ],
  [{ function: 'resolveEntityIds' }, ['unknown'], []],
  [{ function: 'resolveEntityIds' }, 'unknown', undefined],
  [{ function: 'resolveEntityIds', sourceSystemName: 'S1', targetSystemName: 'T1' }, 'u1', 'user:u1@S1>T1'],
]

function country(outputFormat: string) {
  return {
    function: 'convertCountryCode',
    outputFormat,
    inputAttributes: ['country'],
    outputAttribute: 'country',
  }
}

function region(outputFormat: string) {
  return {
    ...{ function: 'convertCountryRegion', outputFormat },
    ...{ inputAttributes: ['region', 'country'], outputAttribute: 'region' },
  }
}

function date(sourceDateFormat: string, targetDateFormat: string) {
  return { function: 'manipulateDate', sourceDateFormat, targetDateFormat }
}

const around = {
  properties: { domain: '@example.com' },
  lookup: ({ entityType, id, sourceSystemName, targetSystemName }: Record<string, string>) =>
    id === 'unknown'
      ? undefined
      : `${entityType}:${id}${sourceSystemName ? `@${sourceSystemName}>${targetSystemName}` : ''}`,
} as never

describe('a function makes of a value', () => {
  for (const [given, value, made] of makes)
    test(`${JSON.stringify(given)} of ${JSON.stringify(value)}`, () =>
      assert.deepEqual(applied(given, value, around), made))

  test('each function is tried', () => {
    const tried = new Set([
      ...makes.map(([given]) => given.function ?? given.type),
      'decode',
      'randomPassword',
    ])
    assert.deepEqual(
      functions.map(({ name }) => name).filter(name => !tried.has(name)),
      [],
    )
  })
})

describe('functions follow each other', () => {
  const chained = (...chain: object[]) => ({ sourcePath: '$.id', targetPath: '$.made', functions: chain })
  const decoding = { function: 'decode', algorithm: 'base32', skipPadding: true }

  test('what was encoded is decoded to bytes, and to a text by toString', () => {
    const user = { id: 'JJHUQTRKKNGUSVCIF5FHK3TJN5ZA' }
    assert.equal(mapped([chained(decoding, { function: 'toString' })], user).made, 'JOHN*SMITH/Junior')
    assert.match(failure([chained(decoding)], user), /there are bytes, write the function toString/)
    const through = chained(
      { function: 'decode', algorithm: 'base32' },
      { function: 'encode', algorithm: 'base64' },
    )
    assert.equal(mapped([through], user).made, 'Sk9ITipTTUlUSC9KdW5pb3I=')
  })

  test('on each member of a list', () => {
    const mapping = {
      ...{ sourcePath: '$.members[*].value', targetPath: '$.USERLIST[?(@.USERNAME)]' },
      ...{ preserveArrayWithSingleElement: true, optional: true },
      functions: [decoding, { function: 'toString', applyOnElements: true }],
    }
    assert.deepEqual(mapped([mapping], { members: [{ value: 'ME' }, { value: 'MI' }] }), {
      USERLIST: [{ USERNAME: 'a' }, { USERNAME: 'b' }],
    })
  })

  test('a condition looks at the value as @ and at the entity as $', () => {
    const prefix = (condition: string) => ({ function: 'concatString', prefix: '-', condition })
    assert.deepEqual(applied(prefix("@ == 'a'"), ['a', 'b']), ['-a', 'b'])
    assert.deepEqual(applied(prefix("'%x%' == 'null' && $.value EMPTY false"), 'a'), '-a')
    assert.deepEqual(applied(prefix('$.other EMPTY false'), 'a'), 'a')
  })
})

describe('a function works on one member of an object', () => {
  const privileges = [{ P: 'SAP_01' }, { P: 'SAP_02', x: 1 }, { x: 2 }]
  const replacing = { function: 'replaceString', target: 'SAP', replacement: 'test' }
  const cases: [string, object, Json][] = [
    [
      'and puts the result there',
      { applyOnAttribute: 'P' },
      [{ P: 'test_01' }, { P: 'test_02', x: 1 }, { x: 2 }],
    ],
    ['by its old name', { applyOnJsonAttribute: 'P' }, [{ P: 'test_01' }, { P: 'test_02', x: 1 }, { x: 2 }]],
    [
      'and puts the result elsewhere',
      { applyOnAttribute: 'P', assignToAttribute: 'A', applyOnElements: true },
      [{ P: 'SAP_01', A: 'test_01' }, { P: 'SAP_02', x: 1, A: 'test_02' }, { x: 2 }],
    ],
  ]
  for (const [title, more, made] of cases)
    test(title, () => assert.deepEqual(applied({ ...replacing, ...more }, privileges), made))

  test('and takes the member away where there is no result', () => {
    const given = { function: 'resolveEntityIds', applyOnAttribute: 'value' }
    assert.deepEqual(applied(given, { value: 'unknown', x: 1 }, around), { x: 1 })
  })

  test('also where the member is a list', () =>
    assert.deepEqual(applied({ ...replacing, applyOnAttribute: 'P' }, { P: ['SAP', 'b'] }), {
      P: ['test', 'b'],
    }))
})

describe('a random password', () => {
  const wanted = {
    ...{ function: 'randomPassword', passwordLength: 16, minimumNumberOfLowercaseLetters: 4 },
    ...{ minimumNumberOfUppercaseLetters: 3, minimumNumberOfDigits: 2, minimumNumberOfSpecialSymbols: 1 },
  }
  let seed = 7
  const random = (bytes: number) =>
    Uint8Array.from({ length: bytes }, () => {
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed >> 16
    })

  test('has the characters that are asked for, and needs no source', () => {
    for (let run = 0; run < 100; run++) {
      const mapping = { targetPath: '$.password', functions: [{ ...wanted, specialSymbols: '%&' }] }
      const password = String(mapped([mapping], {}, { random }).password)
      const count = (kind: RegExp) => password.match(kind)?.length ?? 0
      assert.equal(password.length, 16)
      assert.ok(
        count(/[a-z]/g) >= 4 && count(/[A-Z]/g) >= 3 && count(/\d/g) >= 2 && count(/[%&]/g) >= 1,
        password,
      )
      assert.match(password, /^[A-Za-z0-9%&]+$/)
    }
  })

  test('is not made without randomness', () =>
    assert.match(
      failure(
        [{ targetPath: '$.password', functions: [wanted] }],
        {},
        { random: n => new Uint8Array(n).fill(255) },
      ),
      /random bytes/,
    ))

  const wrong: [object, RegExp][] = [
    [{ passwordLength: 9 }, /more characters are wanted than passwordLength/],
    [{ passwordLength: 1000 }, /passwordLength: write a whole number from 1 to 256/],
    [
      { minimumNumberOfSpecialSymbols: 0, specialSymbols: '!' },
      /specialSymbols are given and none is wanted/,
    ],
    [{ minimumNumberOfDigits: undefined }, /minimumNumberOfDigits: is missing/],
  ]
  for (const [more, expected] of wrong)
    test(`is refused: ${expected.source}`, () => {
      const mapping = { targetPath: '$.p', functions: [{ ...wanted, ...more }] }
      assert.match(refusal({ user: { mappings: [mapping] } }), expected)
    })
})

describe('a function does not fit', () => {
  const cases: [object, Json, RegExp][] = [
    [{ function: 'concatString' }, { a: 1 }, /^user\.mappings\[0\]: a text is needed, not an object$/],
    [{ function: 'concatString', prefix: '%none%' }, 'a', /the property none has no value/],
    [{ function: 'concatString', prefix: '${none}' }, 'a', /the variable none has no value/],
    [{ function: 'concatString', applyOnAttribute: 'a' }, 'a', /an object is needed, not a text/],
    [{ function: 'compositeId', subId: '$.none' }, 'a', /there is no text at \$\.none/],
    [{ function: 'decode', algorithm: 'base32' }, 'abc!', /the text is not in base32/],
    [{ function: 'decode', algorithm: 'base64' }, '***', /the text is not in base64/],
    [{ function: 'getMatchedRegexGroup', regex: 'a', groupIndex: 3 }, 'a', /has no group 3/],
    [{ function: 'replaceAllString', regex: 'a', replacement: '$4' }, 'a', /no such group/],
    [{ function: 'replaceString', target: '', replacement: 'b' }, 'a', /the target is empty/],
    [
      { function: 'replaceString', target: 'a', replacement: 'b'.repeat(2000) },
      'a'.repeat(2000),
      /longer than 1000000/,
    ],
    [{ function: 'matchRegex', regex: 'a' }, 'a'.repeat(20_000), /longer than the 10000/],
    [{ function: 'copyMapEntry', sourceKey: 'a', targetKey: 'b' }, 'a', /an object is needed/],
    [{ function: 'copyMapEntry', sourceKey: 'a', targetKey: '%evil%' }, { a: 1 }, /may be named __proto__/],
    [{ function: 'toUpperCaseString', locale: '%evil%' }, 'a', /the locale is none/],
    [date('yyyy-MM-dd', 'yyyy'), '2024-02-30', /there is no such date/],
    [date('yyyy-MM-dd', 'yyyy'), '28.2.2018', /the date is not of the form/],
    [date('%evil%', 'yyyy'), '2018', /letter _|letter p|stands for nothing/],
    [{ ...date('yyyy', 'yyyy'), years: 9000 }, '2018', /leaves the years/],
    [date('Date(milliseconds)', 'yyyy'), 'today', /no number of milliseconds/],
  ]
  for (const [given, value, expected] of cases)
    test(`${JSON.stringify(given).slice(0, 90)} of ${JSON.stringify(value).slice(0, 20)}`, () =>
      assert.match(unfit(given, value, { properties: { evil: '__proto__' } }), expected))

  test('ids cannot be resolved where nothing was given to resolve them', () =>
    assert.match(unfit({ function: 'resolveEntityIds' }, 'u1'), /ids can be resolved only/))
})

describe('a function is refused where it is written', () => {
  const cases: [unknown, RegExp][] = [
    ['toString', /write an object with the name and the parameters of a function, not a text/],
    [{}, /write the name of a function as function/],
    [{ function: 'toSting' }, /there is no function toSting/],
    [{ function: 'toString', prefx: 'a' }, /there is no member prefx/],
    [{ function: 'constructor' }, /there is no function constructor/],
    [{ function: 'concatString', prefix: {} }, /prefix: write a text, not an object/],
    [{ function: 'concatString', applyOnElements: 'yes' }, /applyOnElements: write true or false/],
    [{ function: 'concatString', applyOnAttribute: '__proto__' }, /no member may be named __proto__/],
    [{ function: 'concatString', assignToAttribute: 'constructor' }, /no member may be named constructor/],
    [{ function: 'concatString', condition: '@.a ==' }, /condition: @\.a ==: a path/],
    [{ function: 'substring', beginIndex: '-1' }, /beginIndex: write a whole number from 0/],
    [{ function: 'substring', beginIndex: 3, endIndex: 1 }, /endIndex is less than beginIndex/],
    [{ function: 'encode', algorithm: 'rot13' }, /algorithm: write one of base32, base64/],
    [{ function: 'matchRegex', regex: '(' }, /regex: this is no regular expression/],
    [{ function: 'matchRegex', regex: '(a)\\1' }, /linear time/],
    [{ function: 'matchRegex', regex: 'a'.repeat(3000) }, /at most 2000 characters/],
    [{ function: 'matchRegex' }, /regex: is missing/],
    [{ function: 'elementAt', index: 1.5 }, /index: write a whole number/],
    [{ function: 'putIfAbsent', key: 'a' }, /defaultValue: is missing/],
    [{ ...country('alpha4') }, /outputFormat: write one of/],
    [date('yyyy-QQ', 'yyyy'), /sourceDateFormat has the letter Q/],
    [date("yyyy'", 'yyyy'), /quote without its partner/],
    [date('yyyy', 'dd dd'), /targetDateFormat has the letter d twice/],
    [{ function: 'resolveEntityIds', entityType: 'role' }, /entityType: write one of user, group/],
  ]
  for (const [given, expected] of cases)
    test(JSON.stringify(given).slice(0, 90), () => {
      const reason = refusal({
        user: {
          mappings: [
            { constant: 1, targetPath: '$.a' },
            { sourcePath: '$.a', targetPath: '$.a', functions: [given] },
          ],
        },
      })
      assert.match(reason, /^user\.mappings\[1\]\.functions\[0\](\.\w+)?: /)
      assert.match(reason, expected)
    })

  test('resolveEntityIds in a read transformation', () => {
    const mapping = { sourcePath: '$.a', targetPath: '$.a', functions: [{ function: 'resolveEntityIds' }] }
    assert.match(
      refusal({ user: { mappings: [mapping] } }, 'read'),
      /resolveEntityIds is for write transformations/,
    )
  })
})
