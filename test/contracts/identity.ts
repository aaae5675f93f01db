import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../src/adapters/store/open.ts'
import type { EntityKind, Membership, StoredEntity, StoredSession } from '../../src/core/identity/index.ts'
import type { Change } from '../../src/core/store.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import { aTenant, type Place, someId } from './store.ts'

/** Later than 32 bits of milliseconds reach. */
const someTime = 4_102_444_800_123

const aSession = (tenantId: string, more: Partial<StoredSession> = {}): StoredSession => ({
  digest: someId(),
  tenantId,
  sealed: Buffer.from('00ff80', 'hex'),
  createdAt: someTime,
  expiresAt: someTime + 1,
  ...more,
})

/** What the identity service asks of its tables, on every engine. */
export function identityContract(engine: string, makePlace: () => Promise<Place>): void {
  describe(`${engine}: identity`, () => {
    let place: Place
    let store: Store
    let tenant: Tenant
    const told: (Change | undefined)[] = []
    before(async () => {
      place = await makePlace()
      store = await place.open()
      store.changes.onChange(change => told.push(change))
    })
    after(async () => {
      await store.close()
      await place.drop()
    })

    const newTenant = async () => {
      tenant = aTenant()
      await store.write(({ tenants }) => tenants.insert(tenant))
      return tenant.id
    }
    const entity = (kind: EntityKind, id: string, content: StoredEntity['content'] = {}): StoredEntity => ({
      tenantId: tenant.id,
      kind,
      id,
      content,
      createdAt: someTime,
    })
    const put = (...entities: StoredEntity[]) =>
      store.write(async ({ identity }) => {
        for (const one of entities) await identity.put(one)
      })
    const member = (container: Membership['container'], of: Membership['member'], memberId = 'm') => ({
      tenantId: tenant.id,
      container,
      containerId: 'c',
      member: of,
      memberId,
    })
    const identity = () => store.read.identity

    it('entities come back as they were put, and are replaced', async () => {
      const id = await newTenant()
      const role = entity('role', '__proto__', { name: 'ä "\\ \u2028', list: ['*'], none: null })
      await put(role)
      assert.deepEqual(await identity().find(id, 'role', '__proto__'), role)
      assert.deepEqual(await identity().entities(id), [role])
      await put({ ...role, content: { name: 'other' }, createdAt: 1 })
      assert.deepEqual(await identity().find(id, 'role', '__proto__'), {
        ...role,
        content: { name: 'other' },
      })
      assert.equal(await identity().find(id, 'group', '__proto__'), undefined)
      assert.equal(await identity().find(id, 'role', '__PROTO__'), undefined)
    })

    it('tenants do not see each other', async () => {
      const one = await newTenant()
      await put(entity('role', 'x'))
      await store.write(({ identity }) => identity.add(member('role', 'user')))
      const other = await newTenant()
      assert.deepEqual(await identity().entities(other), [])
      assert.deepEqual(await identity().memberships(other), [])
      assert.equal(await identity().has(member('role', 'user')), false)
      assert.equal((await identity().memberships(one)).length, 1)
    })

    it('what is deleted takes its memberships with it, those of others in it and its own', async () => {
      const id = await newTenant()
      await put(entity('role', 'c'), entity('group', 'm'), entity('role', 'm'))
      const [mine, others, stays] = [
        member('role', 'group'),
        member('tenant', 'role', 'c'),
        member('group', 'user'),
      ]
      await store.write(async ({ identity }) => {
        for (const one of [mine, others, stays]) await identity.add(one)
      })
      await store.write(({ identity }) => identity.delete(entity('role', 'c')))
      assert.deepEqual(await identity().memberships(id), [stays])
      assert.equal(await identity().find(id, 'role', 'c'), undefined)
      assert.ok(await identity().find(id, 'role', 'm'))
    })

    it('authorizations are found by their owner to the letter, whatever it is called', async () => {
      const id = await newTenant()
      const owners = ['a%b', 'a_b', 'aXb', 'A%B', 'a\\b', 'a"b', 'ä', "'; --"]
      await put(
        ...owners.flatMap((ownerId, i) => [
          entity('authorization', `${i}`, { ownerType: 'USER', ownerId }),
          entity('authorization', `${i + 100}`, { ownerType: 'CLIENT', ownerId }),
        ]),
        entity('role', 'r', { ownerType: 'USER', ownerId: 'ä' }),
      )
      for (const [i, ownerId] of owners.entries())
        assert.deepEqual(
          (await identity().ownedBy(id, 'USER', ownerId)).map(one => one.id),
          [`${i}`],
          ownerId,
        )
      assert.deepEqual(await identity().ownedBy(id, 'USER', 'a'), [])
    })

    it('numbers are given once, and none is used up by a transaction that fails', async () => {
      const id = await newTenant()
      assert.equal(await identity().lastKey(id), 0)
      const next = () => store.write(({ identity }) => identity.nextKey(id))
      assert.deepEqual((await Promise.all([next(), next(), next()])).sort(), [1, 2, 3])
      await assert.rejects(
        store.write(async ({ identity }) => {
          await identity.nextKey(id)
          throw new Error('no')
        }),
      )
      assert.equal(await identity().lastKey(id), 3)
      assert.equal(await next(), 4)
      assert.equal(await identity().lastKey(await newTenant()), 0)
    })

    it('a change names what has changed, so that it alone is read', async () => {
      const id = await newTenant()
      const heard = async (work: () => Promise<unknown>) => {
        store.changes.upToDate()
        told.splice(0)
        await work()
        const deadline = Date.now() + 5000
        while (told.length === 0 && Date.now() < deadline) {
          store.changes.upToDate()
          await new Promise(setImmediate)
        }
        return told.map(change => `${change?.kind} ${change?.detail} ${change?.id}`)
      }
      assert.deepEqual(await heard(() => put(entity('mapping-rule', 'r'))), ['identity mapping-rule r'])
      const name = JSON.stringify(['role', 'c', 'mapping-rule', 'r'])
      const membership = member('role', 'mapping-rule', 'r')
      assert.deepEqual(await heard(() => store.write(({ identity }) => identity.add(membership))), [
        `identity membership ${name}`,
      ])
      const gone = await heard(() =>
        store.write(({ identity }) => identity.delete(entity('mapping-rule', 'r'))),
      )
      assert.deepEqual(gone.sort(), [`identity mapping-rule r`, `identity membership ${name}`])
      assert.deepEqual(await identity().memberships(id), [])
    })

    it('sessions are found by their digest, put off, and end one by one or all', async () => {
      const id = await newTenant()
      const [one, other, old] = [aSession(id), aSession(id), aSession(id, { expiresAt: 5 })]
      await store.write(async ({ sessions }) => {
        for (const session of [one, other, old]) await sessions.insert(session)
      })
      const { sessions } = store.read
      assert.deepEqual(await sessions.find(one.digest), one)
      await store.write(({ sessions }) => sessions.putOff(one.digest, someTime + 9))
      assert.equal((await sessions.find(one.digest))?.expiresAt, someTime + 9)
      await store.write(({ sessions }) => sessions.deleteExpired(6))
      assert.equal(await sessions.find(old.digest), undefined)
      await store.write(({ sessions }) => sessions.delete(other))
      assert.equal(await sessions.find(other.digest), undefined)
      assert.ok(await sessions.find(one.digest))
      await store.write(({ sessions }) => sessions.clear(id))
      assert.equal(await sessions.find(one.digest), undefined)
    })

    it('a tenant takes everything with it', async () => {
      const id = await newTenant()
      const session = aSession(id)
      await put(entity('role', 'c'))
      await store.write(async ({ identity, sessions }) => {
        await identity.add(member('role', 'user'))
        await identity.nextKey(id)
        await sessions.insert(session)
      })
      await store.write(({ tenants }) => tenants.delete(id))
      assert.deepEqual(await identity().entities(id), [])
      assert.deepEqual(await identity().memberships(id), [])
      assert.equal(await identity().lastKey(id), 0)
      assert.equal(await store.read.sessions.find(session.digest), undefined)
    })
  })
}
