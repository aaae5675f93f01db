import type { RoleAssignment, RoleAssignmentTable } from '../../../core/broker/store.ts'
import { clientIdOf } from '../../../core/registration/index.ts'
import type { RoleAssignmentRow } from '../schema.ts'
import type { Scope } from './scope.ts'

/** A change of a user's roles is one of the client that calls as this user; nobody else keeps them. */
export function roleAssignmentTable(scope: Scope): RoleAssignmentTable {
  async function changing(tenantId: string, user: string) {
    const clientId = clientIdOf(user)
    const client =
      clientId === undefined
        ? undefined
        : await scope.db
            .selectFrom('registeredClients')
            .select('id')
            .where('tenantId', '=', tenantId)
            .where('clientId', '=', clientId)
            .executeTakeFirst()
    return client
      ? scope.changing({ kind: 'credential', tenantId, id: client.id, detail: clientId })
      : scope.changing()
  }
  return {
    async list(tenantId, user) {
      const rows = await scope.db
        .selectFrom('roleAssignments')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .$if(user !== undefined, query => query.where('userName', '=', user!))
        .orderBy('userName')
        .orderBy('node')
        .orderBy('role')
        .execute()
      return rows.map(assignmentOf)
    },
    async count(tenantId) {
      const { count } = await scope.db
        .selectFrom('roleAssignments')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenantId', '=', tenantId)
        .executeTakeFirstOrThrow()
      return count
    },
    async insert({ tenantId, user, node, role, createdAt }) {
      const db = await changing(tenantId, user)
      await db
        .insertInto('roleAssignments')
        .values({ tenantId, userName: user, node, role, createdAt })
        .execute()
    },
    async delete({ tenantId, user, node, role }) {
      const db = await changing(tenantId, user)
      await db
        .deleteFrom('roleAssignments')
        .where('tenantId', '=', tenantId)
        .where('userName', '=', user)
        .where('node', '=', node)
        .where('role', '=', role)
        .execute()
    },
    async deleteOf(tenantId, user) {
      const db = await changing(tenantId, user)
      await db
        .deleteFrom('roleAssignments')
        .where('tenantId', '=', tenantId)
        .where('userName', '=', user)
        .execute()
    },
    async withRole(tenantId, role) {
      const rows = await scope.db
        .selectFrom('roleAssignments')
        .select('userName')
        .distinct()
        .where('tenantId', '=', tenantId)
        .where('role', '=', role)
        .orderBy('userName')
        .execute()
      return rows.map(row => row.userName)
    },
  }
}

const assignmentOf = ({ tenantId, userName, node, role, createdAt }: RoleAssignmentRow): RoleAssignment => ({
  tenantId,
  user: userName,
  node,
  role,
  createdAt,
})
