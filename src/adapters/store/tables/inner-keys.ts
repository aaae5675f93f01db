import type { InnerKeyTable } from '../../../core/vault.ts'
import type { Scope } from './scope.ts'

export function innerKeyTable(scope: Scope): InnerKeyTable {
  const changing = (id: string) => scope.changing({ kind: 'inner-key', tenantId: '', id })
  return {
    async list() {
      return scope.db.selectFrom('innerKeys').selectAll().orderBy('createdAt').orderBy('id').execute()
    },
    async insert({ id, purpose, sealed, createdAt }) {
      await changing(id).insertInto('innerKeys').values({ id, purpose, sealed, createdAt }).execute()
    },
    async replaceSealed(id, sealed) {
      await changing(id).updateTable('innerKeys').set({ sealed }).where('id', '=', id).execute()
    },
  }
}
