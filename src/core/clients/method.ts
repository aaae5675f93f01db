import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import type { Addresses } from '../addresses.ts'
import type { Context } from '../context.ts'
import type { Parameters } from '../parameters.ts'
import type { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Trust } from '../trust/index.ts'
import type { Vault } from '../vault.ts'
import type { AssertionKeys } from './assertion/keys.ts'
import type { OneTimeIds } from './assertion/one-time.ts'
import type { KeyCertificateTable, KeyMatchTable } from './certificates.ts'
import type { Client } from './client.ts'
import type { ClientDirectory } from './directory.ts'
import type { FailureCounter } from './failures.ts'

/** What proving a client needs. */
export interface ClientAuthentication {
  readonly directory: ClientDirectory
  readonly vault: Vault
  readonly failures: FailureCounter
  readonly trust: Trust
  readonly assertionKeys: AssertionKeys
  readonly oneTime: OneTimeIds
  /** Notes the last use of one of several keys of a client. */
  used(key: string, at: number): void
  readonly addresses: Addresses
  readonly store: Transactions<{ keyCertificates: KeyCertificateTable; keyMatches: KeyMatchTable }>
  readonly context: Pick<Context, 'now' | 'log'>
}

/** Where a request came from. */
export interface Origin {
  readonly tenant: Pick<Tenant, 'id' | 'name' | 'selfSigned'>
  /** Network address of the peer, for counting failures. */
  readonly source: string
  /** Only to be told: nothing is changed. */
  readonly dryRun?: boolean | undefined
}

/** What a client authentication method sees of a request. */
export interface ClientRequest {
  /** The Authorization header, as sent. */
  readonly authorization: string | undefined
  readonly parameters: Parameters
  /** The certificate that the peer has proven to hold. */
  readonly certificate?: PresentedCertificate | undefined
}

/**
 * A way in which a client proves who it is (RFC 6749 section 2.3). A new one is a file here and a line in the
 * list.
 */
export interface ClientAuthenticationMethod<Presented = unknown> {
  /** As registered with IANA for `token_endpoint_auth_method`. */
  readonly name: string
  /**
   * Where the credential stands. With one in the body, the Authorization header must be left out. One of the
   * connection speaks for the client only where nothing else does: else it binds the token (RFC 8705 section 3).
   */
  readonly place: 'header' | 'body' | 'connection'
  /** undefined: not mine. A Problem: mine, but malformed. */
  read(request: ClientRequest): Presented | Problem | undefined
  /** The client that has proven itself, or why not. Every failure looks the same from outside, and takes as long. */
  verify(presented: Presented, origin: Origin, deps: ClientAuthentication): Promise<Client | Problem>
}
