import { isAbsolute, join } from 'node:path'
import { CamelCasePlugin, Kysely, SqliteDialect, sql } from 'kysely'
import type { Engine, EngineOptions } from './engine.ts'
import type { JournalSchema } from './journal/schema.ts'
import { journalStatements } from './journal/statements.ts'
import type { Schema } from './schema.ts'
import { writerDialect } from './sqlite/dialect.ts'
import { dataVersion, sqliteFeed } from './sqlite/feed.ts'
import { files, statementCache } from './sqlite/files.ts'
import { callPrimary, relayWorkers } from './sqlite/relay.ts'
import { startWriter } from './sqlite/thread.ts'
import { transactionLimitMs } from './store.ts'

/**
 * The embedded store: files of one data directory. This process only reads them; one thread on this machine
 * writes, and every process sends it what is to be written.
 */
export async function openSqlite({ url, log, role }: EngineOptions): Promise<Engine> {
  const directory = url.slice('sqlite:'.length)
  if (!isAbsolute(directory)) throw new Error(`not an absolute path of a data directory: ${url}`)
  const thread = role === 'primary' ? await startWriter({ directory, transactionLimitMs }, log) : undefined
  const writer = thread ?? callPrimary()

  const { default: Database } = await import('better-sqlite3')
  const openFile = (name: string) => {
    // Readers of a WAL file do not wait for its writer; the time-out is for the unforeseen, and short because
    // requests stand still meanwhile.
    const database = new Database(join(directory, name), { readonly: true, timeout: 100 })
    const prepare = statementCache(database)
    const dialect = new SqliteDialect({ database: { prepare, close: () => void database.close() } })
    return { database, dialect }
  }
  const plugins = [new CamelCasePlugin()]
  const store = openFile(files.store)
  const journal = openFile(files.journal)
  const reader = new Kysely<Schema>({ dialect: store.dialect, plugins })
  const journalReader = new Kysely<JournalSchema>({ dialect: journal.dialect, plugins })

  return {
    name: 'sqlite',
    reader,
    writer: new Kysely<Schema>({ dialect: writerDialect(writer), plugins }),
    elements: list => sql`json_each(${list})`,
    // BEGIN IMMEDIATE has made it the only one.
    async enter() {},
    // The feed asks whether something was committed.
    async announce() {},
    // The thread is the only one that writes, and shares the count of its commits with its own process.
    feed: sqliteFeed(store.database, thread?.commits ?? dataVersion(store.database), log),
    journal: {
      reader: journalReader,
      statements: journalStatements.sqlite,
      async write(statements) {
        await writer.call({ do: 'journal', statements })
      },
      async claimIds(ids) {
        const { taken } = await writer.call({ do: 'claim', sql: journalStatements.sqlite.claimIds, ids })
        return taken!
      },
    },
    serveWorkers(cluster) {
      if (thread) relayWorkers(cluster, thread)
    },
    async close() {
      // Before the writer: the last one to close tidies the files up, and must be able to write.
      store.database.close()
      journal.database.close()
      await writer.close()
    },
  }
}
