import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPermissions, nobodyInParticular } from './caller.ts'
import { createIdentityModels } from './model.ts'
import { isAuthorized, type Principal, resolve } from './resolve.ts'
import type { EntityKind, IdentityTable, Membership, StoredEntity } from './store.ts'

const tenantId = 't'

/** `kind id` of what there is, `member id > container id` of who is in what, and who owns which permission. */
async function modelOf(
  entities: readonly string[],
  memberships: readonly string[],
  authorizations: readonly (readonly [
    owner: string,
    resourceType: string,
    id: string,
    permission: string,
  ])[] = [],
) {
  const entity = (kind: string, id: string, content = {}): StoredEntity => ({
    tenantId,
    kind: kind as EntityKind,
    id,
    content,
    createdAt: 1,
  })
  const all = [
    ...entities.map(text => {
      const [kind, id, claimName, claimValue] = text.split(' ')
      return entity(kind!, id!, { claimName, claimValue })
    }),
    ...authorizations.map(([owner, resourceType, resourceId, permission], i) => {
      const [ownerType, ownerId] = owner.split(' ')
      const content = { ownerType, ownerId, resourceType, resourceId, permissionTypes: [permission] }
      return entity('authorization', String(i), content)
    }),
  ]
  const members = memberships.map(text => {
    const [member, memberId, container, containerId] = text.split(/ (?:> )?/)
    return { tenantId, container, containerId, member, memberId } as Membership
  })
  const table = { entities: async () => all, memberships: async () => members }
  const feed = { upToDate: () => true, onChange() {} }
  return createIdentityModels(table as Partial<IdentityTable> as IdentityTable, feed).of(tenantId)
}

const user = (id: string, more: Partial<Principal> = {}): Principal => ({
  type: 'user',
  id,
  claims: {},
  ...more,
})

describe('what somebody belongs to', () => {
  test('goes from claims to rules, groups, roles, tenants and authorizations', async () => {
    const model = await modelOf(
      ['mapping-rule m oid 1', 'group g', 'role r', 'tenant t'],
      ['mapping-rule m > group g', 'group g > role r', 'role r > tenant t'],
      [
        ['USER ada', 'ROLE', '1', 'READ'],
        ['MAPPING_RULE m', 'ROLE', '2', 'READ'],
        ['GROUP g', 'ROLE', '3', 'READ'],
        ['ROLE r', 'ROLE', '4', 'READ'],
        ['CLIENT ada', 'ROLE', '5', 'READ'],
        ['USER bob', 'ROLE', '6', 'READ'],
      ],
    )
    const found = resolve(user('ada', { claims: { oid: '1' } }), model)
    const { authorizations, ...rest } = found
    assert.deepEqual(rest, { mappingRules: ['m'], groups: ['g'], roles: ['r'], tenants: ['t'] })
    assert.deepEqual(
      authorizations.map(({ resourceId }) => resourceId),
      ['1', '2', '3', '4'],
    )
  })

  test('is told once, by however many ways it comes', async () => {
    const model = await modelOf(
      ['group g', 'role r', 'mapping-rule m oid 1', 'mapping-rule n roles x'],
      [
        'user ada > role r',
        'user ada > group g',
        'group g > role r',
        'mapping-rule m > role r',
        'mapping-rule m > group g',
      ],
    )
    const { roles, groups, mappingRules } = resolve(
      user('ada', { claims: { oid: '1', roles: ['x', 'x'] } }),
      model,
    )
    assert.deepEqual([roles, groups, mappingRules], [['r'], ['g'], ['m', 'n']])
  })

  test('is not what a client of the same name belongs to', async () => {
    const model = await modelOf(['role r', 'role s'], ['user x > role r', 'client x > role s'])
    assert.deepEqual(resolve(user('x'), model).roles, ['r'])
    assert.deepEqual(resolve({ type: 'client', id: 'x', claims: {} }, model).roles, ['s'])
  })

  test('does not follow roles that a token says by itself', async () => {
    const model = await modelOf(['role admin'], [])
    assert.deepEqual(resolve(user('x', { claims: { roles: ['admin'], groups: ['admin'] } }), model), {
      mappingRules: [],
      groups: [],
      roles: [],
      tenants: [],
      authorizations: [],
    })
  })

  test('follows groups that a token names instead of stored ones, where it is told to', async () => {
    const model = await modelOf(
      ['group stored', 'group named', 'role r', 'role s'],
      ['user x > group stored', 'group stored > role r', 'group named > role s'],
    )
    const { groups, roles } = resolve(user('x', { groups: ['named', 'unknown', '__proto__'] }), model)
    assert.deepEqual(groups, ['named', 'unknown', '__proto__'])
    assert.deepEqual(roles, ['s'])
    assert.deepEqual(resolve(user('x', { groups: [] }), model).roles, [])
  })

  test('has configured roles only as long as there are such', async () => {
    const model = await modelOf(['role user'], [])
    assert.deepEqual(resolve(user('x', { roles: ['user', 'gone', 'constructor'] }), model).roles, ['user'])
  })

  test('is nothing for hostile names', async () => {
    const model = await modelOf(['role r'], ['user ada > role r'], [['USER ada', 'ROLE', '*', 'READ']])
    for (const id of ['__proto__', 'constructor', 'toString', '', 'ADA', 'ada ']) {
      const { roles, authorizations } = resolve(user(id), model)
      assert.deepEqual([roles, authorizations], [[], []], id)
    }
  })
})

describe('permissions', () => {
  const may = async (resourceType: string, permission: string, resourceId: string) => {
    const model = await modelOf(
      [],
      [],
      [
        ['USER ada', 'ROLE', '*', 'READ'],
        ['USER ada', 'GROUP', 'g', 'UPDATE'],
      ],
    )
    return isAuthorized(resolve(user('ada'), model), resourceType, permission, resourceId)
  }

  test('are of all resources, or of the one that is named', async () => {
    assert.equal(await may('ROLE', 'READ', 'any'), true)
    assert.equal(await may('ROLE', 'READ', '*'), true)
    assert.equal(await may('GROUP', 'UPDATE', 'g'), true)
  })

  test('are nothing else', async () => {
    for (const [resourceType, permission, resourceId] of [
      ['ROLE', 'UPDATE', 'any'],
      ['GROUP', 'READ', 'g'],
      ['GROUP', 'UPDATE', '*'],
      ['GROUP', 'UPDATE', 'G'],
      ['USER', 'READ', 'any'],
      ['role', 'READ', 'any'],
      ['__proto__', 'constructor', '*'],
    ] as const)
      assert.equal(await may(resourceType, permission, resourceId), false, `${permission} ${resourceType}`)
  })

  test('are none of nobody in particular, unless nobody looks at them', () => {
    assert.equal(createPermissions(true).may(nobodyInParticular, 'ROLE', 'READ', '*'), false)
    assert.equal(createPermissions(false).may(nobodyInParticular, 'ROLE', 'READ', '*'), true)
  })
})
