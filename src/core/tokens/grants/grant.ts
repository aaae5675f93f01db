import type { Client } from '../../clients/index.ts'
import type { Parameters } from '../../parameters.ts'
import type { Problem } from '../../problem.ts'

/** What a grant allows a client to have. */
export interface Granted {
  readonly scope: readonly string[]
}

/** A way to ask for a token (RFC 6749 section 4). A new one is a file here and a line in the list. */
export interface Grant {
  /** As in the parameter `grant_type`. */
  readonly name: string
  grant(parameters: Parameters, client: Client): Granted | Problem
}
