import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { aTenant, silentLog } from '../../../test/contracts/store.ts'
import { openStore } from '../../adapters/store/open.ts'
import { isProblem, type Problem } from '../problem.ts'
import { ensureIdentityDefaults } from './defaults.ts'
import { addMember, createEntity, deleteEntity, removeMember, updateEntity } from './manage.ts'
import { createIdentityModels } from './model.ts'
import { createFirstAdministrator, hasNoAdministrator } from './setup.ts'
import type { ContainerKind, EntityKind, MemberType, StoredEntity } from './store.ts'

const path = await mkdtemp(join(tmpdir(), 'countersign-identity-'))
const store = await openStore({ url: `sqlite:${path}`, log: silentLog, now: Date.now })
after(async () => {
  await store.close()
  await rm(path, { recursive: true })
})
let hashing: 'full' | undefined
const deps = {
  store,
  // Slow on purpose where it is real; the tests of the API have the real one.
  chosenSecrets: { hash: async (secret: string) => hashing ?? `hash of ${secret.length}` },
  context: { now: () => 4_102_444_800_123, log: silentLog },
}

/** A tenant of its own for each test. */
async function world() {
  const home = aTenant()
  await store.write(({ tenants }) => tenants.insert(home))
  const create = (kind: EntityKind, given: Record<string, unknown>) => createEntity(home, kind, given, deps)
  const membership = (
    container: ContainerKind,
    containerId: string,
    member: MemberType,
    memberId: string,
  ) => ({
    container,
    containerId,
    member,
    memberId,
  })
  return {
    home,
    create,
    role: (roleId: string) => create('role', { roleId, name: roleId }),
    add: (...of: Parameters<typeof membership>) => addMember(home, membership(...of), deps),
    remove: (...of: Parameters<typeof membership>) => removeMember(home, membership(...of), deps),
    find: (kind: EntityKind, id: string) => store.read.identity.find(home.id, kind, id),
    memberships: () => store.read.identity.memberships(home.id),
    entities: () => store.read.identity.entities(home.id),
  }
}

const codeOf = (result: unknown): string | undefined => (isProblem(result) ? result.code : undefined)

function made(result: StoredEntity | Problem): StoredEntity {
  assert.ok(!isProblem(result), isProblem(result) ? result.description : '')
  return result
}

const permission = (ownerType: string, ownerId: string) => ({
  ownerType,
  ownerId,
  resourceType: 'ROLE',
  resourceId: '*',
  permissionTypes: ['READ'],
})

describe('entities', () => {
  test('of one id are made once, however many ask at once', async () => {
    const { role } = await world()
    const results = await Promise.all(Array.from({ length: 5 }, () => role('same')))
    assert.equal(results.filter(one => !isProblem(one)).length, 1)
    assert.ok(results.every(one => !isProblem(one) || one.code === 'conflict'))
  })

  test('of one id are others in another kind and in another tenant', async () => {
    const [one, other] = [await world(), await world()]
    made(await one.role('x'))
    made(await other.role('x'))
    made(await one.create('group', { groupId: 'x', name: 'X' }))
    await deleteEntity(one.home, 'role', 'x', deps)
    assert.ok(await other.find('role', 'x'))
    assert.ok(await one.find('group', 'x'))
  })

  test('may be called as objects have members', async () => {
    const { role, find, home } = await world()
    for (const id of ['__proto__', 'constructor', 'toString']) {
      assert.equal(await find('role', id), undefined)
      made(await role(id))
      assert.equal(codeOf(await role(id)), 'conflict')
      assert.equal((await find('role', id))?.id, id)
      made(await deleteEntity(home, 'role', id, deps))
    }
  })

  test('that were deleted while they were being changed stay deleted', async () => {
    const { role, find, home } = await world()
    made(await role('x'))
    const [deleted, changed] = await Promise.all([
      deleteEntity(home, 'role', 'x', deps),
      updateEntity(home, 'role', 'x', { name: 'Y' }, deps),
    ])
    made(deleted)
    assert.equal(codeOf(changed), 'not_found')
    assert.equal(await find('role', 'x'), undefined)
  })

  test('are refused with everything that is wrong, and nothing is kept', async () => {
    const { create, entities } = await world()
    const refused = await create('user', { username: 'x', password: 'short', email: 'x', role: 'admin' })
    assert.ok(isProblem(refused))
    assert.match(refused.description, /email: is no address of e-mail/)
    assert.match(refused.description, /password: has at least 8/)
    for (const id of ['', ' ', 'a/b', 'a\n', 'ä', '.', '..', 'x'.repeat(257), 1, null, undefined, {}])
      assert.equal(codeOf(await create('role', { roleId: id, name: 'X' })), 'invalid_input', String(id))
    assert.deepEqual(await entities(), [])
  })
})

describe('passwords', () => {
  test('are never stored as they are, and stay as they were without a new one', async () => {
    const { create, find, home } = await world()
    made(await create('user', { username: 'ada', password: 'twelve chars' }))
    const stored = async () => (await find('user', 'ada'))?.content.password
    assert.equal(await stored(), 'hash of 12')
    for (const password of [undefined, null, ''])
      made(await updateEntity(home, 'user', 'ada', { name: 'Ada', password }, deps))
    assert.equal(await stored(), 'hash of 12')
    made(await updateEntity(home, 'user', 'ada', { password: 'eight888' }, deps))
    assert.equal(await stored(), 'hash of 8')
    assert.equal(
      codeOf(await updateEntity(home, 'user', 'ada', { password: 'short' }, deps)),
      'invalid_input',
    )
  })

  test('are refused for a while when too many are being set', async () => {
    const { create, find } = await world()
    hashing = 'full'
    const refused = await create('user', { username: 'ada', password: 'twelve chars' })
    hashing = undefined
    assert.ok(isProblem(refused))
    assert.deepEqual([refused.code, refused.retryAfter], ['unavailable', 1])
    assert.equal(await find('user', 'ada'), undefined)
  })
})

describe('members', () => {
  test('are put in once, however many ask at once', async () => {
    const { role, add, memberships } = await world()
    made(await role('r'))
    const results = await Promise.all(Array.from({ length: 5 }, () => add('role', 'r', 'client', 'c')))
    assert.deepEqual(results.map(codeOf).filter(code => code === 'conflict').length, 4)
    assert.equal((await memberships()).length, 1)
  })

  test('are in nothing that is deleted meanwhile', async () => {
    const { role, add, home, memberships } = await world()
    made(await role('r'))
    await Promise.all([deleteEntity(home, 'role', 'r', deps), add('role', 'r', 'user', 'u')])
    assert.deepEqual(await memberships(), [])
  })

  test('go with what they are in, and with themselves', async () => {
    const { role, create, add, home, memberships } = await world()
    made(await role('r'))
    made(await create('group', { groupId: 'g', name: 'G' }))
    made(await create('tenant', { tenantId: 't', name: 'T' }))
    await add('role', 'r', 'group', 'g')
    await add('tenant', 't', 'group', 'g')
    await add('group', 'g', 'user', 'u')
    await add('tenant', 't', 'role', 'r')
    await deleteEntity(home, 'group', 'g', deps)
    assert.deepEqual(
      (await memberships()).map(({ member, container }) => `${member} of ${container}`),
      ['role of tenant'],
    )
  })

  const refused: readonly (readonly [ContainerKind, string, MemberType, string, code: string])[] = [
    ['role', 'none', 'user', 'u', 'not_found'],
    ['role', 'r', 'group', 'none', 'not_found'],
    ['role', 'r', 'mapping-rule', '__proto__', 'not_found'],
    ['tenant', 't', 'role', 'none', 'not_found'],
    ['role', 'r', 'role', 'r', 'invalid_input'],
    ['group', 'g', 'group', 'g', 'invalid_input'],
    ['group', 'g', 'role', 'r', 'invalid_input'],
    ['role', 'r', 'user', 'a b', 'invalid_input'],
    ['role', 'r', 'user', '', 'invalid_input'],
    ['role', 'r', 'client', 'x'.repeat(257), 'invalid_input'],
    ['role', 'r', 'client', '..', 'invalid_input'],
  ]
  for (const [container, containerId, member, memberId, code] of refused)
    test(`are refused: ${member} ${memberId.slice(0, 20)} of ${container} ${containerId}`, async () => {
      const { role, create, add, memberships } = await world()
      made(await role('r'))
      made(await create('group', { groupId: 'g', name: 'G' }))
      made(await create('tenant', { tenantId: 't', name: 'T' }))
      assert.equal(codeOf(await add(container, containerId, member, memberId)), code)
      assert.deepEqual(await memberships(), [])
    })

  test('are not taken out where they are not', async () => {
    const { role, remove } = await world()
    made(await role('r'))
    assert.equal(codeOf(await remove('role', 'r', 'user', 'u')), 'not_found')
    assert.equal(codeOf(await remove('role', 'none', 'user', 'u')), 'not_found')
  })
})

describe('authorizations', () => {
  test('get numbers that are given once, however many ask at once', async () => {
    const { create } = await world()
    const all = await Promise.all(
      Array.from({ length: 5 }, () => create('authorization', permission('USER', 'u'))),
    )
    assert.equal(new Set(all.map(one => made(one).id)).size, 5)
  })

  test('go with their owner, and those of similar ones stay', async () => {
    const { role, create, home, entities } = await world()
    const ids = ['a_b', 'aXb', 'A_b', 'a_']
    for (const id of ids) {
      made(await role(id))
      made(await create('authorization', permission('ROLE', id)))
    }
    made(await create('authorization', permission('CLIENT', 'a_b')))
    await deleteEntity(home, 'role', 'a_b', deps)
    const owners = (await entities()).filter(({ kind }) => kind === 'authorization')
    assert.deepEqual(owners.map(({ content }) => `${content.ownerType} ${content.ownerId}`).sort(), [
      'CLIENT a_b',
      'ROLE A_b',
      'ROLE aXb',
      'ROLE a_',
    ])
  })

  test('are of owners that there are, also when they change', async () => {
    const { create, home } = await world()
    for (const type of ['ROLE', 'GROUP', 'MAPPING_RULE'])
      assert.equal(codeOf(await create('authorization', permission(type, 'none'))), 'not_found', type)
    const { id } = made(await create('authorization', permission('USER', 'unknown-here')))
    const changed = await updateEntity(home, 'authorization', id, permission('ROLE', 'none'), deps)
    assert.equal(codeOf(changed), 'not_found')
    const key = { ...permission('USER', 'u'), authorizationKey: '7' }
    assert.equal(codeOf(await create('authorization', key)), 'invalid_input')
  })
})

describe('the first start', () => {
  test('makes predefined roles once, on however many nodes', async () => {
    const { home, memberships, find } = await world()
    const results = await Promise.all(Array.from({ length: 4 }, () => ensureIdentityDefaults(home, deps)))
    assert.deepEqual(results.filter(Boolean), [true])
    assert.ok(
      (await memberships()).every(({ container, member }) => container === 'tenant' && member === 'role'),
    )
    await deleteEntity(home, 'role', 'rpa', deps)
    assert.equal(await ensureIdentityDefaults(home, deps), false)
    assert.equal(await find('role', 'rpa'), undefined)
  })

  test('nobody takes away what nobody could make again, and where it is missing it comes back', async () => {
    const { home, find } = await world()
    await ensureIdentityDefaults(home, deps)
    for (const [kind, id] of [
      ['role', 'admin'],
      ['tenant', '<default>'],
    ] as const) {
      assert.equal(codeOf(await deleteEntity(home, kind, id, deps)), 'conflict')
      await deps.store.write(async ({ identity }) => {
        await identity.delete((await identity.find(home.id, kind, id))!)
      })
      assert.equal(await ensureIdentityDefaults(home, deps), true)
      assert.ok(await find(kind, id))
    }
    const owned = await deps.store.read.identity.ownedBy(home.id, 'ROLE', 'admin')
    assert.ok(owned.some(({ content }) => content.resourceType === 'AUTHORIZATION'))
  })

  test('leaves what is there already as it is', async () => {
    const { home, create, find } = await world()
    made(await create('role', { roleId: 'admin', name: 'Mine' }))
    assert.equal(await ensureIdentityDefaults(home, deps), true)
    assert.equal((await find('role', 'admin'))?.content.name, 'Mine')
  })

  test('knows no administrator until there is one, who is the first of all who ask', async () => {
    const { home, memberships } = await world()
    const models = createIdentityModels(store.read.identity, store.changes)
    await ensureIdentityDefaults(home, deps)
    assert.equal(hasNoAdministrator(await models.of(home.id)), true)
    const results = await Promise.all(
      ['a', 'b', 'c'].map(username =>
        createFirstAdministrator(home, { username, password: 'twelve chars' }, deps),
      ),
    )
    assert.equal(results.filter(one => !isProblem(one)).length, 1)
    assert.ok(results.every(one => !isProblem(one) || one.code === 'insufficient_scope'))
    assert.equal((await memberships()).filter(({ container }) => container === 'role').length, 1)
    store.changes.upToDate()
    assert.equal(hasNoAdministrator(await models.of(home.id)), false)
  })

  test('makes no administrator without a role to be in, nor of a user who is there', async () => {
    const { home, create } = await world()
    const given = { username: 'ada', password: 'twelve chars' }
    assert.equal(codeOf(await createFirstAdministrator(home, given, deps)), 'insufficient_scope')
    await ensureIdentityDefaults(home, deps)
    made(await create('user', given))
    assert.equal(codeOf(await createFirstAdministrator(home, given, deps)), 'conflict')
    assert.equal(codeOf(await createFirstAdministrator(home, { password: 'x' }, deps)), 'invalid_input')
  })
})
