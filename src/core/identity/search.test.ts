import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isProblem } from '../problem.ts'
import { search } from './search.ts'

const by = { filterFields: ['id', 'name', 'groupIds'], sortFields: ['id', 'name', 'groupId'], idField: 'id' }

const documents = [
  { id: 'c', name: 'Anna', groupId: 'x' },
  { id: 'a', name: 'Bert', groupId: 'y' },
  { id: 'b', name: 'Anna', groupId: 'y' },
  { id: 'd', name: null, groupId: 'z' },
  { id: '__proto__', name: 'constructor', groupId: '' },
]

type Given = Record<string, unknown> | undefined

function found(given: Given) {
  const result = search(documents, given, by)
  if (isProblem(result)) throw new Error(result.description)
  return result
}
const ids = (given: Given) => found(given).items.map(({ id }) => id)

function refused(given: unknown): string {
  const result = search(documents, given, by)
  assert.ok(isProblem(result), JSON.stringify(given))
  assert.equal(result.code, 'invalid_input')
  return result.description
}

describe('order', () => {
  test('is that of ids, where none is asked for', () => {
    assert.deepEqual(ids(undefined), ['__proto__', 'a', 'b', 'c', 'd'])
    assert.deepEqual(ids({ sort: null, filter: null, page: null }), ids({}))
  })
  test('is that of fields, and then of ids, in both directions', () => {
    assert.deepEqual(ids({ sort: [{ field: 'name' }] }), ['d', 'b', 'c', 'a', '__proto__'])
    assert.deepEqual(ids({ sort: [{ field: 'name', order: 'DESC' }] }), ['__proto__', 'a', 'b', 'c', 'd'])
    assert.deepEqual(
      ids({
        sort: [
          { field: 'groupId', order: 'DESC' },
          { field: 'id', order: 'DESC' },
        ],
      }),
      [...['d', 'b', 'a', 'c'], '__proto__'],
    )
  })
  test('of keys is that of numbers', () => {
    const keys = ['10', '9', '100'].map(authorizationKey => ({ authorizationKey }))
    const result = search(keys, {}, { ...by, idField: 'authorizationKey' })
    assert.ok(!isProblem(result))
    assert.deepEqual(
      result.items.map(({ authorizationKey }) => authorizationKey),
      ['9', '10', '100'],
    )
  })
})

describe('a filter finds', () => {
  const filters: readonly (readonly [filter: object, ids: readonly string[]])[] = [
    [{ name: 'Anna' }, ['b', 'c']],
    [{ id: '__proto__' }, ['__proto__']],
    [{ name: 'Anna', id: 'c' }, ['c']],
    [{ name: null }, ['__proto__', 'a', 'b', 'c', 'd']],
    [{ name: { $eq: 'Anna' } }, ['b', 'c']],
    [{ name: { $neq: 'Anna' } }, ['__proto__', 'a', 'd']],
    [{ name: { $exists: true } }, ['__proto__', 'a', 'b', 'c']],
    [{ name: { $exists: false } }, ['d']],
    [{ name: { $in: ['Anna', 'x'] } }, ['b', 'c']],
    [{ name: { $notIn: ['Anna'] } }, ['__proto__', 'a', 'd']],
    [{ name: { $in: [] } }, []],
    [{ name: { $like: 'A*', $neq: 'Bert' } }, ['b', 'c']],
    [{ groupIds: ['y', 'z'] }, ['a', 'b', 'd']],
    [{ groupIds: [] }, []],
  ]
  for (const [filter, wanted] of filters)
    test(`${wanted.join(', ')} by ${JSON.stringify(filter)}`, () => assert.deepEqual(ids({ filter }), wanted))
})

describe('$like', () => {
  const likes: readonly (readonly [pattern: string, text: string, fits: boolean])[] = [
    ['', '', true],
    ['*', 'anything', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbbcd', false],
    ['*b*', 'abc', true],
    ['A*', 'abc', false],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['a\\?', 'a?', true],
    ['\\\\', '\\', true],
    ['a.c', 'abc', false],
    ['**a**', 'bab', true],
  ]
  for (const [pattern, text, fits] of likes)
    test(`${pattern} ${fits ? 'fits' : 'does not fit'} ${text}`, () => {
      const result = search([{ id: 'x', name: text }], { filter: { name: { $like: pattern } } }, by)
      assert.ok(!isProblem(result))
      // An empty text is there to be compared.
      assert.equal(result.items.length, fits ? 1 : 0)
    })

  test('takes a pattern of many stars without trying every way', () => {
    const text = 'a'.repeat(1000)
    const filter = { name: { $like: `${'*a'.repeat(499)}*b` } }
    const result = search([{ id: 'x', name: text }], { filter }, by)
    assert.ok(!isProblem(result))
    assert.equal(result.items.length, 0)
  })
})

describe('pages', () => {
  const sort = [{ field: 'name', order: 'DESC' }]

  test('by position and by number', () => {
    assert.deepEqual(ids({ page: { limit: 2 } }), ['__proto__', 'a'])
    assert.deepEqual(ids({ page: { from: 3, limit: 10 } }), ['c', 'd'])
    assert.deepEqual(ids({ page: { from: 99 } }), [])
    assert.deepEqual(found({ page: { limit: 0 } }), {
      items: [],
      page: { totalItems: 5, hasMoreTotalItems: false, startCursor: null, endCursor: null },
    })
  })

  test('by cursor, on and back, are the whole without gaps and without repetition', () => {
    const pages: unknown[][] = []
    let after: string | null = null
    for (;;) {
      const { items, page } = found({ sort, page: { limit: 2, ...(after !== null && { after }) } })
      if (items.length === 0) break
      pages.push(items.map(({ id }) => id))
      after = page.endCursor
    }
    assert.deepEqual(pages.flat(), ids({ sort }))
    const last = found({ sort, page: { from: 4, limit: 1 } })
    const back = found({ sort, page: { limit: 2, before: last.page.startCursor } })
    assert.deepEqual(
      back.items.map(({ id }) => id),
      ids({ sort }).slice(2, 4),
    )
  })

  test('go on where they were when a document has come or gone', () => {
    const first = found({ page: { limit: 2 } })
    const changed = documents.filter(({ id }) => id !== 'a').concat({ id: '0', name: 'New', groupId: '' })
    const next = search(changed, { page: { after: first.page.endCursor, limit: 2 } }, by)
    assert.ok(!isProblem(next))
    assert.deepEqual(
      next.items.map(({ id }) => id),
      ['b', 'c'],
    )
  })

  test('have cursors that are base64, as published clients check them', () => {
    const { page } = found({ sort })
    for (const cursor of [page.startCursor, page.endCursor])
      assert.match(cursor!, /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)
  })

  test('that are empty have a cursor where nothing is found at all, and lead no loop astray', () => {
    for (const order of ['ASC', 'DESC']) {
      const sort = [{ field: 'name', order }]
      const none = search([], { sort }, by)
      assert.ok(!isProblem(none))
      const { startCursor, endCursor } = none.page
      assert.equal(startCursor, endCursor)
      assert.match(endCursor!, /^[A-Za-z0-9+/]{2,298}={0,2}$/)
      const after = search([], { sort, page: { after: endCursor } }, by)
      assert.ok(!isProblem(after))
      assert.deepEqual([after.page.startCursor, after.page.endCursor], [null, null])
      // What has come since then is all after it.
      assert.deepEqual(ids({ sort, page: { after: endCursor } }), ids({ sort }))
      assert.deepEqual(ids({ sort, page: { before: startCursor } }), [])
    }
    assert.equal(found({ page: { from: 99 } }).page.endCursor, null)
  })

  test('go on after the longest texts that there are', () => {
    const long = ['a', 'b'].map(id => ({ id, name: '\u20ac'.repeat(1024), groupId: '"'.repeat(1024) }))
    const sort = [{ field: 'name' }, { field: 'groupId' }]
    const first = search(long, { sort, page: { limit: 1 } }, by)
    assert.ok(!isProblem(first))
    const next = search(long, { sort, page: { limit: 1, after: first.page.endCursor } }, by)
    assert.ok(!isProblem(next))
    assert.equal(next.items[0]?.id, 'b')
  })

  test('have cursors of their own order only', () => {
    const { endCursor } = found({ sort }).page
    for (const other of [
      [],
      [{ field: 'name' }],
      [{ field: 'groupId', order: 'DESC' }],
      [...sort, { field: 'groupId' }],
    ])
      for (const way of ['after', 'before'])
        assert.match(
          refused({ sort: other, page: { [way]: endCursor } }),
          /the cursor is none of this search: take one/,
        )
  })

  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
  for (const [what, cursor] of [
    ['no base64', '!!!'],
    ['empty', ''],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['no list', base64({ 0: 'id' })],
    ['a list too short', base64(['id'])],
    ['a list too long', base64(['id', 'a', 'b'])],
    ['objects', base64(['id', { toString: 'x' }])],
    ['null', base64(['id', null])],
  ] as const)
    test(`refuse a cursor that is ${what}`, () => void refused({ page: { after: cursor } }))
})

describe('refused', () => {
  const wrong: readonly (readonly [what: string, given: unknown, says: RegExp])[] = [
    ['a list', [], /the search/],
    ['a text', 'x', /the search/],
    ['an unknown member', { pages: {} }, /pages/],
    ['from with after', { page: { from: 1, after: 'x' } }, /give one of from, after and before/],
    ['after with before', { page: { after: 'x', before: 'x' } }, /give one of/],
    ['a limit below 0', { page: { limit: -1 } }, /page\.limit/],
    ['a limit above 10000', { page: { limit: 10_001 } }, /page\.limit/],
    ['a limit that is no number', { page: { limit: '5' } }, /page\.limit/],
    ['a start before the first', { page: { from: -1 } }, /page\.from/],
    ['an unknown member of a page', { page: { size: 1 } }, /size/],
    [
      'an unknown field to sort by',
      { sort: [{ field: 'secret' }] },
      /there is no field secret to sort by, but id/,
    ],
    ['a field of prototypes to sort by', { sort: [{ field: '__proto__' }] }, /no field __proto__/],
    ['an order that there is not', { sort: [{ field: 'id', order: 'UP' }] }, /ASC or DESC/],
    ['a sort without field', { sort: [{ order: 'ASC' }] }, /sort\.0\.field/],
    ['a sort by too much', { sort: Array(11).fill({ field: 'id' }) }, /sort/],
    ['an unknown field to filter by', { filter: { secret: 'x' } }, /there is no field secret to search by/],
    ['a filter of prototypes', JSON.parse('{"filter":{"__proto__":"x"}}'), /no field __proto__ to search by/],
    ['the constructor', { filter: { constructor: 'x' } }, /no field constructor/],
    ['a filter that is a list', { filter: ['id'] }, /filter/],
    ['a filter that is a number', { filter: { name: 1 } }, /filter\.name: write a text/],
    ['an unknown condition', { filter: { name: { $regex: 'x' } } }, /filter\.name: write a text/],
    ['a list of numbers', { filter: { groupIds: [1] } }, /filter\.groupIds: write a list of texts/],
    ['a text for a list', { filter: { groupIds: 'x' } }, /filter\.groupIds: write a list/],
  ]
  for (const [what, given, says] of wrong) test(what, () => assert.match(refused(given), says))

  test('and what was sent is told in printable form, cut', () => {
    const says = refused({ sort: [{ field: `\u0007"${'x'.repeat(500)}` }] })
    assert.ok(says.length < 200)
    assert.ok(/^[ -~]+$/.test(says))
  })

  test('a filter where there is none', () => {
    const result = search([], { filter: { id: 'x' } }, { ...by, filterFields: [] })
    assert.ok(isProblem(result))
    assert.equal(result.description, 'filter: there is none in this search')
  })
})

test('a pattern that was made to take long, over very many, ends with a refusal', () => {
  const document = { id: 'x', name: 'a'.repeat(256) }
  const searchAmong = (count: number, $like: string) =>
    search(Array(count).fill(document), { filter: { name: { $like } } }, by)
  const slow = `*${'a'.repeat(128)}b*`
  const few = searchAmong(100, slow)
  assert.ok(!isProblem(few))
  assert.equal(few.page.totalItems, 0)
  const refusal = searchAmong(100_000, slow)
  assert.ok(isProblem(refusal))
  assert.match(refusal.description, /\$like takes too long/)
  const usual = searchAmong(100_000, '*aab')
  assert.ok(!isProblem(usual))
})
