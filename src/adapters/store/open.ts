import type { OneTimeIds } from '../../core/clients/index.ts'
import type { Log } from '../../core/context.ts'
import type { DecisionRecord } from '../../core/explain/decision.ts'
import type { Message } from '../../core/flows/store.ts'
import type { Journal } from '../../core/journal.ts'
import type { ChangeFeed, Transactions } from '../../core/store.ts'
import type { Tables } from '../../core/tables/index.ts'
import type { Engine, EngineOptions, WorkerEvents } from './engine.ts'
import { createJournal, type JournalLimits } from './journal/journal.ts'
import { createOneTimeIds } from './journal/one-time-ids.ts'
import { createTransactions } from './store.ts'

export { SchemaTooNew, StoreClosed, StoreInUse } from './errors.ts'
export type { JournalLimits } from './journal/journal.ts'

/** THE LIST: how a database URL begins, and the engine for it, loaded only when it is asked for. */
const engines: Record<string, () => Promise<(options: EngineOptions) => Promise<Engine>>> = {
  'sqlite:': async () => (await import('./sqlite.ts')).openSqlite,
  'postgres:': async () => (await import('./postgres.ts')).openPostgres,
  'postgresql:': async () => (await import('./postgres.ts')).openPostgres,
}

export interface Store extends Transactions<Tables> {
  readonly engine: 'sqlite' | 'postgres'
  readonly changes: ChangeFeed
  readonly journal: Journal<Message, DecisionRecord>
  readonly oneTimeIds: OneTimeIds
  /** Waits for the transactions that were asked for, writes the journal and lets go of the database. */
  close(): Promise<void>
}

export interface StoreOptions {
  /** `sqlite:<absolute path of the data directory>` or `postgres://...` */
  readonly url: string
  readonly log: Log
  /** Milliseconds since 1970. */
  now(): number
  /**
   * `worker`: a process of node:cluster (with `serialization: 'advanced'`) whose primary has opened the store and
   * called `serveStoreToWorkers`. Makes a difference on SQLite only.
   */
  readonly role?: 'primary' | 'worker' | undefined
  readonly journalLimits?: Partial<JournalLimits> | undefined
  /** How many changes a process may be behind before it has to read everything anew. */
  readonly keepChanges?: number | undefined
}

/**
 * Opens the store, making or migrating its schema. Throws StoreInUse when another server has the data directory,
 * SchemaTooNew when a newer program has migrated it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { url, log, now, role = 'primary', journalLimits, keepChanges = 10_000 } = options
  const scheme = url.slice(0, url.indexOf(':') + 1)
  if (!Object.hasOwn(engines, scheme))
    throw new Error(`no store for a database URL that begins with "${scheme}"`)
  const openEngine = await engines[scheme]!()
  const engine = await openEngine({ url, log, now, role })

  const transactions = createTransactions(engine, keepChanges)
  const journal = createJournal(engine.journal, { log, now, limits: journalLimits })
  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    await transactions.finish()
    await journal.close()
    await engine.close()
  }
  const store: Store = {
    engine: engine.name,
    read: transactions.read,
    write: transactions.write,
    changes: engine.feed,
    journal,
    oneTimeIds: createOneTimeIds(engine.journal, options),
    close: () => (closing ??= close()),
  }
  served.set(store, engine)
  return store
}

const served = new WeakMap<Store, Engine>()

/** In the primary of a cluster, before the first worker is forked: lets the workers write through this process. */
export function serveStoreToWorkers(store: Store, cluster: WorkerEvents): void {
  served.get(store)?.serveWorkers(cluster)
}
