/** A certificate of the tenant's own authority. Its state follows from its dates. */
export interface AuthorityCertificate {
  /** Random; part of the addresses of its CRL and its certificate. */
  readonly id: string
  readonly tenantId: string
  /** `root`: signs the intermediates. `issuing`: signs what senders hold. `ocsp`: answers for an issuing one. */
  readonly role: 'root' | 'issuing' | 'ocsp'
  /** Whose certificate signed this one; undefined for a root. */
  readonly issuerId: string | undefined
  readonly der: Buffer
  /** The private key; undefined where an imported root keeps its own. */
  readonly sealedKey: Buffer | undefined
  readonly createdAt: number
  /** Signs from then on, until the next one's date has come. */
  readonly activeFrom: number
  /** A root: trusted until then. Undefined while nothing succeeds it. */
  readonly retireAt: number | undefined
}

/** Reasons of RFC 5280 section 5.3.1 that make sense for a sender's certificate. */
export type RevocationReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'privilegeWithdrawn'

/** A certificate that the authority made. Stays on record until it has expired, whatever becomes of its key. */
export interface IssuedCertificate {
  readonly tenantId: string
  readonly authorityId: string
  /** Hexadecimal, lower case. */
  readonly serial: string
  readonly thumbprint: string
  readonly credentialId: string
  readonly subject: string
  readonly notBefore: number
  readonly notAfter: number
  /** Exactly: validity counts in seconds, and begins earlier. */
  readonly createdAt: number
  readonly revokedAt: number | undefined
  readonly reason: RevocationReason | undefined
}

export interface RevokedEntry {
  readonly serial: string
  readonly revokedAt: number
  readonly reason: RevocationReason | undefined
}

export interface StoredCrl {
  readonly der: Buffer
  readonly thisUpdate: number
  readonly nextUpdate: number
}

export interface AuthorityTable {
  list(tenantId: string): Promise<AuthorityCertificate[]>
  insert(certificate: AuthorityCertificate): Promise<void>
  setRetireAt(certificate: Pick<AuthorityCertificate, 'id' | 'tenantId'>, retireAt: number): Promise<void>
  delete(certificate: Pick<AuthorityCertificate, 'id' | 'tenantId'>): Promise<void>

  crl(authorityId: string): Promise<StoredCrl | undefined>
  /** Counts up, and returns the new number (RFC 5280 section 5.2.3). */
  nextCrlNumber(authorityId: string): Promise<number>
  putCrl(authority: Pick<AuthorityCertificate, 'id' | 'tenantId'>, crl: StoredCrl): Promise<void>
}

export interface IssuedCertificateTable {
  insert(certificate: IssuedCertificate): Promise<void>
  bySerial(authorityId: string, serial: string): Promise<IssuedCertificate | undefined>
  /** The first of a serial number, whichever authority of the tenant issued it. */
  bySerialIn(tenantId: string, serial: string): Promise<IssuedCertificate | undefined>
  byThumbprint(tenantId: string, thumbprint: string): Promise<IssuedCertificate | undefined>
  /** Of one service key, newest first. */
  ofCredential(credentialId: string): Promise<IssuedCertificate[]>
  /** Revoked, and not expired before `since`: at most `most`, by serial number, from the one behind `after` on. */
  revoked(
    authorityId: string,
    since: number,
    page: { readonly after: string; readonly most: number },
  ): Promise<RevokedEntry[]>
  /** How many these are in all. Nothing that is revoked becomes good again, so equal counts mean equal lists. */
  countRevoked(authorityId: string, since: number): Promise<number>
  /** Marks it revoked, and the CRL of its authority outdated. */
  revoke(certificate: IssuedCertificate, reason: RevocationReason, at: number): Promise<void>
  /** Removes what expired before `time`. */
  deleteOlderThan(time: number): Promise<void>
}
