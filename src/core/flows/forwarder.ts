import type { Readable } from 'node:stream'
import type { ConnectionSettings } from '../calls.ts'
import type { Problem } from '../problem.ts'

/** A message on its way to a receiver. */
export interface Outgoing {
  readonly origin: string
  readonly method: string
  /** With query. */
  readonly path: string
  /** Flat list of name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: Readable | undefined
  /** Between two signs of life of the receiver. */
  readonly timeoutMs: number
  /** undefined: as usual. */
  readonly connection?: ConnectionSettings | undefined
  /** What is wrong with the dates of the certificate of the connection. */
  readonly outOfDate?: string | undefined
}

/** Takes the receiver's answer as it arrives. */
export interface Incoming {
  head(status: number, headers: readonly string[]): void
  /** false: no more for now; call `resume` of the exchange to go on. */
  data(chunk: Buffer): boolean
  end(): void
  /** Instead of `head`, or instead of `end` when the answer broke off. */
  failed(problem: Problem): void
}

/** One exchange under way. */
export interface ForwardExchange {
  resume(): void
  /** Gives up; nothing is called afterwards. */
  abort(): void
}

/** Carries messages to receivers, on connections that are kept and used again. */
export interface Forwarder {
  forward(message: Outgoing, answer: Incoming): ForwardExchange
  close(): Promise<void>
}
