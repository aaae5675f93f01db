import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'

export const files = { store: 'countersign.db', journal: 'journal.db', lock: 'lock.db' } as const

/** When a commit returns: on the disk for what is acknowledged, soon on the disk for what is written in passing. */
export const synchronous = { store: 'FULL', journal: 'NORMAL' } as const

/** Makes the files before SQLite does, which would let others read them. */
export function prepareFiles(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const name of Object.values(files)) {
    const path = join(directory, name)
    try {
      closeSync(openSync(path, 'wx', 0o600))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      // By name: closing a descriptor of a database file would release the locks that this process holds on it.
      chmodSync(path, 0o600)
    }
  }
}

/** Opens a file the way its writer has to. */
export function openForWriting(
  Database: typeof BetterSqlite3,
  directory: string,
  file: keyof typeof synchronous,
): BetterSqlite3.Database {
  const database = new Database(join(directory, files[file]), { timeout: 5000 })
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${synchronous[file]}`)
  database.pragma('foreign_keys = ON')
  database.pragma('journal_size_limit = 67108864')
  // Pages that change again and again are copied into the file once in 16 MB, not in 4.
  database.pragma('wal_autocheckpoint = 4000')
  return database
}

/** Remembers prepared statements by their text; the texts come from a fixed set of queries. */
export function statementCache(database: BetterSqlite3.Database): (sql: string) => BetterSqlite3.Statement {
  const statements = new Map<string, BetterSqlite3.Statement>()
  return sql => {
    let statement = statements.get(sql)
    if (!statement) {
      statement = database.prepare(sql)
      // Lists of values make texts of many lengths; start over rather than grow.
      if (statements.size >= 500) statements.clear()
      statements.set(sql, statement)
    }
    return statement
  }
}
