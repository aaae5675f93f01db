import { minute } from '../../context.ts'
import type { EntityState } from '../store.ts'
import type { EntityType } from '../transformation/index.ts'
import type { JobRun } from './job-run.ts'

/** Takes up what somebody began and did not come to the end of: these entities are looked for before they are created. */
export async function takeUpIntents({ store, source, checkpoint }: JobRun): Promise<void> {
  const { entities } = store.read
  const intents = await entities.intents(source.id)
  if (intents.length === 0) return
  const states: EntityState[] = []
  for (const { targetId, entityType, begunAt, ids } of intents) {
    const known = (await entities.find(source.id, entityType, ids)).filter(one => one.targetId === targetId)
    const byId = new Map(known.map(state => [state.id, state]))
    for (const id of ids) {
      const state = byId.get(id) ?? unknownState(targetId, entityType, id)
      if (state.idInTarget === undefined) states.push(begun(state, begunAt))
    }
  }
  await checkpoint(states, tables => tables.entities.putIntents(source.id, []))
}

/** Of an entity of which nothing is known. */
export const unknownState = (targetId: string, entityType: EntityType, id: string): EntityState => ({
  entityType,
  targetId,
  id,
  idInTarget: undefined,
  digest: '',
  pending: false,
  existed: false,
  seen: 0,
})

/** A creation has begun. The first time counts: the entity may have been made then. */
export const begun = (state: EntityState, now: number): EntityState => ({
  ...state,
  pending: true,
  digest: state.pending ? state.digest : begunAt(now),
})

/** Of an entity of which nothing is known but that its creation began. No digest of anything looks like it. */
export const begunAt = (now: number): string => `begun ${now}`

/** Clocks of systems are not much further apart than that. */
const mostApartMs = 5 * minute

/** Was what is found after a creation whose end nobody heard there before it? What cannot be told is spared. */
export function wasThere({ digest }: Pick<EntityState, 'digest'>, createdAt: number | undefined): boolean {
  const [, begun] = /^begun (\d+)$/.exec(digest) ?? []
  return begun === undefined || createdAt === undefined || createdAt < Number(begun) - mostApartMs
}
