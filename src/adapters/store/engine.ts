import type { Cluster } from 'node:cluster'
import type { Kysely, RawBuilder } from 'kysely'
import type { Log } from '../../core/context.ts'
import type { Change, ChangeFeed } from '../../core/store.ts'
import type { JournalEngine } from './journal/engine.ts'
import type { Schema } from './schema.ts'

export interface EngineOptions {
  /** `sqlite:<absolute path of the data directory>` or `postgres://...` */
  readonly url: string
  readonly log: Log
  /** Milliseconds since 1970. */
  now(): number
  /** `worker`: a process of node:cluster whose primary has opened the store and serves it. */
  readonly role: 'primary' | 'worker'
}

/** What the two engines do differently. Everything else is written once. */
export interface Engine {
  readonly name: 'sqlite' | 'postgres'
  readonly reader: Kysely<Schema>
  /** Its transactions run one after the other, over all processes, from `enter` on. */
  readonly writer: Kysely<Schema>
  /** A table of the elements of a JSON list, in its column `value`. Both engines take them apart with `->>`. */
  elements(list: string): RawBuilder<unknown>
  /** The first statement of a transaction. */
  enter(transaction: Kysely<Schema>): Promise<void>
  /** The last statement of a transaction that changed something. */
  announce(transaction: Kysely<Schema>): Promise<void>
  readonly feed: EngineFeed
  readonly journal: JournalEngine
  /** Lets the worker processes of `cluster` write through this process. */
  serveWorkers(cluster: WorkerEvents): void
  close(): Promise<void>
}

export interface EngineFeed extends ChangeFeed {
  /** Tells this process's listeners what it has just committed, after everything that was committed before. */
  catchUp(own: readonly Change[]): Promise<void>
}

export type WorkerEvents = Pick<Cluster, 'on'>
