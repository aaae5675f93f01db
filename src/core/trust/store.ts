/** What is done about revocation by an authority that others run. */
export type RevocationPolicy =
  /** Not asked: the authority publishes nothing that this server can reach. */
  | 'off'
  /** Asked; a certificate whose status cannot be found out is let in. */
  | 'soft'
  /** Asked; a certificate whose status cannot be found out is refused. */
  | 'hard'

/** A certificate of an authority: a root that is accepted from senders, or one that helps to complete chains. */
export interface TrustedCertificate {
  readonly tenantId: string
  /** SHA-256 of the DER, hexadecimal, lower case. */
  readonly fingerprint: string
  readonly role: 'root' | 'intermediate'
  readonly der: Buffer
  /** Where the operator says that the revocation list is; never taken from a certificate. */
  readonly crlUrl: string | undefined
  readonly ocspUrl: string | undefined
  readonly revocation: RevocationPolicy
  readonly addedAt: number
}

export interface TrustTable {
  /** Oldest first. */
  list(tenantId: string): Promise<TrustedCertificate[]>
  count(tenantId: string): Promise<number>
  /** Adds it, or replaces the one of the same fingerprint. */
  put(certificate: TrustedCertificate): Promise<void>
  delete(tenantId: string, fingerprint: string): Promise<void>
}
