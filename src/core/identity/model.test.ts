import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Change } from '../store.ts'
import { createIdentityModels } from './model.ts'
import type { EntityKind, IdentityTable, Membership, StoredEntity } from './store.ts'

const tenantId = 't'

const anEntity = (kind: EntityKind, id: string, content: StoredEntity['content'] = {}): StoredEntity => ({
  tenantId,
  kind,
  id,
  content,
  createdAt: 1,
})
const aRule = (id: string, claimName: string, claimValue: string) =>
  anEntity('mapping-rule', id, { claimName, claimValue, name: id })
const aMembership = (
  container: Membership['container'],
  containerId: string,
  member: Membership['member'],
  memberId: string,
): Membership => ({ tenantId, container, containerId, member, memberId })

/** A table whose reads can be held up or fail, and the feed that announces its changes. */
function world(...before: StoredEntity[]) {
  const rows = new Map(before.map(row => [`${row.kind} ${row.id}`, row]))
  const members = new Map<string, Membership>()
  let tell: (change: Change | undefined) => void = () => {}
  let hold: Promise<void> | undefined
  let reads = 0
  const broken = new Set<string>()
  const nameOf = ({ container, containerId, member, memberId }: Membership) =>
    JSON.stringify([container, containerId, member, memberId])
  /** What is read is what was there when the reading began. */
  const reading = async <Value>(value: Value, key = ''): Promise<Value> => {
    reads++
    await hold
    if (broken.has(key)) throw new Error('the database is gone')
    return value
  }
  const table = {
    entities: () => reading([...rows.values()], 'all'),
    memberships: () => reading([...members.values()]),
    find: (_, kind, id) => reading(rows.get(`${kind} ${id}`), `${kind} ${id}`),
    has: membership => reading(members.has(nameOf(membership))),
  } as Partial<IdentityTable> as IdentityTable
  const models = createIdentityModels(table, {
    upToDate: () => true,
    onChange(listener) {
      tell = listener
    },
  })
  const announce = (kind: EntityKind, id: string) => tell({ kind: 'identity', tenantId, id, detail: kind })
  return {
    of: () => models.of(tenantId),
    put(entity: StoredEntity) {
      rows.set(`${entity.kind} ${entity.id}`, entity)
      announce(entity.kind, entity.id)
    },
    drop(kind: EntityKind, id: string) {
      rows.delete(`${kind} ${id}`)
      announce(kind, id)
    },
    /** Without a word. */
    replaceAll(...entities: StoredEntity[]) {
      rows.clear()
      for (const row of entities) rows.set(`${row.kind} ${row.id}`, row)
    },
    add(membership: Membership) {
      members.set(nameOf(membership), membership)
      tell({ kind: 'identity', tenantId, id: nameOf(membership), detail: 'membership' })
    },
    remove(membership: Membership) {
      members.delete(nameOf(membership))
      tell({ kind: 'identity', tenantId, id: nameOf(membership), detail: 'membership' })
    },
    tell: (change: Change | undefined) => tell(change),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      hold = promise
      return () => {
        hold = undefined
        resolve()
      }
    },
    broken,
    reads: () => reads,
  }
}

describe('a model', () => {
  test('is read once, and then only what has changed', async () => {
    const { of, put, reads } = world(anEntity('role', 'a'))
    const [one, other] = await Promise.all([of(), of()])
    assert.equal(one, other)
    assert.equal(reads(), 2)
    assert.equal(of(), one, 'at once, without waiting')
    put(anEntity('role', 'b'))
    assert.ok((await of()).entity('role', 'b'))
    assert.equal(reads(), 3)
  })

  test('knows who is in what, in both directions, until it is taken out', async () => {
    const { of, add, remove } = world()
    const membership = aMembership('role', 'r', 'client', '__proto__')
    add(membership)
    const model = await of()
    assert.deepEqual([...model.membersOf('role', 'r', 'client')], ['__proto__'])
    assert.deepEqual([...model.containersOf('client', '__proto__', 'role')], ['r'])
    assert.deepEqual([...model.containersOf('user', '__proto__', 'role')], [])
    assert.deepEqual([...model.clients()], ['__proto__'])
    assert.deepEqual(model.placesOf('__proto__'), [{ kind: 'role', id: 'r' }])
    remove(membership)
    await of()
    assert.deepEqual([...model.membersOf('role', 'r', 'client')], [])
    assert.deepEqual([...model.clients()], [])
  })

  test('does not mix up ids that look alike when they are put together', async () => {
    const { of, add } = world()
    add(aMembership('role', 'a","user","b', 'user', 'c'))
    add(aMembership('role', 'a', 'user', 'b","c'))
    const model = await of()
    assert.deepEqual([...model.membersOf('role', 'a', 'user')], ['b","c'])
    assert.deepEqual([...model.containersOf('user', 'c', 'role')], ['a","user","b'])
  })

  test('finds authorizations by their owner as it is now', async () => {
    const of = (ownerType: string, ownerId: string) => anEntity('authorization', '1', { ownerType, ownerId })
    const { put, drop, ...rest } = world(of('CLIENT', 'constructor'))
    const model = await rest.of()
    assert.deepEqual([...model.authorizationsOf('CLIENT', 'constructor')], ['1'])
    assert.deepEqual([...model.authorizationsOf('USER', 'constructor')], [])
    assert.deepEqual([...model.clients()], ['constructor'])
    put(of('USER', 'constructor'))
    await rest.of()
    assert.deepEqual([...model.authorizationsOf('CLIENT', 'constructor')], [])
    assert.deepEqual([...model.authorizationsOf('USER', 'constructor')], ['1'])
    assert.deepEqual([...model.clients()], [])
    drop('authorization', '1')
    await rest.of()
    assert.deepEqual([...model.authorizationsOf('USER', 'constructor')], [])
  })

  test('is that of its tenant, and goes with it', async () => {
    const { of, tell, put } = world(anEntity('role', 'a'))
    const before = await of()
    tell({ kind: 'identity', tenantId: 'another', id: 'a', detail: 'role' })
    assert.equal(of(), before)
    tell({ kind: 'tenant', tenantId: 'another', id: 'another' })
    assert.equal(of(), before)
    tell({ kind: 'tenant', tenantId, id: tenantId })
    put(anEntity('role', 'b'))
    const now = await of()
    assert.notEqual(now, before)
    assert.ok(now.entity('role', 'b'))
  })

  test('is not read again for a session', async () => {
    const { of, tell, reads } = world()
    const model = await of()
    tell({ kind: 'identity', tenantId, id: 'x', detail: 'session' })
    assert.equal(of(), model)
    assert.equal(reads(), 2)
  })
})

describe('while a model is being read', () => {
  test('a change is not lost, be it of what was read before or is still to be read', async () => {
    const { of, put, drop, hold } = world(anEntity('role', 'old'), anEntity('role', 'gone'))
    const go = hold()
    const reading = of()
    put(anEntity('role', 'old', { name: 'changed' }))
    put(anEntity('role', 'new'))
    drop('role', 'gone')
    go()
    const model = await reading
    assert.equal(model.entity('role', 'old')?.content.name, 'changed')
    assert.ok(model.entity('role', 'new'))
    assert.equal(model.entity('role', 'gone'), undefined)
  })

  test('a change of what is being read again is read once more', async () => {
    const { of, put, hold } = world(anEntity('role', 'a'))
    await of()
    put(anEntity('role', 'a', { name: 'first' }))
    const go = hold()
    const reading = of()
    put(anEntity('role', 'a', { name: 'second' }))
    go()
    assert.equal((await reading).entity('role', 'a')?.content.name, 'second')
  })

  test('whoever asks in the turn in which it ends sees a change that was announced in it', async () => {
    const { of, put } = world(anEntity('role', 'a'))
    const seen: unknown[] = []
    // Announced in every turn of the reading, one after the other.
    const reading = of()
    const asking: unknown[] = []
    for (let turn = 0; turn < 20; turn++) {
      put(anEntity('role', 'a', { turn }))
      const asked = Promise.resolve(of()).then(model => {
        seen.push(turn)
        const at = Number(model.entity('role', 'a')?.content.turn)
        assert.ok(at >= turn, `${at} was seen after ${turn} had been announced`)
      })
      asking.push(asked)
      await null
    }
    await Promise.all([reading, ...asking])
    assert.equal(seen.length, 20)
  })

  test('a lost connection costs nothing but that reading', async () => {
    const { of, put, broken } = world(anEntity('role', 'a'))
    broken.add('all')
    await assert.rejects(async () => of(), /gone/)
    broken.clear()
    const model = await of()
    put(anEntity('role', 'b'))
    put(anEntity('role', 'c'))
    put(anEntity('role', 'd'))
    broken.add('role b')
    await assert.rejects(async () => of(), /gone/)
    await assert.rejects(async () => of(), /gone/)
    broken.clear()
    await of()
    for (const id of ['a', 'b', 'c', 'd']) assert.ok(model.entity('role', id), id)
  })
})

describe('versions', () => {
  test('count up with each change, and not without', async () => {
    const { of, put } = world(anEntity('role', 'a'))
    const { version } = await of()
    assert.equal((await of()).version, version)
    put(anEntity('role', 'a'))
    assert.ok((await of()).version > version)
  })

  test('tell a model that was read anew from the one before, of the same size', async () => {
    const { of, tell, replaceAll } = world(aRule('a', 'oid', '1'))
    const before = await of()
    replaceAll(aRule('b', 'oid', '2'))
    tell(undefined)
    const now = await of()
    assert.deepEqual(now.rulesFor({ oid: '2' }), ['b'])
    assert.notEqual(now.version, before.version)
  })
})

describe('mapping rules', () => {
  test('are fulfilled by a text, by an item of a list, and by nothing else', async () => {
    const model = await world(
      aRule('by-text', 'oid', '1'),
      aRule('by-item', 'roles', 'Admin'),
      aRule('by-path', '$.realm.roles', 'Admin'),
      aRule('other', 'oid', '2'),
      aRule('broken', '$.a[', 'x'),
    ).of()
    assert.deepEqual(model.rulesFor({ oid: '1', roles: ['User', 'Admin'] }), ['by-text', 'by-item'])
    assert.deepEqual(model.rulesFor({ realm: { roles: ['Admin'] } }), ['by-path'])
    for (const claims of [
      undefined,
      {},
      { oid: '1 ' },
      { oid: ['x'] },
      { oid: { 1: '1' } },
      { roles: 'admin' },
    ])
      assert.deepEqual(model.rulesFor(claims), [])
  })

  test('for hostile claims and values are like any other', async () => {
    const model = await world(
      aRule('proto', '__proto__', 'constructor'),
      aRule('constructor', 'constructor', '__proto__'),
      aRule('__proto__', 'toString', 'x'),
    ).of()
    assert.deepEqual(model.rulesFor({}), [])
    assert.deepEqual(model.rulesFor({ constructor: '__proto__' }), ['constructor'])
    assert.deepEqual(model.rulesFor(JSON.parse('{"__proto__":"constructor"}')), ['proto'])
    assert.deepEqual(model.rulesFor({ toString: 'x' }), ['__proto__'])
  })

  test('change and go with what is stored', async () => {
    const { of, put, drop } = world(aRule('r', 'oid', '1'))
    const model = await of()
    put(aRule('r', 'sub', '2'))
    await of()
    assert.deepEqual(model.rulesFor({ oid: '1' }), [])
    assert.deepEqual(model.rulesFor({ sub: '2' }), ['r'])
    drop('mapping-rule', 'r')
    await of()
    assert.deepEqual(model.rulesFor({ sub: '2' }), [])
  })

  test('are found in as many look-ups among 10 000 as among 10', async () => {
    const lookUps = async (count: number) => {
      const rules = Array.from({ length: count }, (_, i) => aRule(`r${i}`, ['oid', 'roles'][i % 2]!, `v${i}`))
      const model = await world(...rules).of()
      let asked = 0
      const claims = new Proxy(
        { oid: 'v0', roles: ['v1', 'v3', 'none'], sub: 'v2' },
        {
          get(target, name) {
            asked++
            return Reflect.get(target, name)
          },
          getOwnPropertyDescriptor(target, name) {
            asked++
            return Reflect.getOwnPropertyDescriptor(target, name)
          },
        },
      )
      assert.deepEqual(model.rulesFor(claims), ['r0', 'r1', 'r3'])
      return asked
    }
    const few = await lookUps(10)
    assert.ok(few > 0)
    assert.equal(await lookUps(10_000), few)
  })
})
