import type { Kysely, RawBuilder } from 'kysely'
import type { Change } from '../../../core/store.ts'
import type { Engine } from '../engine.ts'
import type { Schema } from '../schema.ts'

/** What a table works on: committed state, or one open transaction. */
export interface Scope {
  /** For queries. */
  readonly db: Kysely<Schema>
  /**
   * A table with a row for each item, in its column `value`: one parameter, however many there are. Of a row that is a
   * list, `value ->> 0` is the first member, a text in PostgreSQL.
   */
  elements(items: readonly unknown[]): RawBuilder<unknown>
  /** For statements that change something: notes what has to be announced at commit. Throws outside of a transaction. */
  changing(...changes: Change[]): Kysely<Schema>
}

type Elements = Pick<Engine, 'elements'>

export function readScope(db: Kysely<Schema>, engine: Elements): Scope {
  return {
    db,
    elements: items => engine.elements(listText(items)),
    changing() {
      throw new Error('the tables of `read` cannot be changed; use `write`')
    },
  }
}

/** The scope of one transaction. After `end`, a query that was not awaited fails instead of running on its own. */
export function writeScope(
  db: Kysely<Schema>,
  engine: Elements,
): Scope & { readonly changes: readonly Change[]; end(): void } {
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
    elements: items => engine.elements(listText(items)),
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

/** What is looked up may come from anybody, and PostgreSQL takes neither a NUL nor half a character. */
function listText(items: readonly unknown[]): string {
  const text = JSON.stringify(items)
  return /\\u(?:0000|d[89a-f])/.test(text) ? JSON.stringify(items, storable) : text
}

function storable(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value
}
