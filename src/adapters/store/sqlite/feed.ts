import type BetterSqlite3 from 'better-sqlite3'
import type { Log } from '../../../core/context.ts'
import { createListeners } from '../changes.ts'
import type { EngineFeed } from '../engine.ts'
import type { ChangeRow } from '../schema.ts'

/**
 * Reads what was committed, by any process of this machine, on a connection that only reads. `version` moves when
 * something was committed.
 */
export function sqliteFeed(database: BetterSqlite3.Database, version: () => number, log: Log): EngineFeed {
  const newer = database.prepare<[number], ChangeRow>(
    'select seq, kind, tenant_id as tenantId, id, detail from changes where seq > ? order by seq',
  )
  const last = database.prepare<[], number>('select last from change_counter where id = 1').pluck()
  let seen = version()
  const listeners = createListeners(last.get()!, log)

  function upToDate(): boolean {
    const current = version()
    if (current === seen) return true
    const rows = newer.all(listeners.last)
    // After reading, which may fail; before telling, so that a listener that asks again finds nothing new.
    seen = current
    listeners.tell(rows)
    return true
  }
  return {
    upToDate,
    onChange: listeners.onChange,
    async catchUp() {
      upToDate()
    },
  }
}

/** Asks the file whether another connection, of whatever process, has committed: about 2 us. */
export function dataVersion(database: BetterSqlite3.Database): () => number {
  const version = database.prepare<[], number>('PRAGMA data_version').pluck()
  return () => version.get()!
}
