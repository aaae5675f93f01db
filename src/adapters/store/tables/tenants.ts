import type { Tenant, TenantTable } from '../../../core/tenant.ts'
import type { AlgorithmName } from '../../../crypto/algorithms.ts'
import type { TenantRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function tenantTable(scope: Scope): TenantTable {
  const changing = (id: string) => scope.changing({ kind: 'tenant', tenantId: id, id })
  return {
    async list() {
      const rows = await scope.db.selectFrom('tenants').selectAll().orderBy('number').execute()
      return rows.map(tenantOf)
    },
    async insert({ aliases, selfSigned, ...tenant }) {
      await changing(tenant.id)
        .insertInto('tenants')
        .values({ ...tenant, aliases: JSON.stringify(aliases), selfSigned: Number(selfSigned) })
        .execute()
    },
    async setSigningAlgorithm(tenantId, signingAlgorithm) {
      await changing(tenantId)
        .updateTable('tenants')
        .set({ signingAlgorithm })
        .where('id', '=', tenantId)
        .execute()
    },
    async setSelfSigned(tenantId, allowed) {
      await changing(tenantId)
        .updateTable('tenants')
        .set({ selfSigned: Number(allowed) })
        .where('id', '=', tenantId)
        .execute()
    },
    async delete(tenantId) {
      await changing(tenantId).deleteFrom('tenants').where('id', '=', tenantId).execute()
    },
  }
}

function tenantOf(row: TenantRow): Tenant {
  return {
    ...row,
    aliases: JSON.parse(row.aliases),
    signingAlgorithm: row.signingAlgorithm as AlgorithmName,
    selfSigned: row.selfSigned === 1,
  }
}
