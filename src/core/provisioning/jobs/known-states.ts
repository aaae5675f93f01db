import type { Transactions } from '../../store.ts'
import type { EntityState, ProvisioningTables } from '../store.ts'
import type { EntityType } from '../transformation/index.ts'

/** What is known of entities of the source in the targets. */
export interface Known {
  find(type: EntityType, ids: readonly string[]): Promise<EntityState[]>
  /** The ids in a target, by those at the source, of those who are there. */
  idsIn(targetId: string, type: EntityType, ids: readonly string[]): Promise<Map<string, string>>
}

/** What is noted of entities, and what was done since and is noted with what comes next, in one transaction. */
export interface KnownStates extends Known {
  add(states: readonly EntityState[]): void
  /** Has everything noted by `write`, and these states. */
  note(states: readonly EntityState[], write: (all: readonly EntityState[]) => Promise<void>): Promise<void>
}

export function createKnownStates(store: Transactions<ProvisioningTables>, sourceId: string): KnownStates {
  const later = new Map<string, EntityState>()
  /** What was noted while the store was read may be in neither: those from before as well, and the newest last. */
  const noted = (before: readonly EntityState[]) => [...before, ...later.values()]
  return {
    async find(type, ids) {
      const before = [...later.values()]
      const stored = await store.read.entities.find(sourceId, type, ids)
      const found = new Map(stored.map(state => [keyOf(state), state]))
      const wanted = new Set(ids)
      for (const state of noted(before))
        if (state.entityType === type && wanted.has(state.id)) found.set(keyOf(state), state)
      return [...found.values()]
    },
    async idsIn(targetId, type, ids) {
      const before = [...later.values()]
      const found = await store.read.entities.idsIn(sourceId, targetId, type, ids)
      const wanted = new Set(ids)
      for (const state of noted(before)) {
        if (state.entityType !== type || state.targetId !== targetId || !wanted.has(state.id)) continue
        if (state.idInTarget === undefined) found.delete(state.id)
        else found.set(state.id, state.idInTarget)
      }
      return found
    },
    add(states) {
      for (const state of states) later.set(keyOf(state), state)
    },
    async note(states, write) {
      const all = new Map([...later, ...states.map((state): [string, EntityState] => [keyOf(state), state])])
      await write([...all.values()])
      // Whoever adds has waited for this.
      later.clear()
    },
  }
}

const keyOf = ({ entityType, targetId, id }: Pick<EntityState, 'entityType' | 'targetId' | 'id'>): string =>
  `${entityType} ${targetId} ${id}`
