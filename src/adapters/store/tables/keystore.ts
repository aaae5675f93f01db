import type { KeystoreEntry, KeystoreTable } from '../../../core/keystore/index.ts'
import type { KeystoreEntryRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function keystoreTable(scope: Scope): KeystoreTable {
  const changing = ({ id, tenantId }: Pick<KeystoreEntry, 'id' | 'tenantId'>) =>
    scope.changing({ kind: 'keystore', tenantId, id })
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('keystoreEntries')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('aliasLower')
        .execute()
      return rows.map(entryOf)
    },
    async count(tenantId) {
      const { count } = await scope.db
        .selectFrom('keystoreEntries')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenantId', '=', tenantId)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    async find(tenantId, alias) {
      const row = await scope.db
        .selectFrom('keystoreEntries')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('aliasLower', '=', alias.toLowerCase())
        .executeTakeFirst()
      return row && entryOf(row)
    },
    async insert(entry) {
      await changing(entry).insertInto('keystoreEntries').values(rowOf(entry)).execute()
    },
    async update(entry) {
      const { id, tenantId: _t, createdAt: _c, ...changed } = rowOf(entry)
      await changing(entry).updateTable('keystoreEntries').set(changed).where('id', '=', id).execute()
    },
    async delete(entry) {
      await changing(entry).deleteFrom('keystoreEntries').where('id', '=', entry.id).execute()
    },
    async usedBy(id) {
      const rows = await scope.db
        .selectFrom('securityMaterial')
        .select('name')
        .where('keystoreEntryId', '=', id)
        .orderBy('nameLower')
        .execute()
      return rows.map(({ name }) => name)
    },
    async endingBefore(time) {
      const rows = await scope.db
        .selectFrom('keystoreEntries')
        .innerJoin('tenants', 'tenants.id', 'keystoreEntries.tenantId')
        .selectAll('keystoreEntries')
        .select('tenants.name as tenantName')
        .where('notAfter', '<', time)
        .orderBy('notAfter')
        .execute()
      return rows.map(({ tenantName, ...row }) => {
        const { alias, chain, sealedKey, notAfter } = entryOf(row)
        return { tenantName, alias, chain, holdsKey: sealedKey !== undefined, notAfter }
      })
    },
  }
}

const rowOf = ({ alias, chain, sealedKey, ...rest }: KeystoreEntry): KeystoreEntryRow => ({
  ...rest,
  alias,
  aliasLower: alias.toLowerCase(),
  chain: JSON.stringify(chain.map(der => der.toString('base64'))),
  sealedKey: sealedKey ?? null,
})

const entryOf = ({ aliasLower: _, chain, sealedKey, ...row }: KeystoreEntryRow): KeystoreEntry => ({
  ...row,
  chain: (JSON.parse(chain) as string[]).map(der => Buffer.from(der, 'base64')),
  sealedKey: sealedKey ?? undefined,
})
