import type { Transactions } from '../../store.ts'
import type { EntityState, ProvisioningTables } from '../store.ts'
import type { EntityType } from '../transformation/index.ts'

/** What is known of entities of the source in the targets. */
export type FindStates = (type: EntityType, ids: readonly string[]) => Promise<EntityState[]>

/** What is noted of entities, and what was done since and is noted with what comes next, in one transaction. */
export interface KnownStates {
  readonly find: FindStates
  add(states: readonly EntityState[]): void
  /** Has everything noted by `write`, and these states. */
  note(states: readonly EntityState[], write: (all: readonly EntityState[]) => Promise<void>): Promise<void>
}

export function createKnownStates(store: Transactions<ProvisioningTables>, sourceId: string): KnownStates {
  const later = new Map<string, EntityState>()
  return {
    async find(type, ids) {
      const found = new Map(
        (await store.read.entities.find(sourceId, type, ids)).map(state => [keyOf(state), state]),
      )
      const wanted = new Set(ids)
      for (const [key, state] of later)
        if (state.entityType === type && wanted.has(state.id)) found.set(key, state)
      return [...found.values()]
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

const keyOf = ({ entityType, targetId, id }: EntityState): string => `${entityType} ${targetId} ${id}`
