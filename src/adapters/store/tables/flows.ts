import type { FlowTable } from '../../../core/flows/store.ts'
import type { Scope } from './scope.ts'

export function flowTable(scope: Scope): FlowTable {
  const changing = (tenantId: string, id: string) => scope.changing({ kind: 'flow', tenantId, id })
  return {
    async list(tenantId) {
      return scope.db.selectFrom('flows').selectAll().where('tenantId', '=', tenantId).orderBy('id').execute()
    },
    async find(tenantId, id) {
      return scope.db
        .selectFrom('flows')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
    },
    async put({ tenantId, id, definition, deployedAt }) {
      await changing(tenantId, id)
        .insertInto('flows')
        .values({ tenantId, id, definition, deployedAt })
        .onConflict(conflict => conflict.columns(['tenantId', 'id']).doUpdateSet({ definition, deployedAt }))
        .execute()
    },
    async delete(tenantId, id) {
      await changing(tenantId, id)
        .deleteFrom('flows')
        .where('tenantId', '=', tenantId)
        .where('id', '=', id)
        .execute()
    },
  }
}
