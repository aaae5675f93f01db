import { Kysely, PostgresDialect, sql } from 'kysely'
import { facts } from '../facts.ts'
import { journalMigrations } from '../journal/migrations/index.ts'
import { isPending, type MigrationSet, migrate } from '../migrate.ts'
import { storeMigrations } from '../migrations/index.ts'
import { connectionConfig } from './pool.ts'

/** Brings the database to the schema of this program. Kysely's Migrator holds an advisory lock and a transaction. */
export async function migrateDatabase(url: string): Promise<void> {
  const { default: pg } = await import('pg')
  // A pool of its own: waiting for another node's migration may take longer than a query may.
  const pool = new pg.Pool({ ...(await connectionConfig(url)), max: 1 })
  pool.on('error', () => {})
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    for (const set of [storeMigrations, journalMigrations]) {
      if (isPending(set, await executedSteps(db, set))) await migrate(db, set, facts.postgres)
    }
  } finally {
    await db.destroy()
  }
}

async function executedSteps(db: Kysely<unknown>, { table }: MigrationSet): Promise<string[]> {
  const { rows } = await sql<{ found: boolean }>`select to_regclass(${table}) is not null as found`.execute(
    db,
  )
  if (!rows[0]!.found) return []
  const executed = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(db)
  return executed.rows.map(row => row.name)
}
