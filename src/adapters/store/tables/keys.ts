import type { ServiceKey, ServiceKeyTable } from '../../../core/broker/store.ts'
import type { ServiceKeyRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function serviceKeyTable(scope: Scope): ServiceKeyTable {
  const changing = ({ id, tenantId, clientId }: Pick<ServiceKey, 'id' | 'tenantId' | 'clientId'>) =>
    scope.changing({ kind: 'credential', tenantId, id, detail: clientId })
  return {
    async list(instanceId) {
      const rows = await scope.db
        .selectFrom('serviceKeys')
        .selectAll()
        .where('instanceId', '=', instanceId)
        .orderBy('name')
        .execute()
      return rows.map(serviceKeyOf)
    },
    async find(instanceId, name) {
      const row = await scope.db
        .selectFrom('serviceKeys')
        .selectAll()
        .where('instanceId', '=', instanceId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row && serviceKeyOf(row)
    },
    async count(instanceId) {
      const { count } = await scope.db
        .selectFrom('serviceKeys')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('instanceId', '=', instanceId)
        .executeTakeFirstOrThrow()
      return count
    },
    async insert(key) {
      const { id, tenantId, instanceId, name, type, clientId, generation, createdAt } = key
      const { secretDigest = null, expiresAt = null } = key
      await changing(key)
        .insertInto('serviceKeys')
        .values({
          id,
          tenantId,
          instanceId,
          name,
          type,
          clientId,
          generation,
          secretDigest,
          createdAt,
          expiresAt,
        })
        .execute()
    },
    async delete(key) {
      await changing(key).deleteFrom('serviceKeys').where('id', '=', key.id).execute()
    },
  }
}

function serviceKeyOf(row: ServiceKeyRow): ServiceKey {
  return { ...row, secretDigest: row.secretDigest ?? undefined, expiresAt: row.expiresAt ?? undefined }
}
