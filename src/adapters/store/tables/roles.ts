import type { Role, RoleTable } from '../../../core/broker/store.ts'
import type { RoleRow } from '../schema.ts'
import type { Scope } from './scope.ts'

/** Role names are unique, and found, without regard to case. */
export function roleTable(scope: Scope): RoleTable {
  const changing = (tenantId: string, name: string) => scope.changing({ kind: 'role', tenantId, id: name })
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('roles')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('name')
        .execute()
      return rows.map(roleOf)
    },
    async find(tenantId, name) {
      const row = await scope.db
        .selectFrom('roles')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('nameLower', '=', name.toLowerCase())
        .executeTakeFirst()
      return row && roleOf(row)
    },
    async insert({ tenantId, name, description, createdAt }) {
      await changing(tenantId, name)
        .insertInto('roles')
        .values({ tenantId, nameLower: name.toLowerCase(), name, description, createdAt })
        .execute()
    },
    async setDescription(tenantId, name, description) {
      await changing(tenantId, name)
        .updateTable('roles')
        .set({ description })
        .where('tenantId', '=', tenantId)
        .where('nameLower', '=', name.toLowerCase())
        .execute()
    },
    async delete(tenantId, name) {
      await changing(tenantId, name)
        .deleteFrom('roles')
        .where('tenantId', '=', tenantId)
        .where('nameLower', '=', name.toLowerCase())
        .execute()
    },
  }
}

function roleOf({ tenantId, name, description, createdAt }: RoleRow): Role {
  return { tenantId, name, description, createdAt }
}
