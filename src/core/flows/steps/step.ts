import type { z } from 'zod'

/** A message on its way to the receiver, without its body: that is streamed past the steps. */
export interface Exchange {
  readonly method: string
  /** Flat list of name, value, name, value. */
  readonly headers: readonly string[]
  readonly path: string
  /** Without the question mark. */
  readonly query: string
}

/**
 * A processing step. To add one: a file, and a line in the list of `index.ts`. `schema` refuses what can be
 * refused at deploy; `apply` cannot fail.
 */
export interface Step<Config = unknown> {
  /** As written in the flow file. */
  readonly name: string
  readonly schema: z.ZodType<Config>
  apply(exchange: Exchange, config: Config): Exchange
}
