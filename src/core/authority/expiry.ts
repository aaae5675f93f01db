import { formatName } from '../../crypto/names.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import { day } from '../context.ts'
import type { Ending } from '../expiry.ts'
import { type Authority, type AuthorityMember, chainAbove, issuerOf, memberOf, rootsOf } from './directory.ts'
import { type AuthorityManagement, succeedResponderMs } from './manage.ts'

/**
 * The certificates of the tenants' authorities that end before `time` and that nothing has succeeded: who issues,
 * what is above it, roots that have no end of their own, and responders that should have a successor by now.
 */
export async function endingAuthorities(
  time: number,
  { store, vault, context }: Pick<AuthorityManagement, 'store' | 'vault' | 'context'>,
): Promise<Ending[]> {
  const now = context.now()
  const found: Ending[] = []
  for (const { id: tenantId, name } of await store.read.tenants.list()) {
    const members = (await store.read.authorities.list(tenantId)).map(row => memberOf(row, vault))
    for (const member of watched({ tenantId, members }, now))
      if (member.certificate.notAfter < time) found.push(endingOf(member, name))
  }
  return found
}

function watched(authority: Authority, now: number): ReadonlySet<AuthorityMember> {
  const issuer = issuerOf(authority, now, 'next') ?? newest(authority, 'issuing')
  const responder = authority.members.findLast(
    ({ role, issuerId }) => role === 'ocsp' && issuerId === issuer?.id,
  )
  const overdue =
    responder &&
    responder.certificate.notAfter < issuer!.certificate.notAfter &&
    responder.certificate.notAfter - now < succeedResponderMs - day
  return new Set([
    ...(issuer ? [issuer, ...chainAbove(authority, issuer)] : []),
    ...rootsOf(authority, now).filter(({ retireAt }) => retireAt === undefined),
    ...(overdue ? [responder] : []),
  ])
}

/** Where nobody can issue any more, the last one that could is what has to be told. */
const newest = ({ members }: Authority, role: AuthorityMember['role']): AuthorityMember | undefined =>
  members.filter(member => member.role === role && member.holdsKey).at(-1)

const endingOf = ({ role, certificate }: AuthorityMember, tenant: string): Ending => ({
  of: 'authority',
  id: certificateFingerprint(certificate.raw),
  names: { tenant, role, subject: formatName(certificate.subject) },
  notAfter: certificate.notAfter,
  hint: 'Make a successor: countersign authority roll-over, or import one; see countersign authority list.',
})
