import type { Certificate } from '../certificate.ts'
import type { DistributionPoint } from '../extensions/distribution-point.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import { nameEquals, parseName } from '../names.ts'
import { pathCertificate } from '../path/path-certificate.ts'
import type { RevocationReason } from '../revocation-reason.ts'
import type { VerifiedCrl } from './verify.ts'

export interface CrlQuery {
  readonly certificate: Certificate
  /** Whose key has signed the certificate, as `validatePath` found it; a certificate of the issuer fits. */
  readonly issuer: Pick<Certificate, 'subject' | 'spki'>
  /** Milliseconds since 1970. */
  readonly now: number
  /** By how much the clocks may differ; default 0. */
  readonly skewMs?: number
}

/** Why a list says nothing about a certificate. */
export type CrlDoubt =
  | 'wrong issuer'
  | 'unknown critical extension'
  | 'indirect'
  | 'delta'
  /** It is of other certificates, another distribution point, or not for all reasons. */
  | 'scope'
  | 'not yet valid'
  /** Its nextUpdate is over, or it has none. */
  | 'stale'

export type CrlStatus =
  | { readonly status: 'good' }
  /** `at` in milliseconds since 1970. */
  | { readonly status: 'revoked'; readonly reason: RevocationReason; readonly at: number }
  | { readonly status: 'unknown'; readonly why: CrlDoubt }

type Doubt = readonly [CrlDoubt, (crl: VerifiedCrl, query: CrlQuery) => boolean]

/** With any of these not even an entry is to be believed: it may be another's. */
const foreign: readonly Doubt[] = [
  // By key too: authorities keep one list per key, under one name.
  [
    'wrong issuer',
    ({ verifiedBy }, { certificate, issuer }) =>
      !verifiedBy.spki.raw.equals(issuer.spki.raw) || !nameEquals(verifiedBy.subject, certificate.issuer),
  ],
  ['unknown critical extension', crl => crl.unknownCritical.length > 0],
  ['indirect', crl => crl.entries.indirect || crl.issuingDistributionPoint?.indirect === true],
]

/** With any of these the absence of an entry means nothing. */
const incomplete: readonly Doubt[] = [
  ['delta', crl => crl.deltaBase !== undefined],
  ['scope', (crl, { certificate }) => !covers(crl, certificate)],
  ['not yet valid', (crl, { now, skewMs = 0 }) => now + skewMs < crl.thisUpdate],
  ['stale', ({ nextUpdate }, { now, skewMs = 0 }) => nextUpdate === undefined || now - skewMs > nextUpdate],
]

/**
 * What the list says of the certificate (RFC 5280 section 6.3). An entry of an outdated or partial list counts: who
 * is revoked stays so when the next list is late, even if its absence is let pass.
 */
export function crlStatus(crl: VerifiedCrl, query: CrlQuery): CrlStatus {
  const broken = (doubts: readonly Doubt[]) => doubts.find(([, found]) => found(crl, query))?.[0]
  const unusable = broken(foreign)
  if (unusable) return { status: 'unknown', why: unusable }
  const entry = crl.entries.find(query.certificate.serial)
  const isRemoval = entry?.reason === 'removeFromCRL' && crl.deltaBase !== undefined
  if (entry && !isRemoval) return { status: 'revoked', reason: entry.reason, at: entry.revokedAt }
  const why = broken(incomplete)
  return why ? { status: 'unknown', why } : { status: 'good' }
}

/** RFC 5280 section 6.3.3 (b) (2): is the list, when complete, about this certificate? */
function covers({ issuingDistributionPoint: point }: VerifiedCrl, certificate: Certificate): boolean {
  if (!point) return true
  const { extensions, malformed } = pathCertificate(certificate)
  if (malformed !== undefined || point.onlySomeReasons || point.relativeName) return false
  const kind = extensions.basicConstraints?.ca ? 'ca' : 'user'
  if (point.scope && point.scope !== kind) return false
  const { fullName } = point
  return !fullName || (extensions.crlDistributionPoints ?? []).some(own => isAt(own, fullName))
}

/** A point that has lists by others, or for some reasons, says nothing of those of the issuer for all. */
const isAt = (own: DistributionPoint, names: readonly GeneralName[]): boolean =>
  !own.crlIssuer &&
  !own.reasons &&
  (own.fullName ?? []).some(name => names.some(other => isSameName(name, other)))

function isSameName(a: GeneralName, b: GeneralName): boolean {
  if (a.kind === 'dn' && b.kind === 'dn') return nameEquals(parseName(a.name.raw), parseName(b.name.raw))
  return a.kind === b.kind && 'value' in a && 'value' in b && a.value === b.value
}
