import type { PlatformTable } from '../../../core/broker/osb/store.ts'
import type { Scope } from './scope.ts'

/** Nothing here is announced: what counts is the instance or the key, which is. */
export function platformTable(scope: Scope): PlatformTable {
  return {
    async instance(tenantId, id) {
      return scope.db
        .selectFrom('platformInstances')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
    },
    async insertInstance({ tenantId, id, instanceId, organization, space }) {
      await scope
        .changing()
        .insertInto('platformInstances')
        .values({ tenantId, id, instanceId, organization, space })
        .execute()
    },
    async binding(instanceId, id) {
      return scope.db
        .selectFrom('platformBindings')
        .selectAll()
        .where('instanceId', '=', instanceId)
        .where('id', '=', id)
        .executeTakeFirst()
    },
    async insertBinding({ instanceId, id, credentialId, requestDigest, parameters }) {
      await scope
        .changing()
        .insertInto('platformBindings')
        .values({ instanceId, id, credentialId, requestDigest, parameters })
        .execute()
    },
    async answer(credentialId) {
      return scope.db
        .selectFrom('sealedAnswers')
        .selectAll()
        .where('credentialId', '=', credentialId)
        .executeTakeFirst()
    },
    async keepAnswer({ credentialId, sealed, keepUntil }) {
      await scope.changing().insertInto('sealedAnswers').values({ credentialId, sealed, keepUntil }).execute()
    },
    async hasAnswersUntil(time) {
      const row = await scope.db
        .selectFrom('sealedAnswers')
        .select('credentialId')
        .where('keepUntil', '<=', time)
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    async deleteAnswersUntil(time) {
      await scope.changing().deleteFrom('sealedAnswers').where('keepUntil', '<=', time).execute()
    },
  }
}
