import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Asking, startTestIdentity, type TestIdentity } from '../../support/identity.ts'

let identity: TestIdentity
let admin: Asking
before(async () => {
  identity = await startTestIdentity()
  admin = identity.admin
  await admin('POST', '/v2/roles', { roleId: 'r', name: 'Role' })
  await admin('POST', '/v2/groups', { groupId: 'g', name: 'Group' })
  await admin('POST', '/v2/tenants', { tenantId: 't', name: 'Tenant' })
  await admin('POST', '/v2/mapping-rules', rule)
  await identity.user('u')
})
after(() => identity.close())

const rule = { mappingRuleId: 'm', claimName: 'oid', claimValue: '1', name: 'Rule' }
const role = { roleId: 'r', name: 'Role', description: '' }

/** Container -> its members: plural, id, and how a search shows it. */
const members: readonly (readonly [container: string, member: string, shown: object])[] = [
  ['roles/r', 'users/u', { username: 'u' }],
  ['roles/r', 'clients/c', { clientId: 'c' }],
  ['roles/r', 'groups/g', { groupId: 'g' }],
  ['roles/r', 'mapping-rules/m', rule],
  ['groups/g', 'users/u', { username: 'u' }],
  ['groups/g', 'clients/c', { clientId: 'c' }],
  ['groups/g', 'mapping-rules/m', rule],
  ['tenants/t', 'users/u', { username: 'u' }],
  ['tenants/t', 'clients/c', { clientId: 'c' }],
  ['tenants/t', 'groups/g', { groupId: 'g' }],
  ['tenants/t', 'roles/r', role],
  ['tenants/t', 'mapping-rules/m', rule],
]

describe('members', () => {
  for (const [container, member, shown] of members)
    test(`${member} of ${container} is put in, found and taken out, once each`, async () => {
      const [plural] = member.split('/')
      const search = async () =>
        (await admin<{ items: unknown[] }>('POST', `/v2/${container}/${plural}/search`)).body.items
      assert.deepEqual(await search(), [])
      const put = await admin('PUT', `/v2/${container}/${member}`)
      assert.equal(put.status, 204)
      assert.equal(put.text, '')
      assert.equal((await admin('PUT', `/v2/${container}/${member}`)).status, 409)
      assert.deepEqual(await search(), [shown])
      assert.equal((await admin('DELETE', `/v2/${container}/${member}`)).status, 204)
      assert.equal((await admin('DELETE', `/v2/${container}/${member}`)).status, 404)
      assert.deepEqual(await search(), [])
    })

  test('of a group are found by its roles, too', async () => {
    await admin('PUT', '/v2/roles/r/groups/g')
    const { body } = await admin('POST', '/v2/groups/g/roles/search')
    assert.deepEqual(body.items, [role])
    await admin('DELETE', '/v2/roles/r/groups/g')
    assert.deepEqual((await admin('POST', '/v2/groups/g/roles/search')).body.items, [])
  })

  test('may be users and clients that only others know', async () => {
    assert.equal((await admin('PUT', '/v2/roles/r/users/of-entra@example.com')).status, 204)
    const { body } = await admin('POST', '/v2/roles/r/users/search')
    assert.deepEqual(body.items, [{ username: 'of-entra@example.com' }])
    await admin('DELETE', '/v2/roles/r/users/of-entra@example.com')
  })

  test('are put in order and shown by pages, and know no filter', async () => {
    for (const id of ['b', 'a', 'd', 'c']) await admin('PUT', `/v2/groups/g/clients/${id}`)
    const sort = [{ field: 'clientId', order: 'DESC' }]
    const search = (body: object) =>
      admin<{ items: { clientId: string }[]; page: { endCursor: string; totalItems: number } }>(
        'POST',
        '/v2/groups/g/clients/search',
        body,
      )
    const first = await search({ sort, page: { limit: 3 } })
    assert.deepEqual(
      first.body.items.map(({ clientId }) => clientId),
      ['d', 'c', 'b'],
    )
    assert.equal(first.body.page.totalItems, 4)
    const second = await search({ sort, page: { limit: 3, after: first.body.page.endCursor } })
    assert.deepEqual(second.body.items, [{ clientId: 'a' }])
    assert.equal((await search({ filter: { clientId: 'a' } })).status, 400)
    assert.equal((await search({ sort: [{ field: 'username' }] })).status, 400)
  })

  test('go with what they are in, and with themselves', async () => {
    await admin('POST', '/v2/groups', { groupId: 'gone', name: 'G' })
    await admin('PUT', '/v2/roles/r/groups/gone')
    await admin('DELETE', '/v2/groups/gone')
    assert.deepEqual((await admin('POST', '/v2/roles/r/groups/search')).body.items, [])
    await admin('POST', '/v2/groups', { groupId: 'gone', name: 'G' })
    assert.deepEqual((await admin('POST', '/v2/groups/gone/roles/search')).body.items, [])
  })
})

describe('refused members', () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ['of a role that there is not', '/v2/roles/no/users/u', 404],
    ['of a role called __proto__', '/v2/roles/__proto__/users/u', 404],
    ['a group that there is not', '/v2/roles/r/groups/no', 404],
    ['a rule that there is not', '/v2/roles/r/mapping-rules/constructor', 404],
    ['a role that there is not', '/v2/tenants/t/roles/no', 404],
    ['a user whose name is none', '/v2/roles/r/users/a%20b', 400],
    ['a client whose id is too long', `/v2/roles/r/clients/${'x'.repeat(257)}`, 400],
    ['of a tenant whose id is none', '/v2/tenants/a@b/users/u', 400],
    ['a tenant of a role', '/v2/roles/r/tenants/t', 404],
    ['a role of a role', '/v2/roles/r/roles/r', 404],
    ['a group of a group', '/v2/groups/g/groups/g', 404],
    ['a role of a group', '/v2/groups/g/roles/r', 404],
    ['a user of a user', '/v2/users/u/users/u', 404],
    ['of a rule', '/v2/mapping-rules/m/users/u', 404],
  ]
  for (const [what, path, status] of refused)
    test(what, async () => {
      const answer = await admin('PUT', path)
      assert.equal(answer.status, status)
      assert.equal(answer.headers['content-type'], 'application/problem+json')
    })

  test('searched in what is not there', async () => {
    for (const path of ['/v2/roles/no/users', '/v2/groups/no/roles', '/v2/tenants/no/mapping-rules'])
      assert.equal((await admin('POST', `${path}/search`)).status, 404, path)
  })

  test('whom the caller may not read are not in a search with documents', async () => {
    await admin('PUT', '/v2/tenants/t/roles/r')
    await admin('PUT', '/v2/tenants/t/users/u')
    const ask = await identity.user('reader', { TENANT: ['READ'] })
    assert.deepEqual((await ask('POST', '/v2/tenants/t/users/search')).body.items, [{ username: 'u' }])
    assert.deepEqual((await ask('POST', '/v2/tenants/t/roles/search')).body.items, [])
    assert.equal((await ask('PUT', '/v2/tenants/t/users/reader')).status, 403)
    assert.equal((await ask('DELETE', '/v2/tenants/t/users/u')).status, 403)
  })
})

describe('applications', () => {
  test('are the clients that are members or owners of something', async () => {
    await admin('PUT', '/v2/roles/r/clients/app-1')
    await admin('PUT', '/v2/tenants/t/clients/app-1')
    await admin('POST', '/v2/authorizations', {
      ownerType: 'CLIENT',
      ownerId: 'app-2',
      resourceType: 'MESSAGE',
      resourceId: '*',
      permissionTypes: ['CREATE'],
    })
    const filter = { clientId: { $like: 'app-?' } }
    const search = async (ask: Asking) =>
      (await ask<{ items: unknown[] }>('POST', '/v2/applications/search', { filter })).body.items
    const [one, two] = ['app-1', 'app-2'].map(id => ({ applicationId: id, clientId: id, name: id }))
    assert.deepEqual(await search(admin), [one, two])
    const all = await admin<{ items: { clientId: string }[] }>('GET', '/v2/applications')
    assert.ok(all.body.items.some(({ clientId }) => clientId === 'app-2'))
    const ask = await identity.user('sees-roles', { ROLE: ['READ'] }, 'r')
    assert.deepEqual(await search(ask), [one])
    await admin('DELETE', '/v2/roles/r/clients/app-1')
    assert.deepEqual(await search(ask), [])
    assert.deepEqual(await search(admin), [one, two])
    await admin('DELETE', '/v2/tenants/t/clients/app-1')
    assert.deepEqual(await search(admin), [two])
  })
})
