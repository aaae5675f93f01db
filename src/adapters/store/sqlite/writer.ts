/**
 * The one writer of the embedded store: a thread, so that no process that answers requests waits for a disk or a
 * lock. Transactions of all processes queue here and run one after the other; groups of the journal have a
 * connection of their own and run between their statements.
 */

import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { StoreInUse } from '../errors.ts'
import type { OneTimeId } from '../journal/engine.ts'
import { journalMigrations } from '../journal/migrations/index.ts'
import type { ColumnType } from '../journal/schema.ts'
import { storeMigrations } from '../migrations/index.ts'
import { files, openForWriting, prepareFiles, statementCache } from './files.ts'
import { migrateFile } from './migrate-file.ts'
import {
  type Call,
  type Origin,
  plainError,
  type Reply,
  type Started,
  type ToWriter,
  type WriterData,
} from './protocol.ts'
import { createTurns } from './turns.ts'

const { directory, transactionLimitMs, commits } = workerData as WriterData
const port = parentPort!

function lock(): Database.Database {
  const database = new Database(join(directory, files.lock), { timeout: 0 })
  try {
    // Held until the process ends, however it ends: the kernel releases it.
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error
    throw new StoreInUse(`another Countersign server is using the data directory ${directory}`)
  }
}

async function start(): Promise<(message: ToWriter) => void> {
  prepareFiles(directory)
  const held = lock()
  const store = openForWriting(Database, directory, 'store')
  await migrateFile(store, storeMigrations)
  const journal = openForWriting(Database, directory, 'journal')
  await migrateFile(journal, journalMigrations)
  return serve(store, journal, held)
}

function serve(
  store: Database.Database,
  journal: Database.Database,
  held: Database.Database,
): (message: ToWriter) => void {
  const prepare = statementCache(store)
  const prepareJournal = statementCache(journal)
  const turns = createTurns({
    begin: () => void prepare('BEGIN IMMEDIATE').run(),
    rollback() {
      // A full disk, for one, has made SQLite roll back already.
      if (store.inTransaction) prepare('ROLLBACK').run()
    },
    limitMs: transactionLimitMs,
  })
  const writeGroup = journal.transaction((statements: Extract<Call, { do: 'journal' }>['statements']) => {
    for (const { sql, parameters, columns } of statements) {
      const statement = prepareJournal(sql)
      if (!columns) statement.run(parameters)
      else
        for (const entry of JSON.parse(String(parameters[0])) as Record<string, unknown>[])
          statement.run(columns.map(([name, type]) => stored(entry[name], type)))
    }
  })

  const claimIds = journal.transaction((sql: string, ids: readonly OneTimeId[]) => {
    const claim = prepareJournal(sql)
    return ids.flatMap(({ id, keepUntil }) => (claim.run(id, keepUntil).changes === 0 ? [id] : []))
  })

  type Result = Pick<Reply, 'rows' | 'changes' | 'taken'>
  const handlers: {
    [Name in Call['do']]: (call: Extract<Call, { do: Name }>, origin: Origin) => Result | Promise<Result>
  } = {
    async begin({ transaction }, origin) {
      await turns.take(origin, transaction)
      return {}
    },
    execute({ transaction, sql, parameters }, origin) {
      turns.check(origin, transaction)
      if (!store.inTransaction) throw new Error('the transaction was rolled back after an error')
      const statement = prepare(sql)
      if (statement.reader) return { rows: statement.all(parameters) as Record<string, unknown>[] }
      return { changes: statement.run(parameters).changes }
    },
    commit({ transaction }, origin) {
      turns.check(origin, transaction)
      prepare('COMMIT').run()
      Atomics.add(commits, 0, 1)
      turns.pass()
      return {}
    },
    rollback({ transaction }, origin) {
      turns.drop(origin, transaction)
      return {}
    },
    journal({ statements }) {
      writeGroup.immediate(statements)
      return {}
    },
    claim: ({ sql, ids }) => ({ taken: claimIds.immediate(sql, ids) }),
    close() {
      turns.stop()
      for (const database of [store, journal, held]) database.close()
      port.close()
      return {}
    },
  }

  return message => {
    if ('gone' in message) return turns.dropAll(message.gone)
    const { origin, id, call } = message
    const handle = handlers[call.do] as (call: Call, origin: Origin) => Result | Promise<Result>
    const answer = (result: Omit<Reply, 'origin' | 'id'>) =>
      port.postMessage({ origin, id, ...result } satisfies Reply)
    // Answered at once where possible: a commit must not wait for anything after the disk.
    try {
      const result = handle(call, origin)
      if (result instanceof Promise) result.then(answer, error => answer({ error: plainError(error) }))
      else answer(result)
    } catch (error) {
      answer({ error: plainError(error) })
    }
  }
}

/** A member of an entry as its column holds it. */
function stored(value: unknown, type: ColumnType): unknown {
  return type === 'json' ? JSON.stringify(value) : (value ?? null)
}

try {
  const handle = await start()
  port.on('message', handle)
  port.postMessage({ started: true } satisfies Started)
} catch (error) {
  port.postMessage({ failed: plainError(error) } satisfies Started)
}
