import type { FoundMaterial, MaterialTable, StoredMaterial } from '../../../core/material/index.ts'
import type { SecurityMaterialRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function materialTable(scope: Scope): MaterialTable {
  const changing = ({ id, tenantId }: Pick<StoredMaterial, 'id' | 'tenantId'>) =>
    scope.changing({ kind: 'material', tenantId, id })
  const selection = (tenantId: string) =>
    scope.db
      .selectFrom('securityMaterial')
      .leftJoin('keystoreEntries', 'keystoreEntries.id', 'securityMaterial.keystoreEntryId')
      .selectAll('securityMaterial')
      .select('keystoreEntries.alias as keystoreAlias')
      .where('securityMaterial.tenantId', '=', tenantId)
  return {
    async list(tenantId) {
      const rows = await selection(tenantId).orderBy('nameLower').execute()
      return rows.map(materialOf)
    },
    async count(tenantId) {
      const { count } = await scope.db
        .selectFrom('securityMaterial')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenantId', '=', tenantId)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    async find(tenantId, name) {
      const row = await selection(tenantId).where('nameLower', '=', name.toLowerCase()).executeTakeFirst()
      return row && materialOf(row)
    },
    async insert(material) {
      await changing(material).insertInto('securityMaterial').values(rowOf(material)).execute()
    },
    async update(material) {
      const { id, tenantId: _t, createdAt: _c, ...changed } = rowOf(material)
      await changing(material).updateTable('securityMaterial').set(changed).where('id', '=', id).execute()
    },
    async delete(material) {
      await changing(material).deleteFrom('securityMaterial').where('id', '=', material.id).execute()
    },
  }
}

const rowOf = ({
  id,
  tenantId,
  name,
  type,
  sealed,
  keystoreEntryId,
  createdAt,
  updatedAt,
}: StoredMaterial): SecurityMaterialRow => ({
  id,
  tenantId,
  nameLower: name.toLowerCase(),
  name,
  type,
  sealed,
  keystoreEntryId: keystoreEntryId ?? null,
  createdAt,
  updatedAt,
})

const materialOf = ({
  nameLower: _,
  keystoreEntryId,
  keystoreAlias,
  ...row
}: SecurityMaterialRow & { keystoreAlias: string | null }): FoundMaterial => ({
  ...row,
  keystoreEntryId: keystoreEntryId ?? undefined,
  keystoreAlias: keystoreAlias ?? undefined,
})
