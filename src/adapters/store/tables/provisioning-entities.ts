import type { EntityState, EntityTable, SourceEntity } from '../../../core/provisioning/index.ts'
import type { ProvisioningEntityRow } from '../schema.ts'
import { groups } from './groups.ts'
import type { Scope } from './scope.ts'

/** Nothing is announced: only the process that runs the job looks at it. */
export function entityTable(scope: Scope): EntityTable {
  return {
    async find(sourceId, entityType, ids) {
      const found: EntityState[] = []
      for (const some of groups(ids)) {
        const rows = await scope.db
          .selectFrom('provisioningEntities')
          .selectAll()
          .where('sourceId', '=', sourceId)
          .where('entityType', '=', entityType)
          .where('id', 'in', some)
          .execute()
        for (const row of rows) found.push(stateOf(row))
      }
      return found
    },
    async put(sourceId, states) {
      for (const some of groups(states))
        await scope
          .changing()
          .insertInto('provisioningEntities')
          .values(some.map(state => rowOf(sourceId, state)))
          .onConflict(conflict =>
            conflict.columns(['sourceId', 'entityType', 'id', 'targetId']).doUpdateSet(({ ref }) => ({
              idInTarget: ref('excluded.idInTarget'),
              digest: ref('excluded.digest'),
              pending: ref('excluded.pending'),
              existed: ref('excluded.existed'),
              seen: ref('excluded.seen'),
            })),
          )
          .execute()
    },
    async remove(sourceId, targetId, entityType, ids) {
      for (const some of groups(ids))
        await scope
          .changing()
          .deleteFrom('provisioningEntities')
          .where('sourceId', '=', sourceId)
          .where('targetId', '=', targetId)
          .where('entityType', '=', entityType)
          .where('id', 'in', some)
          .execute()
    },
    async holding(targetId, entityType, idsInTarget) {
      const found: SourceEntity[] = []
      for (const some of groups(idsInTarget)) {
        const rows = await scope.db
          .selectFrom('provisioningEntities')
          .selectAll()
          .where('targetId', '=', targetId)
          .where('entityType', '=', entityType)
          .where('idInTarget', 'in', some)
          .execute()
        for (const row of rows) found.push({ ...stateOf(row), sourceId: row.sourceId })
      }
      return found
    },
    async count(sourceId, targetId, entityType) {
      const { count } = await counting(sourceId, targetId, entityType).executeTakeFirstOrThrow()
      return Number(count)
    },
    async unseen(sourceId, targetId, entityType, mark, afterId, limit) {
      const rows = await scope.db
        .selectFrom('provisioningEntities')
        .selectAll()
        .where('sourceId', '=', sourceId)
        .where('targetId', '=', targetId)
        .where('entityType', '=', entityType)
        .where('seen', '<', mark)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(stateOf)
    },
    async countUnseen(sourceId, targetId, entityType, mark) {
      const { count } = await counting(sourceId, targetId, entityType)
        .where('seen', '<', mark)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    async forgetTarget(targetId) {
      await scope.changing().deleteFrom('provisioningEntities').where('targetId', '=', targetId).execute()
    },
    async reset(sourceId) {
      await scope.changing().deleteFrom('provisioningEntities').where('sourceId', '=', sourceId).execute()
    },
  }

  /** Of those that are in the target. */
  function counting(sourceId: string, targetId: string, entityType: string) {
    return scope.db
      .selectFrom('provisioningEntities')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('sourceId', '=', sourceId)
      .where('targetId', '=', targetId)
      .where('entityType', '=', entityType)
      .where('idInTarget', 'is not', null)
  }
}

const rowOf = (
  sourceId: string,
  { idInTarget, pending, existed, ...rest }: EntityState,
): ProvisioningEntityRow => ({
  ...rest,
  sourceId,
  idInTarget: idInTarget ?? null,
  pending: Number(pending),
  existed: Number(existed),
})

const stateOf = ({
  sourceId: _,
  entityType,
  idInTarget,
  pending,
  existed,
  ...row
}: ProvisioningEntityRow): EntityState => ({
  ...row,
  entityType: entityType as EntityState['entityType'],
  idInTarget: idInTarget ?? undefined,
  pending: pending === 1,
  existed: existed === 1,
})
