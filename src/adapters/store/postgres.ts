import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import type { Engine, EngineOptions } from './engine.ts'
import { messageOf } from './errors.ts'
import type { JournalSchema } from './journal/schema.ts'
import { journalStatements } from './journal/statements.ts'
import { channel, postgresFeed } from './postgres/feed.ts'
import { migrateDatabase } from './postgres/migrate-database.ts'
import { findable, limited, poolConfig, readLimitMs, writeLimitMs } from './postgres/pool.ts'
import type { Schema } from './schema.ts'

/** A PostgreSQL database, shared by any number of nodes. */
export async function openPostgres({ url, log, now }: EngineOptions): Promise<Engine> {
  const { default: pg } = await import('pg')
  await migrateDatabase(url)
  const feed = await postgresFeed({ url, log, now })
  const pool = new pg.Pool(await poolConfig(url))
  // A connection in use has no other listener, and an error that nobody listens for ends the process; the query that
  // was under way fails by itself.
  pool.on('connect', client => client.on('error', () => {}))
  pool.on('error', error =>
    log.warn({ error: messageOf(error) }, 'an idle connection to the database was lost'),
  )
  const within = (limitMs: number, toSend?: typeof findable) => ({
    dialect: new PostgresDialect({ pool: limited(pool, limitMs, toSend) }),
    plugins: [new CamelCasePlugin()],
  })
  const writer = new Kysely<Schema>(within(writeLimitMs))
  const journalWriter = new Kysely<JournalSchema>(within(writeLimitMs))

  return {
    name: 'postgres',
    reader: new Kysely<Schema>(within(readLimitMs, findable)),
    writer,
    elements: list => sql`jsonb_array_elements(${list}::jsonb) as elements(value)`,
    async enter(transaction) {
      // The row that everybody needs at the end is taken at the beginning: whoever has it is alone.
      await transaction.selectFrom('changeCounter').select('last').forUpdate().execute()
    },
    async announce(transaction) {
      await sql`select pg_notify(${channel}, '')`.execute(transaction)
    },
    feed,
    journal: {
      reader: new Kysely<JournalSchema>(within(readLimitMs, findable)),
      statements: journalStatements.postgres,
      async write(statements) {
        await journalWriter.transaction().execute(async transaction => {
          await sql`set local synchronous_commit = off`.execute(transaction)
          for (const { sql: text, parameters } of statements) {
            await transaction.executeQuery(CompiledQuery.raw(text, [...parameters]))
          }
        })
      },
      async claimIds(ids) {
        const query = CompiledQuery.raw(journalStatements.postgres.claimIds, [JSON.stringify(ids)])
        const { rows } = await journalWriter.executeQuery<{ id: string }>(query)
        const free = new Set(rows.map(({ id }) => id))
        return ids.map(({ id }) => id).filter(id => !free.has(id))
      },
    },
    // Every process has its own connections.
    serveWorkers() {},
    async close() {
      await feed.close()
      await pool.end()
    },
  }
}
