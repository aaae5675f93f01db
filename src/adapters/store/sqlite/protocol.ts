import type { OneTimeId } from '../journal/engine.ts'
import type { GroupStatement } from '../journal/statements.ts'

/** What the writer is asked to do: by its own process, or through it by a worker process. */
export type Call =
  | { readonly do: 'begin' | 'commit' | 'rollback'; readonly transaction: string }
  | ({ readonly do: 'execute'; readonly transaction: string } & Statement)
  | { readonly do: 'journal'; readonly statements: readonly (Statement & GroupStatement)[] }
  | { readonly do: 'claim'; readonly sql: string; readonly ids: readonly OneTimeId[] }
  | { readonly do: 'close' }

export interface Statement {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** The process that asks: 0 is the primary, every other number the id of a worker. */
export type Origin = number

export type ToWriter =
  | { readonly origin: Origin; readonly id: number; readonly call: Call }
  /** The process is gone; what it has begun is rolled back. */
  | { readonly gone: Origin }

export interface Reply {
  readonly origin: Origin
  readonly id: number
  readonly rows?: readonly Record<string, unknown>[]
  readonly changes?: number
  /** Of the ids that were claimed. */
  readonly taken?: readonly string[]
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string | undefined }
}

/** The first message of the writer. */
export type Started = { readonly started: true } | { readonly failed: NonNullable<Reply['error']> }

export interface WriterData {
  readonly directory: string
  readonly transactionLimitMs: number
  /** Counts commits in its first element, each before it is acknowledged; shared memory. */
  readonly commits: Int32Array
}

/** Errors cross threads and processes as plain data. */
export function plainError(error: unknown): NonNullable<Reply['error']> {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message } = error
  return { name, message, code: (error as { code?: string }).code }
}
