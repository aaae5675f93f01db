import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { kinds } from '../../../src/core/identity/index.ts'
import { type Asking, startTestIdentity, type TestIdentity } from '../../support/identity.ts'
import { newTenant } from '../token-server/world.ts'

let identity: TestIdentity
let admin: Asking
before(async () => {
  identity = await startTestIdentity()
  admin = identity.admin
  for (const [mappingRuleId, claimName] of [
    ['rule-1', 'oid'],
    ['rule-2', 'roles'],
    ['rule-3', 'roles'],
  ])
    await admin('POST', '/v2/mapping-rules', {
      mappingRuleId,
      claimName,
      claimValue: mappingRuleId,
      name: 'R',
    })
})
after(() => identity.close())

interface Found {
  items: { mappingRuleId: string }[]
  page: { totalItems: number; startCursor: string; endCursor: string }
}
const search = (body?: unknown) => admin<Found>('POST', '/v2/mapping-rules/search', body)
const idsOf = ({ body }: Awaited<ReturnType<typeof search>>) => body.items.map(one => one.mappingRuleId)

describe('a search', () => {
  test('needs no body, in every kind', async () => {
    for (const { plural } of kinds)
      for (const body of [undefined, {}, { filter: {}, sort: [], page: {} }]) {
        const { status } = await admin('POST', `/v2/${plural}/search`, body)
        assert.equal(status, 200, plural)
      }
  })

  test('filters, sorts and pages', async () => {
    assert.deepEqual(idsOf(await search({ filter: { claimName: 'roles' } })), ['rule-2', 'rule-3'])
    assert.deepEqual(idsOf(await search({ filter: { claimValue: { $like: '*-?', $neq: 'rule-2' } } })), [
      ...['rule-1', 'rule-3'],
    ])
    const sort = [
      { field: 'claimName', order: 'DESC' },
      { field: 'mappingRuleId', order: 'DESC' },
    ]
    const first = await search({ sort, page: { limit: 2 } })
    assert.deepEqual(idsOf(first), ['rule-3', 'rule-2'])
    assert.equal(first.body.page.totalItems, 3)
    const next = await search({ sort, page: { limit: 2, after: first.body.page.endCursor } })
    assert.deepEqual(idsOf(next), ['rule-1'])
    const back = await search({ sort, page: { limit: 2, before: next.body.page.startCursor } })
    assert.deepEqual(idsOf(back), ['rule-3', 'rule-2'])
    assert.deepEqual(idsOf(await search({ page: { from: 2, limit: 5 } })), ['rule-3'])
  })

  test('of everything can be sorted by everything that is said to be there', async () => {
    for (const { plural, sortFields } of kinds)
      for (const field of sortFields)
        for (const order of ['ASC', 'DESC', undefined]) {
          const { status } = await admin('POST', `/v2/${plural}/search`, { sort: [{ field, order }] })
          assert.equal(status, 200, `${plural} by ${field}`)
        }
  })

  test('is refused with what it does not know, and says what it does', async () => {
    const cursor = (await admin<Found>('POST', '/v2/roles/search')).body.page.endCursor
    for (const [body, says] of [
      [{ page: { from: 0, after: cursor } }, /give one of from, after and before/],
      [{ page: { before: cursor, after: cursor } }, /give one of/],
      [{ page: { after: cursor } }, /the cursor is none of this search/],
      [{ page: { limit: 10_001 } }, /page\.limit/],
      [{ page: { limit: 1.5 } }, /page\.limit/],
      [{ sort: [{ field: 'createdAt' }] }, /there is no field createdAt to sort by, but mappingRuleId/],
      [{ sort: [{ field: 'name', order: 'down' }] }, /ASC or DESC/],
      [{ sort: { field: 'name' } }, /sort/],
      [{ filter: { password: { $like: '*' } } }, /there is no field password to search by/],
      [{ filter: { name: { $regex: '.*' } } }, /filter\.name/],
      [{ limit: 5 }, /limit/],
      [[], /the search/],
    ] as const) {
      const { status, body: problem } = await admin('POST', '/v2/mapping-rules/search', body)
      assert.equal(status, 400, JSON.stringify(body))
      assert.match(String(problem.detail), says)
    }
  })

  test('does not find users by what their password became', async () => {
    for (const filter of [{ password: { $exists: true } }, { passwordHash: 'x' }, { content: 'x' }])
      assert.equal((await admin('POST', '/v2/users/search', { filter })).status, 400)
  })
})

describe('addresses', () => {
  test('take ids as long as they may be', async () => {
    const roleId = 'x'.repeat(256)
    assert.equal((await admin('POST', '/v2/roles', { roleId, name: 'Long' })).status, 201)
    assert.equal((await admin('GET', `/v2/roles/${roleId}`)).body.roleId, roleId)
    const groupId = 'ä '.repeat(128)
    await admin('POST', '/v2/groups', { groupId, name: 'Long' })
    const one = `/v2/roles/${roleId}/groups/${encodeURIComponent(groupId)}`
    assert.equal((await admin('PUT', one)).status, 204)
    assert.deepEqual((await admin('POST', `/v2/roles/${roleId}/groups/search`)).body.items, [{ groupId }])
  })

  test('answer HEAD as GET, without a body', async () => {
    const { status, text } = await admin('HEAD', '/v2/authentication/me')
    assert.deepEqual([status, text], [200, ''])
    assert.equal((await identity.stranger('HEAD', '/v2/authentication/me')).status, 401)
  })

  test('of another tenant are not those of this one', async () => {
    await newTenant(identity.world, 'other')
    for (const path of ['/v2/authentication/me', '/v2/roles/admin', '/v2/status'])
      assert.equal((await admin('GET', `/tenants/other${path}`)).status, 404, path)
    assert.equal((await admin('GET', '/tenants/default/v2/roles/admin')).status, 200)
  })
})
