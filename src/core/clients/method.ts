import type { Parameters } from '../parameters.ts'
import type { Problem } from '../problem.ts'
import type { Vault } from '../vault.ts'
import type { Client } from './client.ts'

/** What a client authentication method sees of a request. */
export interface ClientRequest {
  /** The Authorization header, as sent. */
  readonly authorization: string | undefined
  readonly parameters: Parameters
}

/**
 * A way in which a client proves who it is (RFC 6749 section 2.3). A new one is a file here and a line in the
 * list.
 */
export interface ClientAuthenticationMethod<Presented extends { clientId: string } = { clientId: string }> {
  /** As registered with IANA for `token_endpoint_auth_method`. */
  readonly name: string
  /** Where the credential stands: with one in the body, the Authorization header must be left out. */
  readonly place: 'header' | 'body'
  /** undefined: not mine. A Problem: mine, but malformed. */
  read(request: ClientRequest): Presented | Problem | undefined
  /**
   * undefined: proven. A string: why not, for the operator. Takes as long when there is no such client, so that
   * nobody can tell (the caller makes one answer of both).
   */
  verify(presented: Presented, client: Client | undefined, vault: Vault): string | undefined
}
