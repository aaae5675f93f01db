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
      await changing(key).insertInto('serviceKeys').values(rowOf(key)).execute()
    },
    async byId(id) {
      const row = await scope.db.selectFrom('serviceKeys').selectAll().where('id', '=', id).executeTakeFirst()
      return row && serviceKeyOf(row)
    },
    async replaceSecret(key, digest, until) {
      await changing(key)
        .updateTable('serviceKeys')
        .set({
          secretDigest: digest,
          previousSecretDigest: key.secretDigest ?? null,
          previousSecretUntil: until,
        })
        .where('id', '=', key.id)
        .execute()
    },
    async setValidityDays(key, validityDays) {
      await changing(key).updateTable('serviceKeys').set({ validityDays }).where('id', '=', key.id).execute()
    },
    async touch(key) {
      // A transaction announces what it has changed; the row itself stays as it is.
      await changing(key)
        .updateTable('serviceKeys')
        .set({ generation: key.generation })
        .where('id', '=', key.id)
        .execute()
    },
    async delete(key) {
      await changing(key).deleteFrom('serviceKeys').where('id', '=', key.id).execute()
    },
  }
}

function rowOf(key: ServiceKey): ServiceKeyRow {
  return {
    ...key,
    secretDigest: key.secretDigest ?? null,
    previousSecretDigest: key.previousSecretDigest ?? null,
    previousSecretUntil: key.previousSecretUntil ?? null,
    pinned: Number(key.pinned),
    validityDays: key.validityDays ?? null,
    expiresAt: key.expiresAt ?? null,
  }
}

function serviceKeyOf(row: ServiceKeyRow): ServiceKey {
  return {
    ...row,
    secretDigest: row.secretDigest ?? undefined,
    previousSecretDigest: row.previousSecretDigest ?? undefined,
    previousSecretUntil: row.previousSecretUntil ?? undefined,
    pinned: row.pinned === 1,
    validityDays: row.validityDays ?? undefined,
    expiresAt: row.expiresAt ?? undefined,
  }
}
