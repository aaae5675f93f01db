import type { TenantKey, TenantKeyTable } from '../../../core/tokens/store.ts'
import type { TenantKeyRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function tenantKeyTable(scope: Scope): TenantKeyTable {
  const changing = (tenantId: string, id: string) => scope.changing({ kind: 'tenant-key', tenantId, id })
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('tenantKeys')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('createdAt')
        .orderBy('id')
        .execute()
      return rows.map(tenantKeyOf)
    },
    async insert({
      tenantId,
      id,
      use,
      algorithm,
      publicJwk = null,
      sealed,
      createdAt,
      activeFrom,
      retireAt = null,
    }) {
      await changing(tenantId, id)
        .insertInto('tenantKeys')
        .values({ tenantId, id, use, algorithm, publicJwk, sealed, createdAt, activeFrom, retireAt })
        .execute()
    },
    async setRetireAt(tenantId, id, retireAt) {
      await changing(tenantId, id)
        .updateTable('tenantKeys')
        .set({ retireAt })
        .where('tenantId', '=', tenantId)
        .where('id', '=', id)
        .execute()
    },
    async delete(tenantId, id) {
      await changing(tenantId, id)
        .deleteFrom('tenantKeys')
        .where('tenantId', '=', tenantId)
        .where('id', '=', id)
        .execute()
    },
  }
}

function tenantKeyOf(row: TenantKeyRow): TenantKey {
  return { ...row, publicJwk: row.publicJwk ?? undefined, retireAt: row.retireAt ?? undefined }
}
