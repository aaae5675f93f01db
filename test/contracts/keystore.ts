import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../src/adapters/store/open.ts'
import type { KeystoreEntry } from '../../src/core/keystore/index.ts'
import type { StoredMaterial } from '../../src/core/material/index.ts'
import type { Change } from '../../src/core/store.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import { aTenant, type Place, someId } from './store.ts'

/** Later than 32 bits of milliseconds reach. */
const someTime = 4_102_444_800_123
const der = Buffer.from('00ff80', 'hex')

export const anEntry = (
  { id: tenantId }: Pick<Tenant, 'id'>,
  more: Partial<KeystoreEntry> = {},
): KeystoreEntry => ({
  id: someId(),
  tenantId,
  alias: `Alias ${someId()}`,
  chain: [der, Buffer.from('01', 'hex')],
  sealedKey: der,
  notAfter: someTime,
  createdAt: someTime,
  updatedAt: someTime,
  ...more,
})

export const someMaterial = (
  { id: tenantId }: Pick<Tenant, 'id'>,
  more: Partial<StoredMaterial> = {},
): StoredMaterial => ({
  id: someId(),
  tenantId,
  name: `Material ${someId()}`,
  type: 'user',
  sealed: der,
  keystoreEntryId: undefined,
  createdAt: someTime,
  updatedAt: someTime,
  ...more,
})

/** What the keystore and the security material are asked for, on every engine. */
export function keystoreContract(engine: string, makePlace: () => Promise<Place>): void {
  describe(`${engine}: the keystore`, () => {
    let place: Place
    let store: Store
    let tenant: Tenant
    const told: (Change | undefined)[] = []
    before(async () => {
      place = await makePlace()
      store = await place.open()
      store.changes.onChange(change => told.push(change))
      tenant = await newTenant()
    })
    after(async () => {
      await store.close()
      await place.drop()
    })

    async function newTenant(): Promise<Tenant> {
      const made = aTenant()
      await store.write(({ tenants }) => tenants.insert(made))
      return made
    }
    async function insert(more: Partial<KeystoreEntry> = {}): Promise<KeystoreEntry> {
      const entry = anEntry(tenant, more)
      await store.write(({ keystore }) => keystore.insert(entry))
      return entry
    }

    it('gives back entries as they were, by their alias in any case, in their tenant', async () => {
      const other = await newTenant()
      const pair = await insert({ alias: 'Ärger mit ERP' })
      const alone = await insert({ sealedKey: undefined, chain: [der] })
      const { keystore } = store.read
      for (const alias of ['Ärger mit ERP', 'ärger MIT erp'])
        assert.deepEqual(await keystore.find(tenant.id, alias), pair)
      assert.deepEqual(await keystore.find(tenant.id, alone.alias), alone)
      assert.equal(await keystore.find(other.id, pair.alias), undefined)
      assert.deepEqual([await keystore.list(other.id), await keystore.count(other.id)], [[], 0])
      const listed = await keystore.list(tenant.id)
      assert.equal(listed.length, await keystore.count(tenant.id))
      assert.ok(listed.some(({ id }) => id === pair.id))
    })

    it('lets no two entries of a tenant have an alias that differs in case only', async () => {
      const { alias } = await insert()
      await assert.rejects(insert({ alias: alias.toUpperCase() }))
      const other = await newTenant()
      await insert({ alias, tenantId: other.id })
    })

    it('replaces all but id, tenant and creation date, and tells of every change', async () => {
      const entry = await insert()
      const changed = {
        ...entry,
        alias: `Renamed ${entry.alias}`,
        chain: [Buffer.from('02', 'hex')],
        sealedKey: undefined,
        notAfter: 1,
        updatedAt: someTime + 1,
      }
      told.length = 0
      await store.write(({ keystore }) => keystore.update({ ...changed, createdAt: 5 }))
      assert.deepEqual(await store.read.keystore.find(tenant.id, changed.alias), changed)
      assert.equal(await store.read.keystore.find(tenant.id, entry.alias), undefined)
      await store.write(({ keystore }) => keystore.delete(entry))
      assert.equal(await store.read.keystore.find(tenant.id, changed.alias), undefined)
      const change = { kind: 'keystore', tenantId: tenant.id, id: entry.id }
      assert.deepEqual(told, [change, change])
    })

    it('tells what ends, of all tenants, the next first', async () => {
      const other = await newTenant()
      const later = await insert({ notAfter: 20, tenantId: other.id })
      const sooner = await insert({ notAfter: 10, sealedKey: undefined })
      const ids = [later, sooner].map(({ alias }) => alias)
      const ending = async (time: number) =>
        (await store.read.keystore.endingBefore(time)).filter(({ alias }) => ids.includes(alias))
      const { alias, chain } = sooner
      assert.deepEqual(await ending(20), [
        { tenantName: tenant.name, alias, chain, holdsKey: false, notAfter: 10 },
      ])
      assert.deepEqual(
        (await ending(21)).map(one => [one.tenantName, one.holdsKey]),
        [
          [tenant.name, false],
          [other.name, true],
        ],
      )
    })

    it('keeps security material beside it, which names an entry whatever its alias is', async () => {
      const entry = await insert()
      const one = someMaterial(tenant, { name: 'Über ERP', keystoreEntryId: entry.id })
      const other = someMaterial(tenant)
      told.length = 0
      await store.write(async ({ material }) => {
        await material.insert(one)
        await material.insert(other)
      })
      const { material, keystore } = store.read
      assert.deepEqual(await material.find(tenant.id, 'über erp'), { ...one, keystoreAlias: entry.alias })
      assert.deepEqual(await material.find(tenant.id, other.name), { ...other, keystoreAlias: undefined })
      assert.deepEqual(await keystore.usedBy(entry.id), ['Über ERP'])
      await store.write(tables => tables.keystore.update({ ...entry, alias: 'Another alias' }))
      assert.equal((await material.find(tenant.id, one.name))?.keystoreAlias, 'Another alias')
      await assert.rejects(store.write(tables => tables.keystore.delete(entry)))
      await assert.rejects(
        store.write(tables => tables.material.insert(someMaterial(tenant, { name: 'ÜBER ERP' }))),
      )
      const changed = {
        ...one,
        type: 'x',
        sealed: Buffer.from('01', 'hex'),
        keystoreEntryId: undefined,
        updatedAt: 1,
      }
      await store.write(tables => tables.material.update({ ...changed, createdAt: 5 }))
      assert.deepEqual(await material.find(tenant.id, one.name), { ...changed, keystoreAlias: undefined })
      assert.deepEqual(await keystore.usedBy(entry.id), [])
      const names = (await material.list(tenant.id)).map(({ name }) => name)
      assert.deepEqual(names, [other.name, 'Über ERP'])
      assert.equal(await material.count(tenant.id), 2)
      await store.write(tables => tables.material.delete(one))
      assert.equal(await material.find(tenant.id, one.name), undefined)
      assert.deepEqual(
        told.filter(change => change?.kind === 'material').map(change => change?.id),
        [one.id, other.id, one.id, one.id],
      )
    })

    it('goes with its tenant', async () => {
      const gone = await newTenant()
      const { alias, id } = await insert({ tenantId: gone.id })
      const named = someMaterial(gone, { keystoreEntryId: id })
      await store.write(({ material }) => material.insert(named))
      await store.write(({ tenants }) => tenants.delete(gone.id))
      assert.equal(await store.read.keystore.find(gone.id, alias), undefined)
      assert.equal(await store.read.material.find(gone.id, named.name), undefined)
    })
  })
}
