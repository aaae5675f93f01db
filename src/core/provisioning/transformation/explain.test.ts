import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { explainDifference, sameJson } from './index.ts'

describe('what differs between two documents', () => {
  const cases: [string, Parameters<typeof explainDifference>, unknown[]][] = [
    ['nothing', [{ a: [1, { b: null }] }, { a: [1, { b: null }] }], []],
    [
      'not the order of members',
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      [],
    ],
    ['a value', [{ a: { b: 'x' } }, { a: { b: 'y' } }], [{ path: '$.a.b', before: '"x"', after: '"y"' }]],
    ['what is new', [{}, { a: [1] }], [{ path: '$.a', after: '[1]' }]],
    ['what is gone', [{ 'urn:x': true }, {}], [{ path: "$['urn:x']", before: 'true' }]],
    [
      'items',
      [{ l: [1, 2, 3] }, { l: [1, 9] }],
      [
        { path: '$.l[1]', before: '2', after: '9' },
        { path: '$.l[2]', before: '3' },
      ],
    ],
    ['the kind of a value', [{ a: {} }, { a: [] }], [{ path: '$.a', before: '{}', after: '[]' }]],
    [
      'everything of a new one',
      [undefined, { a: 1, b: 'x' }],
      [
        { path: '$.a', after: '1' },
        { path: '$.b', after: '"x"' },
      ],
    ],
    [
      'no password',
      [{ password: 'a' }, { password: 'b' }],
      [{ path: '$.password', before: '<hidden>', after: '<hidden>' }],
    ],
    [
      'no password inside',
      [{}, { a: { Password: 'b' } }],
      [{ path: '$.a', after: '{"Password":"<hidden>"}' }],
    ],
    [
      'names that look like machinery',
      [JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}')],
      [{ path: '$.__proto__', before: '1', after: '2' }],
    ],
  ]
  for (const [title, [before, after], lines] of cases)
    test(title, () => assert.deepEqual(explainDifference(before, after), lines))

  test('is told in bounds', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`a${at}`, at]))
    assert.equal(explainDifference(undefined, many).length, 200)
    assert.equal(explainDifference({}, { a: 'x'.repeat(5000) })[0]?.after?.length, 203)
    const deep = JSON.parse(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`)
    assert.deepEqual(explainDifference(deep, {}), [
      { path: '$', after: 'the document is nested deeper than 64' },
    ])
  })
})

test('the same JSON is the same whatever the order of its members', () => {
  assert.equal(sameJson({ a: [1, { b: 2, c: null }] }, { a: [1, { c: null, b: 2 }] }), true)
  for (const [one, other] of [
    [1, '1'],
    [null, undefined],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{}, []],
    [{ a: 1 }, { toString: 1 }],
  ] as const)
    assert.equal(sameJson(one, other), false)
})
