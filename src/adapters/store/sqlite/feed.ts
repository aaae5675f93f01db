import type BetterSqlite3 from 'better-sqlite3'
import type { Log } from '../../../core/context.ts'
import { createListeners } from '../changes.ts'
import type { EngineFeed } from '../engine.ts'
import type { ChangeRow } from '../schema.ts'

/** Reads what was committed, by any process of this machine, on a connection that only reads. */
export function sqliteFeed(database: BetterSqlite3.Database, log: Log): EngineFeed {
  // Moves when another connection has committed; about a microsecond.
  const version = database.prepare<[], number>('PRAGMA data_version').pluck()
  const newer = database.prepare<[number], ChangeRow>(
    'select seq, kind, tenant_id as tenantId, id, detail from changes where seq > ? order by seq',
  )
  const last = database.prepare<[], number>('select last from change_counter where id = 1').pluck()
  let seen = version.get()
  const listeners = createListeners(last.get()!, log)

  function upToDate(): boolean {
    const current = version.get()
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
