import type { Instance, InstanceTable } from '../../../core/broker/store.ts'
import type { InstanceRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function instanceTable(scope: Scope): InstanceTable {
  const changing = ({ tenantId, id }: { tenantId: string; id: string }) =>
    scope.changing({ kind: 'instance', tenantId, id })

  /** One row per role, in one query: an instance is never seen with half of its roles. */
  const selection = () =>
    scope.db
      .selectFrom('instances')
      .leftJoin('instanceRoles', 'instanceRoles.instanceId', 'instances.id')
      .selectAll('instances')
      .select('instanceRoles.role')
      .orderBy('instances.name')
      .orderBy('instanceRoles.position')

  async function insertRoles({ id, roles }: Pick<Instance, 'id' | 'roles'>): Promise<void> {
    if (roles.length === 0) return
    const rows = roles.map((role, position) => ({
      instanceId: id,
      roleLower: role.toLowerCase(),
      role,
      position,
    }))
    await scope.db.insertInto('instanceRoles').values(rows).execute()
  }

  return {
    async list(tenantId) {
      return instancesOf(await selection().where('instances.tenantId', '=', tenantId).execute())
    },
    async find(tenantId, nameOrId) {
      const rows = await selection()
        .where('instances.tenantId', '=', tenantId)
        .where(either =>
          either.or([either('instances.name', '=', nameOrId), either('instances.id', '=', nameOrId)]),
        )
        .execute()
      const found = instancesOf(rows)
      return found.find(instance => instance.name === nameOrId) ?? found[0]
    },
    async count(tenantId) {
      const { count } = await scope.db
        .selectFrom('instances')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenantId', '=', tenantId)
        .executeTakeFirstOrThrow()
      return count
    },
    async insert(instance) {
      const { id, tenantId, name, plan, createdAt } = instance
      await changing(instance)
        .insertInto('instances')
        .values({ id, tenantId, name, plan, createdAt, ...changeable(instance) })
        .execute()
      await insertRoles(instance)
    },
    async update(instance) {
      await changing(instance)
        .updateTable('instances')
        .set(changeable(instance))
        .where('id', '=', instance.id)
        .execute()
      await scope.db.deleteFrom('instanceRoles').where('instanceId', '=', instance.id).execute()
      await insertRoles(instance)
    },
    async delete({ id, tenantId }) {
      const keys = await scope.db
        .selectFrom('serviceKeys')
        .select(['id', 'clientId'])
        .where('instanceId', '=', id)
        .execute()
      const credentials = keys.map(
        key => ({ kind: 'credential', tenantId, id: key.id, detail: key.clientId }) as const,
      )
      await scope
        .changing({ kind: 'instance', tenantId, id }, ...credentials)
        .deleteFrom('instances')
        .where('id', '=', id)
        .execute()
    },
    async withRole(tenantId, role) {
      const rows = await scope.db
        .selectFrom('instanceRoles')
        .innerJoin('instances', 'instances.id', 'instanceRoles.instanceId')
        .select('instances.name')
        .where('instances.tenantId', '=', tenantId)
        .where('instanceRoles.roleLower', '=', role.toLowerCase())
        .orderBy('instances.name')
        .execute()
      return rows.map(row => row.name)
    },
  }
}

/** What an update replaces. */
function changeable(instance: Instance) {
  const {
    dialect,
    tokenValidity,
    tokenFormat,
    certificateOverlap,
    assertionAudience,
    assertionReplay,
    updatedAt,
  } = instance
  return {
    dialect,
    grantTypes: JSON.stringify(instance.grantTypes),
    redirectUris: JSON.stringify(instance.redirectUris),
    tokenValidity,
    tokenFormat,
    bindTokens: Number(instance.bindTokens),
    certificateOverlap,
    assertionAudience,
    assertionReplay,
    updatedAt,
  }
}

function instancesOf(rows: readonly (InstanceRow & { role: string | null })[]): Instance[] {
  const byId = Map.groupBy(rows, row => row.id)
  return [...byId.values()].map(group => {
    const { role: _, ...row } = group[0]!
    return {
      ...row,
      roles: rolesOf(group),
      grantTypes: JSON.parse(row.grantTypes),
      redirectUris: JSON.parse(row.redirectUris),
      bindTokens: row.bindTokens === 1,
      assertionAudience: row.assertionAudience as Instance['assertionAudience'],
      assertionReplay: row.assertionReplay as Instance['assertionReplay'],
    }
  })
}

/** The roles of the rows of one instance; one row without a role where it has none. */
export function rolesOf(rows: readonly { role: string | null }[]): string[] {
  return rows.flatMap(({ role }) => role ?? [])
}
