import type { Kysely } from 'kysely'
import type { Log } from '../../core/context.ts'
import type { Change, ChangeFeed } from '../../core/store.ts'
import { messageOf } from './errors.ts'
import type { ChangeRow, Schema } from './schema.ts'

/** Rows of one insert statement: each has five values, and SQLite takes 32,766 per statement. */
const rowsPerInsert = 1000

/**
 * Numbers the changes of a transaction and writes them, as its last act. The number comes from a counter row, not
 * from a sequence: a later number is then always committed later, and a gap always means that rows were pruned.
 */
export async function recordChanges(
  transaction: Kysely<Schema>,
  changes: readonly Change[],
  keep: number,
): Promise<void> {
  if (changes.length === 0) return
  const { last } = await transaction
    .updateTable('changeCounter')
    .set(({ eb }) => ({ last: eb('last', '+', changes.length) }))
    .where('id', '=', 1)
    .returning('last')
    .executeTakeFirstOrThrow()
  const before = last - changes.length
  const rows = changes.map(({ kind, tenantId, id, detail = null }, index) => ({
    seq: before + 1 + index,
    kind,
    tenantId,
    id,
    detail,
  }))
  for (let at = 0; at < rows.length; at += rowsPerInsert) {
    await transaction
      .insertInto('changes')
      .values(rows.slice(at, at + rowsPerInsert))
      .execute()
  }
  const step = Math.max(1, Math.floor(keep / 10))
  if (Math.floor(before / step) === Math.floor(last / step)) return
  await transaction
    .deleteFrom('changes')
    .where('seq', '<=', last - keep)
    .execute()
}

/** Where the engines' feeds put what they have read: keeps the position, tells the listeners. */
export interface Listeners {
  /** The number of the last change that was told. */
  readonly last: number
  /** Tells the changes after `last`, given in order. A gap means that some were pruned before they were read. */
  tell(rows: readonly ChangeRow[]): void
  /** Tells changes whose numbers are not known; they will be told again. */
  tellEarly(changes: readonly Change[]): void
  onChange: ChangeFeed['onChange']
}

export function createListeners(start: number, log: Log): Listeners {
  const listeners: ((change: Change | undefined) => void)[] = []
  let last = start
  function call(change: Change | undefined): void {
    for (const listener of listeners) {
      try {
        listener(change)
      } catch (error) {
        log.error({ error: messageOf(error), change }, 'a listener for changes of the store failed')
      }
    }
  }
  return {
    get last() {
      return last
    },
    tell(rows) {
      if (rows.length === 0) return
      const missed = rows[0]!.seq !== last + 1
      last = rows.at(-1)!.seq
      if (missed) call(undefined)
      else for (const row of rows) call(changeOf(row))
    },
    tellEarly(changes) {
      changes.forEach(call)
    },
    onChange(listener) {
      listeners.push(listener)
    },
  }
}

function changeOf({ kind, tenantId, id, detail }: ChangeRow): Change {
  return { kind: kind as Change['kind'], tenantId, id, ...(detail !== null && { detail }) }
}
