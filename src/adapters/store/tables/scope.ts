import type { Kysely } from 'kysely'
import type { Change } from '../../../core/store.ts'
import type { Schema } from '../schema.ts'

/** What a table works on: committed state, or one open transaction. */
export interface Scope {
  /** For queries. */
  readonly db: Kysely<Schema>
  /** For statements that change something: notes what has to be announced at commit. Throws outside of a transaction. */
  changing(...changes: Change[]): Kysely<Schema>
}

export function readScope(db: Kysely<Schema>): Scope {
  return {
    db,
    changing() {
      throw new Error('the tables of `read` cannot be changed; use `write`')
    },
  }
}

/** The scope of one transaction. After `end`, a query that was not awaited fails instead of running on its own. */
export function writeScope(db: Kysely<Schema>): Scope & { readonly changes: readonly Change[]; end(): void } {
  const changes: Change[] = []
  let ended = false
  const handle = () => {
    if (ended) throw new Error('the transaction has ended')
    return db
  }
  return {
    get db() {
      return handle()
    },
    changing(...announced) {
      changes.push(...announced)
      return handle()
    },
    changes,
    end() {
      ended = true
    },
  }
}
