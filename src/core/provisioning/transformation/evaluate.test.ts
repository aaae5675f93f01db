// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of transformations are written so
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { mapUser, refusal } from '../../../../test/support/transformations.ts'
import { holds, read } from './evaluate.ts'
import type { Json } from './json.ts'
import { Malformed } from './malformed.ts'
import { parseCondition, parsePath } from './parse.ts'
import type { Scope } from './scope.ts'
import { Unmappable, Work } from './work.ts'

const user = {
  id: 'u1',
  userName: 'jsmith',
  age: 42,
  active: true,
  nothing: null,
  empty: '',
  none: [],
  name: { familyName: 'Smith', 'given-name': 'John', "it's": 1 },
  emails: [
    { value: 'j@example.com', type: 'work', primary: true },
    { value: 'john@home.example', type: 'home' },
    { value: 'old@example.com', type: 'other', primary: false },
  ],
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Tours' },
  refs: { $ref: 'r' },
  tags: ['a', 'b', 'c', 'd'],
  memberOf: ['group1', 'group2'],
}

function scope(root: Json, more: Partial<Scope> = {}): Scope {
  return {
    ...{ root, item: root, properties: {}, variables: new Map(), work: new Work(), lookup: undefined },
    random: bytes => new Uint8Array(bytes),
    ...more,
  }
}

const at = (path: string, document: Json = user) => read(parsePath(path), scope(document))
const fulfilled = (condition: string, document: Json = user, more: Partial<Scope> = {}) =>
  holds(parseCondition(condition).condition, scope(document, more))

describe('a path', () => {
  const leads: [string, unknown][] = [
    ['$', user],
    ['$.userName', 'jsmith'],
    ["$['userName']", 'jsmith'],
    ['$["userName"]', 'jsmith'],
    ['$.name.familyName', 'Smith'],
    ['$.name.given-name', 'John'],
    ["$.name['it\\'s']", 1],
    ["$['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User']['department']", 'Tours'],
    ["$['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'].department", 'Tours'],
    ['$.missing', undefined],
    ['$.userName.inner', undefined],
    ['$.nothing', null],
    ['$.emails[0].value', 'j@example.com'],
    ['$.emails[-1].type', 'other'],
    ['$.emails[7]', undefined],
    ['$.userName[0]', undefined],
    ['$.tags[0,2]', ['a', 'c']],
    ['$.tags[1:3]', ['b', 'c']],
    ['$.tags[-2:]', ['c', 'd']],
    ['$.tags[:1]', ['a']],
    ['$.emails[*].type', ['work', 'home', 'other']],
    ['$.emails.*.type', ['work', 'home', 'other']],
    ['$.name.*', ['Smith', 'John', 1]],
    ["$.name['familyName','missing']", { familyName: 'Smith' }],
    ['$.refs.$ref', 'r'],
    ['$..type', ['work', 'home', 'other']],
    ['$..emails[0].value', ['j@example.com']],
    ['$.emails[?(@.primary == true)].value', ['j@example.com']],
    ['$.emails[?(@.primary== true)].value', ['j@example.com']],
    ['$.emails[?(@.primary)].type', ['work', 'other']],
    ["$.emails[?(@.type == 'home')].value", ['john@home.example']],
    ["$.emails[?(@['type'] == 'none')].value", []],
    ["$.emails[?(@.type == 'home' || @.type == 'other')].type", ['home', 'other']],
    ["$.emails[?(@.value =~ /.*@example.com/ && @.type != 'other')].type", ['work']],
    ["$.emails[?(@.type IN ['home', 'work'])].type", ['work', 'home']],
    ["$.tags[?(@ > 'b')]", ['c', 'd']],
    ['$.name[?(@.familyName)].familyName', ['Smith']],
    ['$.emails.length()', 3],
    ['$.userName.length()', 6],
    ['$.name.length()', 3],
    ['$.age.length()', undefined],
    ['$.missing[*].value', []],
  ]
  for (const [path, expected] of leads) test(path, () => assert.deepEqual(at(path), expected))

  test('is made of properties and variables as well', () => {
    const inserted = scope(user, {
      properties: { attribute: 'tags', 'ldap.id': 'userName' },
      variables: new Map<string, Json>([['at', 'familyName']]),
    })
    assert.equal(read(parsePath('$.%attribute%[0]'), inserted), 'a')
    assert.equal(read(parsePath('$.%ldap.id%'), inserted), 'jsmith')
    assert.equal(read(parsePath("$.name['${at}']"), inserted), 'Smith')
    assert.throws(() => read(parsePath('$.%none%'), inserted), /the property none has no value/)
    assert.throws(() => read(parsePath('$.${none}'), inserted), /the variable none has no value/)
  })

  const malformed: [string, RegExp][] = [
    ['', /a path begins with \$ or @ at character 1/],
    ['userName', /begins with/],
    ['$userName', /the end was expected at character 2/],
    ['$.', /the name of a member/],
    ['$..', /the name of a member/],
    ['$.a.', /the name of a member/],
    ['$[', /an index/],
    ['$[]', /an index/],
    ['$[a]', /an index/],
    ["$['a", /a text in quotes/],
    ["$['a'", /\] was expected/],
    ['$[1.5]', /an index/],
    ['$[99999]', /at most 1000/],
    ['$[?(@.a]', /an operator was expected|\) was expected/],
    ['$[?()]', /a path, a text in quotes/],
    ['$[?(@.a ==)]', /a path, a text in quotes/],
    ['$.a.size()', /no function size/],
    ['$.a b', /the end was expected/],
    ['$.__proto__', /no member may be named __proto__/],
    ["$['__proto__']['x']", /no member may be named/],
    ['$.constructor.name', /no member may be named/],
    [`$${'.a'.repeat(51)}`, /at most 50 parts/],
    [`$.${'a'.repeat(4000)}`, /longer than 4000/],
    [`$[?(${'('.repeat(100)}@.a${')'.repeat(100)})]`, /nested too deeply/],
  ]
  for (const [path, expected] of malformed)
    test(`is not ${path.slice(0, 30)}`, () =>
      assert.throws(
        () => parsePath(path),
        error => error instanceof Malformed && expected.test(error.message),
      ))

  test('reaches no machinery through names that are inserted', () => {
    const evil = scope(user, { properties: { name: '__proto__' } })
    assert.throws(() => read(parsePath('$.%name%'), evil), /no member may be named __proto__/)
    assert.equal(at('$.toString'), undefined)
  })
})

describe('a condition', () => {
  const cases: [string, boolean][] = [
    ["$.userName == 'jsmith'", true],
    ['$.userName == "jsmith"', true],
    ["$.userName == 'other'", false],
    ["$.missing == 'other'", false],
    ['$.missing == null', true],
    ['$.nothing == null', true],
    ['$.age == 42', true],
    ["$.age == '42'", true],
    ["$.age === '42'", false],
    ['$.age === 42', true],
    ["$.userName != 'other'", true],
    ["$.userName !== 'jsmith'", false],
    ['$.age < 43', true],
    ['$.age <= 42', true],
    ['$.age > 42', false],
    ['$.age >= 42', true],
    ['$.age > -1.5e1', true],
    ["$.age > 'a'", false],
    ['$.missing > 0', false],
    ["$.userName < 'k'", true],
    ['$.userName =~ /j.*/', true],
    ['$.userName =~ /smith/', false],
    ['$.userName =~ /JSMITH/i', true],
    ['$.userName =~ /JSMITH/', false],
    ['$.emails[*].value =~ /.*@home.example/', true],
    ['$.missing =~ /.*/', false],
    ['$.emails EMPTY false', true],
    ['$.emails empty false', true],
    ['$.none EMPTY true', true],
    ['$.empty empty true', true],
    ['$.nothing empty true', true],
    ['$.missing empty true', true],
    ['$.active empty true', false],
    ['$.name EMPTY true', false],
    ["$.emails[?(@.type == 'home')] empty false", true],
    ["$.emails[?(@.type == 'fax')].value == []", true],
    ["$.emails[?(@.type == 'fax')] != []", false],
    ["$.memberOf contains 'group1'", true],
    ["$.memberOf contains 'group'", false],
    ["$.userName CONTAINS 'smi'", true],
    ["$.userName IN ['a', 'jsmith']", true],
    ["$.userName NIN ['work', 'home']", true],
    ["$.userName NIN ['jsmith']", false],
    ['$.emails.length() > 2', true],
    ['$.emails[0].length() > 0', true],
    ['$.missing[0].length() > 0', false],
    ['$.userName', true],
    ['!$.userName', false],
    ['$.missing', false],
    ['true', true],
    ['false', false],
    ['($.emails EMPTY false) && ($.userName EMPTY false)', true],
    ["$.missing EMPTY false || $.age == 42 && $.userName == 'jsmith'", true],
    ["($.missing EMPTY true || $.age == 1) && $.userName == 'x'", false],
    ['!($.age == 1)', true],
    ['isValidEmail($.emails[0].value)', true],
    ['isValidEmail($.emails[*].value)', true],
    ['isValidEmail($.userName)', false],
    ['isValidEmail($.missing)', false],
    ['isRegularGroup()', true],
    ['isApplicationSpecificGroup()', false],
  ]
  for (const [condition, expected] of cases)
    test(`${condition}: ${expected}`, () => assert.equal(fulfilled(condition), expected))

  test('knows properties and variables', () => {
    const more: Partial<Scope> = {
      properties: { prefix: 'js' },
      variables: new Map<string, Json>([['currentDate', '2018-02-28']]),
    }
    assert.equal(fulfilled("('%prefix%' === 'null') || ($.userName =~ /%prefix%.*/)", user, more), true)
    assert.equal(fulfilled("'%other%' === 'null'", user, more), true)
    assert.equal(fulfilled("'2018-01-01' <= '${currentDate}'", user, more), true)
    assert.equal(fulfilled("%prefix% == 'js'", user, more), true)
    assert.equal(fulfilled("'${other}' == ''", user, more), true)
  })

  test('asks for prefixes of attributes', () => {
    const optional = 'isAttributeWithOptionalPrefix($.userName, group.prefix)'
    const mandatory = 'isAttributeWithMandatoryPrefix($.userName, group.prefix)'
    const having = (prefix: string) => ({ properties: { 'group.prefix': prefix } })
    assert.equal(fulfilled(optional), true)
    assert.equal(fulfilled(optional, user, having('js')), true)
    assert.equal(fulfilled(optional, user, having('x')), false)
    assert.equal(fulfilled(optional, {}, having('x')), true)
    assert.equal(fulfilled(mandatory), false)
    assert.equal(fulfilled(mandatory, user, having('js')), true)
    assert.equal(fulfilled(mandatory, user, having('x')), false)
    assert.equal(fulfilled(mandatory, {}, having('x')), false)
  })

  test('knows groups of applications', () => {
    const group = (extension: Json) => ({
      'urn:ietf:params:scim:schemas:extension:sap:2.0:Group': extension,
    })
    const ofApplication = group({ applicationId: 'a1', supportedOperations: ['x'] })
    assert.equal(fulfilled('isRegularGroup()', ofApplication), false)
    assert.equal(fulfilled('isRegularGroup()', group({ applicationId: 'a1' })), true)
    const properties = { 'ips.application.id': 'a1' }
    assert.equal(fulfilled('isApplicationSpecificGroup()', ofApplication, { properties }), true)
    assert.equal(fulfilled('isApplicationSpecificGroup()', group({}), { properties }), false)
  })

  const malformed: [string, RegExp][] = [
    ['$.a ==', /a path, a text in quotes/],
    ['$.a = 1', /the end was expected|an operator/],
    ['$.a LIKE 1', /an operator was expected/],
    ['$.a EMPTY 1', /after EMPTY comes true or false/],
    ['$.a =~ x', /a regular expression/],
    ['$.a =~ /(/', /no regular expression/],
    ['$.a =~ /(a)\\1/', /linear time/],
    ['$.a =~ /(?=a)/', /linear time/],
    ['$.a =~ /a/g', /no flag g/],
    ["'a'", /an operator was expected/],
    ['isEmail($.a)', /no function isEmail/],
    ['isValidEmail()', /a path begins/],
    ['isAttributeWithOptionalPrefix($.a)', /, was expected/],
    ['($.a', /\) was expected/],
    ['$.a && ', /a path, a text/],
    ["$.a == 'b' $.c", /the end was expected/],
    [`${'!'.repeat(100)}$.a`, /nested too deeply/],
    [`$.a IN ${'['.repeat(100)}`, /nested too deeply/],
  ]
  for (const [condition, expected] of malformed)
    test(`is not ${condition.slice(0, 30)}`, () =>
      assert.throws(
        () => parseCondition(condition),
        error => error instanceof Malformed && expected.test(error.message),
      ))
})

describe('what is an e-mail address', () => {
  const good = ['a@b.c', "o'neil+x@mail.example.com", 'a.b.c@x-y.example', 'a@1.2']
  const bad = [
    '',
    'a',
    '@b.c',
    'a@',
    'a@b',
    'a b@c.d',
    'a@b..c',
    '.a@b.c',
    'a.@b.c',
    'a@b.c-',
    'a@-b.c',
    'a@b@c.d',
  ]
  for (const value of good)
    test(value, () => assert.equal(fulfilled('isValidEmail($.v)', { v: value }), true))
  for (const value of bad)
    test(`not ${value}`, () => assert.equal(fulfilled('isValidEmail($.v)', { v: value }), false))
  test('not what makes backtracking engines stand still', () => {
    const started = process.hrtime.bigint()
    assert.equal(fulfilled('isValidEmail($.v)', { v: `${'a'.repeat(300)}!` }), false)
    assert.equal(fulfilled('$.v =~ /(a+)+b/', { v: 'a'.repeat(5000) }), false)
    assert.ok(process.hrtime.bigint() - started < 2_000_000_000n)
  })
})

test('any text is a path or condition, or is malformed', () => {
  const characters = '$@.[]()?*\'"=!<>&|~/%{}:, ab1-eEMPTY\\'
  const text = fc.array(fc.constantFrom(...characters), { maxLength: 40 }).map(some => some.join(''))
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), source => {
      for (const parse of [parsePath, parseCondition]) {
        try {
          const parsed = parse(source)
          if ('condition' in parsed) holds(parsed.condition, scope(user))
          else read(parsed, scope(user))
        } catch (error) {
          assert.ok(error instanceof Malformed || error instanceof Unmappable, `${source}: ${error}`)
        }
      }
    }),
    { numRuns: 2000 },
  )
})

test('a place is named where a path or condition is malformed', () => {
  const mapping = { sourcePath: '$.a[', targetPath: '$.b' }
  assert.match(refusal({ user: { mappings: [mapping] } }), /^user\.mappings\[0\]\.sourcePath: \$\.a\[: /)
  assert.match(refusal({ group: { condition: '$.a =', mappings: [] } }), /^group\.condition: /)
})

test('a path that leads to ever more places ends the entity', () => {
  const wide = { list: Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => [1])) }
  const outcome = mapUser([{ sourcePath: '$..*', targetPath: '$.a' }], wide)
  assert.equal(outcome.kind, 'mapped')
  const deep = { list: JSON.parse(`${'['.repeat(40)}1,2,3${']'.repeat(40)}`) }
  const endless = mapUser([{ sourcePath: '$..*..*..*..*..*..*..*..*', targetPath: '$.a' }], deep)
  assert.ok(endless.kind === 'failed' && endless.reason.endsWith('takes too long for this entity'))
})
