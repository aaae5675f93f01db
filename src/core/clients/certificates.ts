import { hash } from 'node:crypto'
import type { Certificate } from '../../crypto/certificate.ts'
import { canonicalName, type Name } from '../../crypto/names.ts'
import { day } from '../context.ts'

/** Why a certificate of a key is not accepted any more though its dates would allow it. */
export type CertificateEnd = 'revoked' | 'superseded'

/** A certificate that identifies a client: the whole of it, by its thumbprint (design 3.4). */
export interface RegisteredCertificate {
  /** `x5t#S256` (RFC 8705 section 3.1). */
  readonly thumbprint: string
  readonly notBefore: number
  readonly notAfter: number
  /** End of the overlap with its successor; undefined: has none. */
  readonly acceptedUntil: number | undefined
  readonly ended: CertificateEnd | undefined
  readonly endedAt: number | undefined
}

/** The same, as stored. One certificate occurs once in a tenant. */
export interface KeyCertificate extends RegisteredCertificate {
  readonly tenantId: string
  readonly credentialId: string
  readonly der: Buffer
  /** Digest of subject and issuer: finds keys that would be mistaken for each other. */
  readonly names: string
  readonly createdAt: number
}

/** A key by whose certificate another one could be mistaken. */
export interface NamesOwner {
  readonly credentialId: string
  readonly pinned: boolean
  readonly instanceName: string
  readonly keyName: string
}

export interface KeyCertificateTable {
  /** Of one key, oldest first. */
  list(credentialId: string): Promise<KeyCertificate[]>
  /** Of several keys. */
  listOf(credentialIds: readonly string[]): Promise<KeyCertificate[]>
  find(tenantId: string, thumbprint: string): Promise<(KeyCertificate & NamesOwner) | undefined>
  /** The keys with a certificate of these names that has not ended. */
  withNames(tenantId: string, names: string): Promise<NamesOwner[]>
  insert(certificate: KeyCertificate, clientId: string): Promise<void>
  end(certificate: CertificateId, how: CertificateEnd, at: number, clientId: string): Promise<void>
  setAcceptedUntil(certificate: CertificateId, until: number, clientId: string): Promise<void>
  delete(certificate: CertificateId, clientId: string): Promise<void>
  /** Those in use, of all tenants, that end before `time`, the first to end first. */
  endingBefore(time: number): Promise<EndingCertificate[]>
  /** Those in use that these authorities of a tenant issued, and that do not end before `time`. */
  issuedBy(tenantId: string, authorityIds: readonly string[], time: number): Promise<EndingCertificate[]>
}

/** So many of a key's certificates stay on record after their time, to tell why they are refused. */
const mostRemembered = 20
/** Longer than a token lives that was got with one of them: its end counts for the token, too. */
const rememberedMs = 2 * day

/** Inside a transaction: a sender that renews often does not fill the table. `held`: those of one key, oldest first. */
export async function forgetOldest(
  held: readonly KeyCertificate[],
  now: number,
  clientId: string,
  table: KeyCertificateTable,
): Promise<void> {
  const over = held.filter(
    ({ notAfter, acceptedUntil = notAfter, endedAt = notAfter }) =>
      Math.min(notAfter, acceptedUntil, endedAt) < now - rememberedMs,
  )
  for (const one of over.slice(0, -mostRemembered)) await table.delete(one, clientId)
}

export interface CertificateId {
  readonly tenantId: string
  readonly credentialId: string
  readonly thumbprint: string
}

/** A certificate that ends soon, with whom to tell. */
export interface EndingCertificate {
  readonly tenantName: string
  readonly instanceName: string
  readonly keyName: string
  readonly clientId: string
  readonly thumbprint: string
  readonly notAfter: number
}

/**
 * How a certificate may stand for a client without being registered itself (RFC 8705 section 2.1.2), always
 * together with the key of an authority in its path; `names`: the successor of an unpinned certificate.
 */
export type MatchKind = 'names' | 'subject_dn' | 'san_dns' | 'san_uri' | 'san_ip' | 'san_email'

export interface KeyMatch {
  readonly tenantId: string
  /** What the certificate must have, digested: `matchDigest`. */
  readonly digest: string
  readonly kind: MatchKind
  readonly credentialId: string
}

export interface KeyMatchTable {
  insert(match: KeyMatch): Promise<void>
  /** The same; one of the same digest is of this key from now on. */
  put(match: KeyMatch): Promise<void>
  /** Those of the digests that are registered. */
  find(tenantId: string, digests: readonly string[]): Promise<KeyMatch[]>
}

/** Digest of both names of a certificate, without regard to how they are written (RFC 5280 section 7.1). */
export const namesDigest = ({ subject, issuer }: { subject: Name; issuer: Name }): string =>
  digestOf(['names', canonicalName(subject), canonicalName(issuer)])

/** Digest of one property of a certificate, bound to the key of an authority (19: by key, not by name). */
export function matchDigest(kind: MatchKind, value: string, authoritySpki: Uint8Array): string {
  return digestOf([kind, value, hash('sha256', authoritySpki, 'base64url')])
}

/** What a successor of this certificate has in common with it; `issuer` is the authority that verified it. */
export const successorDigest = (leaf: Certificate, issuer: Pick<Certificate, 'spki'>): string =>
  matchDigest('names', namesDigest(leaf), issuer.spki.raw)

/** The form in which a name of the subjectAltName is compared: hosts without regard to case, the rest as it stands. */
export function canonicalSan(kind: 'dns' | 'uri' | 'ip' | 'email', value: string): string {
  if (kind === 'dns') return value.toLowerCase()
  if (kind !== 'email') return value
  const at = value.lastIndexOf('@')
  return value.slice(0, at) + value.slice(at).toLowerCase()
}

const digestOf = (parts: readonly string[]): string => hash('sha256', JSON.stringify(parts), 'base64url')
