import { parseCertificate } from '../../../crypto/certificate.ts'
import { DerError } from '../../../crypto/der.ts'
import type { PresentedCertificate } from '../../../guard/presented-certificate.ts'
import { BoundedCache } from '../../cache.ts'
import { iso } from '../../context.ts'
import { Problem } from '../../problem.ts'
import { after, type Soon } from '../../soon.ts'
import type { Verdict } from '../../trust/index.ts'
import { type CutName, certificateClaims, type PrincipalSource, principalIn } from '../certificate-claims.ts'
import { wrongCommonId } from '../kinds/ids.ts'
import type { IdentityWay, Proven } from '../way.ts'

export interface CertificateWaySettings {
  /** SHA-256 fingerprints of certificates that are good by themselves, without an authority. */
  readonly pinned: ReadonlySet<string>
  readonly principal: PrincipalSource
  /** Default: all that stands at that place is the name. */
  readonly cut: CutName | undefined
  /** Ids of roles that whoever shows a certificate has. */
  readonly defaultRoles: readonly string[]
}

export interface CertificateWayDependencies {
  /** Is it good for authenticating somebody, now? */
  readonly now: () => number
  readonly evaluate: (presented: PresentedCertificate) => Soon<Verdict>
  /** Told of the roles that a certificate comes with, once for each. */
  readonly onRole: (username: string, role: string) => void
}

const remembered = 10_000

export interface CertificateWay extends IdentityWay {
  /** What it would prove. Leaves no trace, unlike `prove`. */
  examine(presented: PresentedCertificate): Soon<Proven | Problem>
}

/** A certificate of the connection, where a trusted authority vouches for it. */
export function certificateWay(
  { pinned, principal, cut, defaultRoles }: CertificateWaySettings,
  { now, evaluate, onRole }: CertificateWayDependencies,
): CertificateWay {
  // Who a certificate names does not change; whether it is good is looked at each time.
  const named = new BoundedCache<Proven | Problem>(remembered)

  function provenBy({ der, thumbprint }: PresentedCertificate): Proven | Problem {
    const known = named.get(thumbprint)
    if (known) return known
    const proven = read(der)
    named.set(thumbprint, proven)
    if (!(proven instanceof Problem)) for (const role of defaultRoles) onRole(proven.principal.id, role)
    return proven
  }

  function read(der: Buffer): Proven | Problem {
    try {
      const id = principalIn(der, principal, cut)
      if (id === undefined)
        return refused(
          'principal',
          `the certificate has not exactly one ${principal} that can be a name`,
          'Say with COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL which part of the certificate names the caller.',
        )
      const isWhole = cut === undefined && (principal === 'DN' || principal === 'SAN_URI')
      if (!isWhole && wrongCommonId(id) !== undefined)
        return refused(
          'principal',
          'the name in the certificate has characters that no user name has',
          'Take another part of it, or cut it out with CAMUNDA_SECURITY_AUTHENTICATION_MTLS_SUBJECT_DN_PATTERN.',
        )
      return {
        by: 'certificate',
        principal: { type: 'user', id, claims: certificateClaims(der), roles: defaultRoles },
        displayName: id,
        email: undefined,
        until: undefined,
      }
    } catch (error) {
      if (error instanceof DerError)
        return refused('principal', `the certificate cannot be read: ${error.message}`)
      throw error
    }
  }

  return {
    name: 'certificate',
    claims: ({ certificate, authorization }) => certificate !== undefined && authorization === undefined,
    prove: ({ certificate }) =>
      after(distrust(certificate!), distrusted => distrusted ?? provenBy(certificate!)),
    examine: presented => after(distrust(presented), distrusted => distrusted ?? read(presented.der)),
  }

  /** Why nobody vouches for it; undefined: somebody does. */
  function distrust(presented: PresentedCertificate): Soon<Problem | undefined> {
    const fingerprint = Buffer.from(presented.thumbprint, 'base64url').toString('hex')
    if (pinned.has(fingerprint)) return untimely(presented)
    return after(evaluate(presented), verdict =>
      verdict.ok ? undefined : refused('trusted', verdict.reason, verdict.hint),
    )
  }

  /** A pin vouches for who it is, not for its dates. */
  function untimely({ der }: PresentedCertificate): Problem | undefined {
    const { notBefore, notAfter } = parseCertificate(der)
    const time = now()
    return notBefore <= time && time <= notAfter
      ? undefined
      : refused('trusted', `it is good from ${iso(notBefore)} to ${iso(notAfter)} only`)
  }
}

const refused = (check: 'trusted' | 'principal', reason: string, hint?: string): Problem =>
  new Problem('bad_credentials', 'the client certificate is not accepted', {
    reason: `Certificate validation failed: ${reason}`,
    check: `certificate ${check}`,
    ...(hint !== undefined && { hint }),
  })
