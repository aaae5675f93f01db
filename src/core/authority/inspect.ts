import { formatName } from '../../crypto/names.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import { type Authority, type AuthorityMember, chainAbove, issuerOf, isTrusted, rootOf } from './directory.ts'
import { responderOf } from './ocsp.ts'

/** `active`: in use for what is made now. `previous`: vouches for what was made before. `retired`: for nothing. */
export type AuthorityState = 'active' | 'next' | 'previous' | 'retired'

/** A certificate of the authority as people see it. */
export interface AuthorityInfo {
  readonly id: string
  readonly role: AuthorityMember['role']
  readonly subject: string
  readonly issuer: string
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string
  readonly notBefore: number
  readonly notAfter: number
  readonly activeFrom: number
  /** When its root stops being trusted. */
  readonly retireAt: number | undefined
  readonly state: AuthorityState
  readonly holdsKey: boolean
}

/** The certificates of a tenant's authority with what they are for at `now`, oldest first. */
export function inspectAuthority(authority: Authority, now: number): AuthorityInfo[] {
  return authority.members.map(member => {
    const { id, role, certificate, activeFrom, holdsKey } = member
    return {
      id,
      role,
      subject: formatName(certificate.subject),
      issuer: formatName(certificate.issuer),
      fingerprint: certificateFingerprint(certificate.raw),
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
      activeFrom,
      retireAt: rootOf(authority, member)?.retireAt,
      state: stateOf(authority, member, now),
      holdsKey,
    }
  })
}

function stateOf(authority: Authority, member: AuthorityMember, now: number): AuthorityState {
  if (!isTrusted(authority, member, now)) return 'retired'
  if (member.role === 'ocsp') {
    const signer = authority.members.find(({ id }) => id === member.issuerId)
    return signer && responderOf(authority, signer, now) === member ? 'active' : 'previous'
  }
  const issuer = issuerOf(authority, now)
  if (issuer && [issuer, ...chainAbove(authority, issuer)].includes(member)) return 'active'
  return member.activeFrom > now ? 'next' : 'previous'
}
