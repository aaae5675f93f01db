import type { Problem } from './problem.ts'
import type { Soon } from './soon.ts'
import type { Tenant } from './tenant.ts'

/** A client certificate with its chain, and its private key, as TLS takes them: PEM. */
export interface ShownCertificate {
  readonly cert: string
  readonly key: string
}

/** How connections to others are made, where the usual is not enough. */
export interface ConnectionSettings {
  /** Settings of the same id are the same, and may share connections. */
  readonly id: string
  /** PEM; trusted beside the roots of this computer. */
  readonly ca: readonly string[]
  readonly certificate: ShownCertificate | undefined
  /** The server may be anybody: for tests. */
  readonly trustAll?: true
}

/** What a call to others carries. */
export interface CallCredentials {
  /** Value of the Authorization header. */
  readonly authorization: string | undefined
  /** undefined: as usual. */
  readonly connection: ConnectionSettings | undefined
  /** To be told when the receiver does not take it (401): a token that was kept is got anew for the next call. */
  readonly rejected?: () => void
  /** What is wrong with the dates of the certificate that is shown: named where the call fails. */
  readonly outOfDate?: string | undefined
}

/** With what the receivers of a tenant are called. */
export interface OutboundAccess {
  /** `credential`: name of security material, or alias of a key pair; undefined: none. */
  of(tenantId: string, credential: string | undefined): Soon<CallCredentials | Problem>
  /** Connections that trust what the tenant trusts, with a certificate that is not in its keystore, or none. */
  connection(tenantId: string, certificate: ShownCertificate | undefined): Soon<ConnectionSettings>
  /** Why receivers cannot be called with it; undefined: they can. */
  whyUnusable(tenant: Pick<Tenant, 'id'>, credential: string): Promise<Problem | undefined>
  close(): void
}
