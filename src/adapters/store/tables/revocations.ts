import type { RevocationTable } from '../../../core/tokens/store.ts'
import type { Scope } from './scope.ts'

export function revocationTable(scope: Scope): RevocationTable {
  return {
    async list(tenantId) {
      return scope.db.selectFrom('revocations').selectAll().where('tenantId', '=', tenantId).execute()
    },
    async count(credentialId) {
      const { count } = await scope.db
        .selectFrom('revocations')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('credentialId', '=', credentialId)
        .executeTakeFirstOrThrow()
      return count
    },
    async insert({ tenantId, tokenId, credentialId, keepUntil }) {
      await scope
        .changing({ kind: 'revocation', tenantId, id: tokenId, detail: String(keepUntil) })
        .insertInto('revocations')
        .values({ tenantId, tokenId, credentialId, keepUntil })
        .onConflict(conflict => conflict.columns(['tenantId', 'tokenId']).doNothing())
        .execute()
    },
    async deleteOf(credentialId) {
      const tenants = await scope.db
        .selectFrom('revocations')
        .select('tenantId')
        .distinct()
        .where('credentialId', '=', credentialId)
        .execute()
      const changes = tenants.map(
        ({ tenantId }) => ({ kind: 'revocation', tenantId, id: '*', detail: credentialId }) as const,
      )
      await scope
        .changing(...changes)
        .deleteFrom('revocations')
        .where('credentialId', '=', credentialId)
        .execute()
    },
    async deleteOlderThan(time) {
      // Not announced: whoever holds a revocation knows its date and drops it by itself.
      await scope.changing().deleteFrom('revocations').where('keepUntil', '<', time).execute()
    },
  }
}
