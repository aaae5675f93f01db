// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of transformations are written so
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  failure,
  mapped,
  mapUser,
  surroundings,
  transformation,
} from '../../../../test/support/transformations.ts'
import { isProblem } from '../../problem.ts'
import { functions } from './functions/index.ts'
import { applyTransformation, type JsonObject, parseTransformation } from './index.ts'

const user: JsonObject = {
  id: 'u1',
  userName: 'jsmith',
  nothing: null,
  name: { familyName: 'Smith', givenName: 'John' },
  emails: [
    { value: 'j@example.com', primary: true },
    { value: 'john@home.example', type: 'home' },
  ],
  groups: [{ value: 'g1', display: 'ABC' }],
  tags: ['one'],
  none: [],
  country: 'US',
  city: 'Dallas',
}

const from = (sourcePath: string, targetPath: string, more: object = {}) => ({
  sourcePath,
  targetPath,
  ...more,
})
const put = (constant: unknown, targetPath: string, more: object = {}) => ({ constant, targetPath, ...more })
const removing = (targetPath: string) => ({ type: 'remove', targetPath })

describe('mappings make', () => {
  const timezones = {
    ...{ type: 'valueMapping', sourcePaths: ['$.country', '$.city'], targetPath: '$.zone' },
    valueMappings: [
      { key: ['US', 'New York'], mappedValue: 'EST' },
      { key: ['US', 'Dallas'], mappedValue: 'CST' },
    ],
  }
  const cases: [title: string, mappings: object[], made: unknown][] = [
    ['nothing of nothing', [], {}],
    ['a copy', [from('$', '$')], user],
    ['a copy without some members', [from('$.name', '$'), removing('$.givenName')], { familyName: 'Smith' }],
    ['objects on the way', [from('$.userName', '$.a.b.c')], { a: { b: { c: 'jsmith' } } }],
    [
      'lists on the way',
      [put('work', '$.emails[0].type'), put(1, '$.emails[1].n')],
      { emails: [{ type: 'work' }, { n: 1 }] },
    ],
    ['lists without gaps', [put('b', '$.l[2]'), put('a', '$.l[0]')], { l: ['a', 'b'] }],
    ['names with dots and colons', [put(1, "$['urn:a:2.0:User']['x']")], { 'urn:a:2.0:User': { x: 1 } }],
    ['what comes last, where two write the same', [put(1, '$.a'), put(2, '$.a')], { a: 2 }],
    [
      'what is added to a copy',
      [from('$.name', '$.name'), put('X', '$.name.middleName')],
      { name: { familyName: 'Smith', givenName: 'John', middleName: 'X' } },
    ],
    [
      'a list of objects out of texts',
      [from('$.emails[*].value', '$.mails[?(@.value)]')],
      { mails: [{ value: 'j@example.com' }, { value: 'john@home.example' }] },
    ],
    [
      'a list of objects out of one text',
      [from('$.userName', '$.mails[?(@.value)]')],
      { mails: [{ value: 'jsmith' }] },
    ],
    [
      'a change of each item',
      [from('$.emails', '$.emails'), put('x', '$.emails[*].type')],
      {
        emails: [
          { value: 'j@example.com', primary: true, type: 'x' },
          { value: 'john@home.example', type: 'x' },
        ],
      },
    ],
    [
      'a change of some items',
      [from('$.emails', '$.emails'), put('x', "$.emails[?(@.type == 'home')].type")],
      {
        emails: [
          { value: 'j@example.com', primary: true },
          { value: 'john@home.example', type: 'x' },
        ],
      },
    ],
    ['no change of items that are not there', [put('x', '$.emails[*].type')], {}],
    ['one value out of a list with one', [from('$.tags', '$.tag')], { tag: 'one' }],
    [
      'a list with one, if it is to be kept',
      [from('$.tags', '$.tags', { preserveArrayWithSingleElement: true })],
      { tags: ['one'] },
    ],
    [
      'one value out of a filter that finds one',
      [from('$.emails[?(@.primary == true)].value', '$.mail')],
      { mail: 'j@example.com' },
    ],
    ['an empty list out of one', [from('$.none', '$.a')], { a: [] }],
    [
      'nothing, if that is optional',
      [
        from('$.missing', '$.a', { optional: true }),
        from('$.nothing', '$.b', { optional: true }),
        from('$.missing[*]', '$.c', { optional: true }),
      ],
      {},
    ],
    [
      'what stands in for nothing',
      [
        from('$.missing', '$.a', { defaultValue: 'x' }),
        from('$.nothing', '$.b', { defaultValue: [] }),
        from('$.userName', '$.c', { defaultValue: 'x' }),
      ],
      { a: 'x', b: [], c: 'jsmith' },
    ],
    [
      'null, where it is written',
      [put(null, '$.a'), from('$.missing', '$.b', { defaultValue: null })],
      { a: null, b: null },
    ],
    [
      'constants of any kind',
      [put(false, '$.a'), put([], '$.b'), put({ x: [1] }, '$.c')],
      { a: false, b: [], c: { x: [1] } },
    ],
    [
      'constants with properties and variables',
      [from('$.id', '', {}), put(['%p%-${v}', { x: '%p%' }], '$.a')].map(one =>
        'sourcePath' in one ? { sourcePath: '$.id', targetVariable: 'v' } : one,
      ),
      { a: ['P-u1', { x: 'P' }] },
    ],
    [
      'a variable',
      [
        { sourcePath: '$.name', targetVariable: 'n' },
        { sourceVariable: 'n', targetPath: '$.a' },
      ],
      { a: { familyName: 'Smith', givenName: 'John' } },
    ],
    [
      'a part of a variable',
      [
        { sourcePath: '$.emails', targetVariable: 'e' },
        { sourceVariable: 'e', variablePath: '$[*].value', targetPath: '$.a' },
      ],
      { a: ['j@example.com', 'john@home.example'] },
    ],
    ['the date', [{ sourceVariable: 'currentDate', targetPath: '$.a' }], { a: '2018-02-28 09:20:49.123' }],
    [
      'no id, before the entity is in the target',
      [{ sourceVariable: 'entityIdTargetSystem', targetPath: '$.id' }],
      {},
    ],
    [
      'what a condition allows',
      [
        put(1, '$.a', { condition: "$.userName == 'jsmith'" }),
        put(1, '$.b', { condition: '$.missing EMPTY false' }),
      ],
      { a: 1 },
    ],
    ['nothing of what is ignored', [put(1, '$.a', { ignore: true })], {}],
    [
      'another name',
      [from('$.name', '$.name'), { type: 'rename', targetPath: '$.name.familyName', constant: 'last' }],
      { name: { givenName: 'John', last: 'Smith' } },
    ],
    [
      'other names in a list',
      [
        from('$.emails', '$.e'),
        { type: 'rename', targetPath: '$.e[*].value', constant: 'v', optional: true },
      ],
      {
        e: [
          { primary: true, v: 'j@example.com' },
          { type: 'home', v: 'john@home.example' },
        ],
      },
    ],
    [
      'no other name, if that is optional',
      [{ type: 'rename', targetPath: '$.a', constant: 'b', optional: true }],
      {},
    ],
    [
      'a list without some items',
      [from('$.emails', '$.e'), removing("$.e[?(@.type == 'home')]")],
      { e: [{ value: 'j@example.com', primary: true }] },
    ],
    [
      'a list without an item',
      [from('$.emails[*].value', '$.e'), removing('$.e[0]')],
      { e: ['john@home.example'] },
    ],
    ['nothing, where everything is removed', [from('$', '$'), removing('$')], {}],
    ['no fuss about what is not there', [removing('$.a.b[0]')], {}],
    ['a value that others are mapped to', [timezones], { zone: 'CST' }],
    [
      'a default where there is no such value',
      [{ ...timezones, sourcePaths: ['$.country', '$.missing'], defaultValue: 'UTC' }],
      { zone: 'UTC' },
    ],
    [
      'nothing where there is no such value',
      [{ ...timezones, sourcePaths: ['$.city', '$.country'], optional: true }],
      {},
    ],
  ]
  for (const [title, mappings, made] of cases)
    test(title, () => assert.deepEqual(mapped(mappings, user, { properties: { p: 'P' } }), made))

  test('a date in the format of the system', () => {
    const mapping = { sourceVariable: 'currentDate', targetPath: '$.a' }
    const properties = { 'ips.date.variable.format': 'dd.MM.yyyy' }
    assert.deepEqual(mapped([mapping], user, { properties }), { a: '28.02.2018' })
  })

  test('documents of their own: the entity and the constants stay as they are', () => {
    const before = structuredClone(user)
    const constant = { list: [{ a: 1 }] }
    const document = {
      user: {
        mappings: [
          from('$', '$'),
          put(constant, '$.c'),
          put(2, '$.c.list[0].a'),
          put('x', '$.name.familyName'),
          removing('$.emails[0]'),
        ],
      },
    }
    const parsed = transformation(document)
    const first = applyTransformation(parsed, 'user', user, surroundings)
    assert.deepEqual(applyTransformation(parsed, 'user', user, surroundings), first)
    assert.deepEqual(user, before)
    assert.deepEqual(constant, { list: [{ a: 1 }] })
  })
})

describe('an entity fails', () => {
  const cases: [title: string, mappings: object[], reason: RegExp][] = [
    [
      'without a mandatory value',
      [put(1, '$.x'), from('$.missing', '$.a')],
      /^user\.mappings\[1\]: \$\.missing has no value, and the mapping is not optional$/,
    ],
    ['where a filter finds nothing', [from('$.emails[?(@.x == 1)]', '$.a')], /has no value/],
    ['without a variable', [{ sourceVariable: 'v', targetPath: '$.a' }], /the variable v has no value/],
    ['without a property', [put('%p%', '$.a')], /the property p has no value/],
    [
      'where a text is in the way',
      [put('a', '$.a'), put('b', '$.a.b')],
      /^user\.mappings\[1\]: \$\.a\.b: a text is where b leads through$/,
    ],
    [
      'where an object is in the way',
      [put({}, '$.a'), put('b', '$.a[0]')],
      /an object is where \[0\] leads through/,
    ],
    ['where the whole is no object', [from('$.userName', '$')], /\$ needs an object, not a text/],
    [
      'where nothing is renamed',
      [{ type: 'rename', targetPath: '$.a', constant: 'b' }],
      /\$\.a is not there/,
    ],
    [
      'where no value is mapped',
      [{ type: 'valueMapping', sourcePaths: ['$.city'], valueMappings: [], targetPath: '$.a' }],
      /is mapped to has no value/,
    ],
    [
      'where a list cannot be inserted',
      [{ sourcePath: '$.emails', targetVariable: 'v' }, put('${v}', '$.a')],
      /the variable v holds a list/,
    ],
  ]
  for (const [title, mappings, reason] of cases)
    test(title, () => assert.match(failure(mappings, user), reason))
})

describe('a type', () => {
  const apply = (document: unknown, more: object = {}, kind: 'read' | 'write' = 'write') =>
    applyTransformation(transformation(document, kind), 'user', user, { ...surroundings, ...more })

  test('is skipped with the condition that is not fulfilled', () => {
    const condition = "($.emails EMPTY true) && $.userName == 'x'"
    assert.deepEqual(apply({ user: { condition, mappings: [] } }), {
      kind: 'skipped',
      reason: `The condition: (${condition}), is not fulfilled.`,
    })
    assert.equal(apply({ user: { condition: '$.emails EMPTY false', mappings: [] } }).kind, 'mapped')
  })

  test('is skipped where it is ignored or missing', () => {
    for (const document of [{ user: { ignore: true, mappings: [] } }, { group: { mappings: [] } }]) {
      assert.equal(apply(document).kind, 'skipped')
      assert.equal(transformation(document).handles('user'), false)
    }
    assert.equal(transformation({ user: { mappings: [] } }).handles('user'), true)
  })

  test('that is read needs an id, which is a text', () => {
    const read = (mapping: object) => apply({ user: { mappings: [mapping] } }, {}, 'read')
    const failed = { kind: 'failed', reason: 'the variable entityIdSourceSystem is not set' }
    assert.deepEqual(read(from('$', '$')), failed)
    assert.deepEqual(read({ constant: '', targetVariable: 'entityIdSourceSystem' }), failed)
    assert.deepEqual(read({ constant: {}, targetVariable: 'entityIdSourceSystem' }), failed)
    const outcome = read({ constant: 17, targetVariable: 'entityIdSourceSystem' })
    assert.ok(outcome.kind === 'mapped')
    assert.deepEqual(outcome.variables, { entityIdSourceSystem: '17' })
  })

  test('tells variables, what correlates, and which operations to skip', () => {
    const mappings = [
      { constant: [{ id: '%g%' }], targetVariable: 'assignGroup' },
      { ...from('$.userName', '$.u'), correlationAttribute: true },
      { sourcePath: '$.emails[?(@.primary== true)].value', optional: true, correlationAttribute: true },
      { sourcePath: '$.missing', optional: true, correlationAttribute: true },
      { sourceVariable: 'currentDate', targetPath: '$.d' },
    ]
    const more = { properties: { g: 'G1' }, variables: { entityIdTargetSystem: 't1' } }
    const outcome = apply({ user: { skipOperations: ['create', 'delete'], mappings } }, more)
    assert.ok(outcome.kind === 'mapped')
    assert.deepEqual(outcome.variables, { entityIdTargetSystem: 't1', assignGroup: [{ id: 'G1' }] })
    assert.deepEqual(outcome.correlation, {
      '$.u': 'jsmith',
      '$.emails[?(@.primary== true)].value': 'j@example.com',
    })
    assert.deepEqual([...outcome.skipOperations], ['create', 'delete'])
  })

  test('has mappings for some operations only', () => {
    const document = {
      user: {
        condition: '$.missing EMPTY false || $.id EMPTY false',
        mappings: [
          put(1, '$.always'),
          put(1, '$.created', { scope: 'createEntity' }),
          put(1, '$.updated', { scope: 'patchEntity' }),
          put(false, '$.active', { scope: 'deleteEntity' }),
        ],
      },
    }
    const made = (operation?: string) => {
      const outcome = apply(document, operation === undefined ? {} : { operation })
      return outcome.kind === 'mapped' ? outcome.document : outcome
    }
    assert.deepEqual(made(), { always: 1 })
    assert.deepEqual(made('create'), { always: 1, created: 1 })
    assert.deepEqual(made('update'), { always: 1, updated: 1 })
    assert.deepEqual(made('delete'), { active: false })
    assert.equal(transformation(document).keepsDeleted('user'), true)
    assert.equal(transformation({ user: { mappings: [] } }).keepsDeleted('user'), false)
  })

  test('that vanished from the source is changed whatever its condition says', () => {
    const mappings = [put(false, '$.active', { scope: 'deleteEntity' })]
    const document = { user: { condition: '$.missing EMPTY false', mappings } }
    assert.equal(apply(document).kind, 'skipped')
    assert.equal(apply(document, { operation: 'delete' }).kind, 'mapped')
  })
})

describe('hostile', () => {
  const copying = [from('$', '$')]

  test('names in an entity reach no prototype', () => {
    const evil = JSON.parse(
      '{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}},"a":{"__proto__":{"x":2},"b":1}}',
    )
    const document = mapped(copying, evil)
    assert.deepEqual(document, { a: { b: 1 } })
    assert.equal(Object.getPrototypeOf(document), Object.prototype)
    const outcome = mapUser([{ sourcePath: '$.a', targetVariable: 'v' }], evil)
    assert.ok(outcome.kind === 'mapped')
    assert.deepEqual(Object.keys(outcome.variables.v as object), ['b'])
    assert.equal(({} as { x?: number }).x, undefined)
  })

  test('names in properties reach no prototype', () => {
    const properties = { name: '__proto__' }
    for (const mapping of [put(1, '$.%name%.x'), put(1, "$['%name%']"), from('$.%name%', '$.a')])
      assert.match(failure([mapping], user, { properties }), /no member may be named __proto__/)
    const renaming = { type: 'rename', targetPath: '$.id', constant: '%name%' }
    assert.match(failure([from('$', '$'), renaming], user, { properties }), /no member may be named/)
    assert.match(failure([put('%toString%', '$.a')], user), /the property toString has no value/)
  })

  test('depth and size end the entity, not the process', () => {
    const deep = JSON.parse(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`)
    assert.match(failure(copying, deep), /^the entity is nested deeper than 64$/)
    const cyclic: { [name: string]: unknown } = {}
    cyclic.self = cyclic
    assert.match(failure(copying, cyclic as never), /nested deeper/)
    const wide = { a: new Array(1_000_001).fill(0) }
    assert.match(failure(copying, wide), /more than 1000000 values/)
  })

  test('mappings that multiply end', () => {
    const list = { l: Array.from({ length: 1000 }, () => ({ a: 'x' })) }
    const each = { type: 'set', sourcePath: '$.l', targetPath: '$.l[*].a' }
    assert.match(failure([from('$', '$'), each, ...new Array(50).fill(each)], list), /takes too long/)
    const growing = new Array(50).fill({
      function: 'replaceAllString',
      regex: 'x',
      replacement: 'x'.repeat(90),
    })
    assert.match(failure([{ ...put('x', '$.a'), functions: growing }], {}), /longer than|takes too long/)
  })

  test('objects that are put into themselves end', () => {
    const nesting = (at: number) => ({
      ...{ function: 'putIfAbsent', key: 'k', defaultValue: 1, assignToAttribute: `a${at}` },
    })
    const functions = Array.from({ length: 50 }, (_, at) => nesting(at))
    const mapping = { constant: {}, targetPath: '$.a', functions }
    assert.match(failure([mapping], {}), /takes too long/)
  })

  test('what is inserted is not told: it may be secret', () => {
    const properties = { p: '(secret' }
    const failing = [
      { function: 'matchRegex', regex: '%p%' },
      { function: 'manipulateDate', sourceDateFormat: '%p%' },
      { function: 'toUpperCaseString', locale: '%p%' },
    ]
    for (const given of failing)
      assert.doesNotMatch(
        failure([{ constant: 'x', targetPath: '$.a', functions: [given] }], {}, { properties }),
        /secret/,
      )
  })

  test('regular expressions end', () => {
    const text = 'x'.repeat(9000)
    const replacing = (regex: string) => ({ function: 'replaceAllString', regex, replacement: 'z' })
    for (const regex of ['x.*y|x', '(.*){500}y', '(x+x+)+y']) {
      const mapping = { constant: text, targetPath: '$.a', functions: new Array(20).fill(replacing(regex)) }
      const started = process.hrtime.bigint()
      mapUser([mapping], {})
      assert.ok(process.hrtime.bigint() - started < 8_000_000_000n, regex)
    }
  })

  test('those who are asked may fail', () => {
    const lookup = () => {
      throw new Error('the store is away')
    }
    const mapping = { ...from('$.id', '$.a'), functions: [{ function: 'resolveEntityIds' }] }
    assert.equal(failure([mapping], user, { lookup }), 'user.mappings[0]: the store is away')
  })
})

const some = fc.constantFrom<unknown[]>

/** Values for parameters of functions: right ones, for most. Others take any text. */
const parameterOf: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  algorithm: some('base32', 'base64'),
  skipPadding: fc.boolean(),
  regex: some('.*', '(a)|b', '[', 'x*'),
  replacement: some('', 'y', '$1', '$9', '\\'),
  groupIndex: fc.nat(2),
  outputFormat: some('alpha2', 'fullName', 'iana', 'sap', 'bcp47', 'iso639'),
  inputAttributes: some('country', ['country', 'region'], ['b']),
  outputAttribute: some('b', 'constructor'),
  index: fc.nat(2),
  beginIndex: fc.nat(2),
  endIndex: fc.integer({ min: 1, max: 5 }),
  sourceDateFormat: some('yyyy', 'Date(milliseconds)', '%p%'),
  targetDateFormat: some('yyyy', "d MMM ''", '%p%'),
  ...{ years: some('', 1), months: some('+1'), days: fc.nat(), hours: fc.nat(), minutes: fc.nat() },
  seconds: fc.nat(),
  passwordLength: some(16, 8),
  ...{ minimumNumberOfLowercaseLetters: fc.nat(4), minimumNumberOfUppercaseLetters: fc.nat(4) },
  ...{ minimumNumberOfDigits: fc.nat(4), minimumNumberOfSpecialSymbols: some(1) },
  entityType: some('user', 'group'),
}

/** Anything that could stand in a transformation, most of it right. */
function anyTransformation() {
  const path = some(
    ...['$', '$.a', '$.a.b', '$.a[0]', '$.a[*].b', '$.a[?(@.b)]', "$.a[?(@.b == 'x')].c", '$.%p%'],
    ...['$.l[3].x', '$.l', '$.l[*]', '$.l[*].b'],
  )
  const read = fc.oneof(path, some('$..b', '$.a[-1]', '$.l[0,1]', "$.l[*]['b','x']", '$.l.length()'))
  const text = fc.oneof(some('x', 'b', '%p%', '${v}', '1', '$.a'), fc.string({ minLength: 1, maxLength: 5 }))
  const condition = some('$.a EMPTY true', '$.a =~ /%p%.*/', '@.b', "$.a[*].b == 'x'", '$.a > 1')
  const anyFunction = fc
    .constantFrom(...functions)
    .chain(({ name, parameters }) =>
      fc
        .tuple(
          fc.record(Object.fromEntries(Object.keys(parameters).map(key => [key, parameterOf[key] ?? text]))),
          fc.record({ condition, applyOnAttribute: text, assignToAttribute: text }, { requiredKeys: [] }),
        )
        .map(([given, more]) => ({ function: name, ...given, ...more })),
    )
  const source = fc.oneof(
    fc.record({ sourcePath: read }),
    fc.record({ sourceVariable: some('v', 'currentDate') }),
    fc.record({ constant: fc.oneof(text, fc.jsonValue()) }),
  )
  const more = fc.record(
    {
      ...{ targetVariable: some('v'), defaultValue: fc.jsonValue(), condition },
      ...{ functions: fc.array(anyFunction, { maxLength: 2 }), preserveArrayWithSingleElement: fc.boolean() },
    },
    { requiredKeys: [] },
  )
  const setting = fc
    .tuple(source, path, more)
    .map(([from, targetPath, rest]) => ({ ...from, targetPath, optional: true, ...rest }))
  const changing = fc.oneof(
    fc.record({ type: fc.constant('remove'), targetPath: path }),
    fc.record({ type: fc.constant('rename'), targetPath: path, constant: text, optional: fc.constant(true) }),
  )
  const mapping = fc.oneof({ weight: 4, arbitrary: setting }, { weight: 1, arbitrary: changing })
  return fc.record({ user: fc.record({ mappings: fc.array(mapping, { minLength: 1, maxLength: 3 }) }) })
}

test('no transformation and no entity make it throw', () => {
  const anyEntity = fc.oneof(
    fc.record({ a: fc.jsonValue(), l: fc.array(fc.record({ b: fc.string(), x: fc.jsonValue() })) }),
    fc.dictionary(fc.string(), fc.jsonValue()),
  )
  const seen = { mapped: 0, failed: 0, skipped: 0 }
  fc.assert(
    fc.property(
      fc.oneof({ weight: 9, arbitrary: anyTransformation() }, fc.jsonValue()),
      anyEntity,
      (document, entity) => {
        const parsed = parseTransformation(document, 'write')
        if (isProblem(parsed)) return assert.match(parsed.description, /^[ !#-[\]-~]+$/)
        const outcome = applyTransformation(parsed, 'user', entity as JsonObject, {
          ...surroundings,
          properties: { p: 'a' },
          lookup: ({ id }) => id,
        })
        seen[outcome.kind]++
        if (outcome.kind === 'failed')
          assert.doesNotMatch(
            outcome.reason,
            /Cannot |is not a function|undefined|Maximum|Invalid |not iterable/,
          )
        if (outcome.kind === 'mapped') JSON.stringify(outcome.document)
      },
    ),
    { numRuns: 1500 },
  )
  assert.ok(seen.mapped > 100 && seen.failed > 10, JSON.stringify(seen))
})
