import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { claimPath } from './claim-path.ts'

const claims = {
  oid: '1',
  admin: true,
  level: 3,
  nothing: null,
  roles: ['Orders.Read', 'Orders.Write', 7, null, { name: 'nested' }],
  realm_access: { roles: ['a', 'b'], 'with-dash': 'd' },
  'https://example.com/groups': ['g'],
  'a.b': 'dotted',
  people: [
    { name: 'ada', tags: ['x'] },
    { name: 'bob', tags: ['y', 'z'] },
  ],
  '1st': 'first',
}

describe('a path finds', () => {
  const found: readonly (readonly [path: string, values: readonly string[]])[] = [
    ['oid', ['1']],
    ['$.oid', ['1']],
    ["$['oid']", ['1']],
    ['$["oid"]', ['1']],
    ['admin', ['true']],
    ['level', ['3']],
    ['roles', ['Orders.Read', 'Orders.Write', '7']],
    ['roles[1]', ['Orders.Write']],
    ['$.roles[*]', ['Orders.Read', 'Orders.Write', '7']],
    ['realm_access.roles', ['a', 'b']],
    ['$.realm_access.roles[0]', ['a']],
    ['realm_access.with-dash', ['d']],
    ['https://example.com/groups', ['g']],
    ["$['https://example.com/groups'][0]", ['g']],
    ["$['a.b']", ['dotted']],
    ['people.name', ['ada', 'bob']],
    ['$.people[*].tags', ['x', 'y', 'z']],
    ['$.people[1].tags[*]', ['y', 'z']],
    ['1st', ['first']],
  ]
  for (const [path, values] of found)
    test(`${values.join(' and ')} at ${path}`, () =>
      assert.deepEqual(claimPath(path)?.values(claims), values))
})

describe('a path finds nothing', () => {
  for (const path of [
    ...['missing', 'nothing', 'realm_access', 'realm_access.missing', 'oid.oid', 'a.b', 'roles[9]', 'oid[0]'],
    ...['__proto__', 'constructor', 'constructor.name', 'toString', 'roles.length', 'oid.length'],
    ...['$.__proto__.constructor.name', "$['constructor']", 'hasOwnProperty', 'roles.constructor.name'],
  ])
    test(`at ${path}`, () => assert.deepEqual(claimPath(path)?.values(claims), []))

  test('in what is no object', () => {
    for (const none of [undefined, null, 'oid', 1, []]) assert.deepEqual(claimPath('oid')?.values(none), [])
  })
})

test('a claim is found by a hostile name only where it stands', () => {
  const sent: unknown = JSON.parse('{"__proto__": {"x": "own"}, "constructor": "mine"}')
  assert.deepEqual(claimPath('constructor')?.values(sent), ['mine'])
  assert.deepEqual(claimPath('__proto__.x')?.values(sent), ['own'])
  assert.deepEqual(claimPath('x')?.values(sent), [])
})

describe('is no path', () => {
  for (const source of [
    ...['', '$', '$.', '$..roles', '$oid', '$.a[', '$.a]', '$.a[b]', '$.a[-1]', '$.a[1:2]', '$.a[?(@.b)]'],
    ...["$['a", "$['a'b", 'a..b', 'a.', 'a[', 'a[]', '$.a[99999]', `$${'.a'.repeat(21)}`],
  ])
    test(JSON.stringify(source.slice(0, 20)), () => assert.equal(claimPath(source), undefined))
})
