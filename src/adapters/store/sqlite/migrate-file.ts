import type BetterSqlite3 from 'better-sqlite3'
import { isPending, type MigrationSet, migrate } from '../migrate.ts'

/** Brings one database file to the schema of this program, whole or not at all. */
export async function migrateFile(database: BetterSqlite3.Database, set: MigrationSet): Promise<void> {
  if (!isPending(set, executedSteps(database, set.table))) return
  // Loaded only now: a start without migrations does without the query builder in this thread.
  const { Kysely, SqliteDialect } = await import('kysely')
  const { facts } = await import('../facts.ts')
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  database.exec('BEGIN IMMEDIATE')
  try {
    await migrate(db, set, facts.sqlite)
    database.exec('COMMIT')
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function executedSteps(database: BetterSqlite3.Database, table: string): string[] {
  const exists = database.prepare(`select 1 from sqlite_master where type = 'table' and name = ?`).get(table)
  if (!exists) return []
  return database.prepare<[], string>(`select name from ${table}`).pluck().all()
}
