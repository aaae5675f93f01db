import { sql } from 'kysely'
import type { EntityState, EntityTable, Intent } from '../../../core/provisioning/index.ts'
import type { ProvisioningIntentRow, ProvisioningStateRow } from '../schema.ts'
import type { Scope } from './scope.ts'

/** Nothing is announced: only the process that runs the job looks at it. */
export function entityTable(scope: Scope): EntityTable {
  return {
    async find(sourceId, entityType, ids) {
      if (ids.length === 0) return []
      const rows = await scope.db
        .selectFrom('provisioningStates')
        .selectAll()
        .where('sourceId', '=', sourceId)
        .where('entityType', '=', entityType)
        .where('id', 'in', among(ids))
        .execute()
      return rows.map(stateOf)
    },
    async idsIn(sourceId, targetId, entityType, ids) {
      if (ids.length === 0) return new Map()
      const rows = await scope.db
        .selectFrom('provisioningStates')
        .select(['id', 'idInTarget'])
        .where('sourceId', '=', sourceId)
        .where('entityType', '=', entityType)
        .where('id', 'in', among(ids))
        .where('targetId', '=', targetId)
        .where('idInTarget', 'is not', null)
        .execute()
      return new Map(rows.map(({ id, idInTarget }) => [id, idInTarget!]))
    },
    async put(sourceId, states) {
      if (states.length === 0) return
      await sql`
        insert into provisioning_states
          (source_id, entity_type, target_id, id, id_in_target, digest, pending, existed, seen)
        select ${sourceId}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
          cast(value ->> 5 as integer), cast(value ->> 6 as integer), cast(value ->> 7 as bigint)
        from ${scope.elements(states.map(listOf))} where true
        on conflict (source_id, entity_type, id, target_id) do update set id_in_target = excluded.id_in_target,
          digest = excluded.digest, pending = excluded.pending, existed = excluded.existed, seen = excluded.seen
      `.execute(scope.changing())
    },
    async intents(sourceId) {
      const rows = await scope.db
        .selectFrom('provisioningIntents')
        .selectAll()
        .where('sourceId', '=', sourceId)
        .execute()
      return rows.map(intentOf)
    },
    async putIntents(sourceId, intents) {
      await scope.changing().deleteFrom('provisioningIntents').where('sourceId', '=', sourceId).execute()
      if (intents.length === 0) return
      await scope
        .changing()
        .insertInto('provisioningIntents')
        .values(
          intents.map((intent, number) => ({ ...intent, sourceId, number, ids: JSON.stringify(intent.ids) })),
        )
        .execute()
    },
    async remove(sourceId, targetId, entityType, ids) {
      await scope
        .changing()
        .deleteFrom('provisioningStates')
        .where('sourceId', '=', sourceId)
        .where('targetId', '=', targetId)
        .where('entityType', '=', entityType)
        .where('id', 'in', among(ids))
        .execute()
    },
    async holding(targetId, entityType, idsInTarget) {
      const rows = await scope.db
        .selectFrom('provisioningStates')
        .selectAll()
        .where('targetId', '=', targetId)
        .where('entityType', '=', entityType)
        .where('idInTarget', 'in', among(idsInTarget))
        .execute()
      return rows.map(row => ({ ...stateOf(row), sourceId: row.sourceId }))
    },
    async count(sourceId, targetId, entityType) {
      const { count } = await ofTarget(sourceId, targetId, entityType)
        .where('idInTarget', 'is not', null)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    async unseen(sourceId, targetId, entityType, mark, afterId, limit) {
      const rows = await scope.db
        .selectFrom('provisioningStates')
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
      const { count } = await ofTarget(sourceId, targetId, entityType)
        .where(or => or.or([or('idInTarget', 'is not', null), or('pending', '=', 1)]))
        .where('seen', '<', mark)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    async forgetTarget(targetId) {
      const of = ['provisioningStates', 'provisioningIntents'] as const
      for (const table of of)
        await scope.changing().deleteFrom(table).where('targetId', '=', targetId).execute()
    },
    async reset(sourceId) {
      const of = ['provisioningStates', 'provisioningIntents'] as const
      for (const table of of)
        await scope.changing().deleteFrom(table).where('sourceId', '=', sourceId).execute()
    },
  }

  function among(ids: readonly string[]) {
    return sql<string>`(select value ->> 0 from ${scope.elements(ids.map(id => [id]))})`
  }

  function ofTarget(sourceId: string, targetId: string, entityType: string) {
    return scope.db
      .selectFrom('provisioningStates')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('sourceId', '=', sourceId)
      .where('targetId', '=', targetId)
      .where('entityType', '=', entityType)
  }
}

/** In the order of the columns of `put`. */
const listOf = (state: EntityState): unknown[] => [
  state.entityType,
  state.targetId,
  state.id,
  state.idInTarget,
  state.digest,
  Number(state.pending),
  Number(state.existed),
  state.seen,
]

const intentOf = ({ targetId, entityType, begunAt, ids }: ProvisioningIntentRow): Intent => ({
  targetId,
  entityType: entityType as Intent['entityType'],
  begunAt,
  ids: JSON.parse(ids),
})

const stateOf = ({
  sourceId: _,
  entityType,
  idInTarget,
  pending,
  existed,
  ...row
}: ProvisioningStateRow): EntityState => ({
  ...row,
  entityType: entityType as EntityState['entityType'],
  idInTarget: idInTarget ?? undefined,
  pending: pending === 1,
  existed: existed === 1,
})
