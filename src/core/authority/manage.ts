import { parseCertificate } from '../../crypto/certificate.ts'
import { type Context, day, iso } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant, TenantTable } from '../tenant.ts'
import { type AuthorityDirectory, issuerOf, memberOf, rootOf, rootsOf } from './directory.ts'
import { readAuthority } from './import.ts'
import { type Making, makeAuthority, makeIssuing, makeResponder, newAuthorityId, sealMember } from './make.ts'
import type { AuthorityCertificate, AuthorityTable, IssuedCertificateTable } from './store.ts'

type Tables = { authorities: AuthorityTable; issued: IssuedCertificateTable; tenants: TenantTable }

export interface AuthorityManagement extends Making {
  readonly store: Transactions<Tables>
  readonly authorities: AuthorityDirectory
  readonly context: Context
}

/** An intermediate is succeeded so long before its end that what it signs last does not end early. */
const succeedIssuingMs = 2 * 365 * day
export const succeedResponderMs = 10 * day
/** Issued certificates stay on record for so long after their end. */
const recordMs = 90 * day

/** How long an old root is trusted beside its successor: longer than any certificate under it is valid. */
export const defaultOverlapDays = 400

export interface RollOver {
  /** Days until the new one issues; meanwhile it is trusted, and senders can be given certificates of it to test. */
  readonly leadDays: number
  /** Days for which the old one is trusted after that. */
  readonly overlapDays: number
}

/** Makes a new root with its intermediate, and gives the old ones an end. */
export async function rollOverAuthority(
  tenant: Tenant,
  { leadDays, overlapDays }: RollOver,
  management: AuthorityManagement,
): Promise<{ activeFrom: number; retireAt: number }> {
  const activeFrom = management.context.now() + leadDays * day
  const rows = withResponder(tenant, makeAuthority(tenant, activeFrom, management), management)
  const retireAt = activeFrom + overlapDays * day
  await management.store.write(({ authorities }) => succeed(tenant, rows, retireAt, authorities))
  return { activeFrom, retireAt }
}

/**
 * Takes an existing authority: its certificate with those above it up to the root, and its key (PEM). It issues at
 * once; the root's own key is not needed and stays where it is.
 */
export async function importAuthority(
  tenant: Tenant,
  { certificates, key, overlapDays }: { certificates: string; key: string; overlapDays: number },
  management: AuthorityManagement,
): Promise<{ activeFrom: number; retireAt: number } | Problem> {
  const activeFrom = management.context.now()
  const read = readAuthority(certificates, key, management.context)
  if (read instanceof Problem) return read
  const { privateKey, chain } = read
  const ids = chain.map(() => newAuthorityId(management))
  const rows = chain.map((certificate, i) =>
    sealMember(
      tenant,
      {
        id: ids[i]!,
        role: i === chain.length - 1 ? 'root' : 'issuing',
        issuerId: ids[i + 1],
        certificate,
        key: i === 0 ? privateKey : undefined,
        activeFrom,
      },
      management,
    ),
  )
  const retireAt = activeFrom + overlapDays * day
  const made = withResponder(tenant, rows.reverse(), management)
  return management.store.write(async ({ authorities }) => {
    const known = await authorities.list(tenant.id)
    if (known.some(({ der }) => der.equals(chain[0]!.raw)))
      return new Problem('conflict', 'the authority was imported before', {
        hint: 'See `countersign authority list`. Let its root sign a new intermediate, and import that.',
      })
    await succeed(tenant, made, retireAt, authorities)
    return { activeFrom, retireAt }
  })
}

/** Revocation is answered for from the first certificate on. */
function withResponder(
  tenant: Tenant,
  rows: readonly AuthorityCertificate[],
  making: Making,
): AuthorityCertificate[] {
  const issuing = rows.find(({ role, sealedKey }) => role === 'issuing' && sealedKey)!
  return [...rows, makeResponder(tenant, memberOf(issuing, making.vault), making)]
}

/** Inside a transaction: gives the roots that are there an end, and adds the new ones. */
async function succeed(
  tenant: Tenant,
  rows: readonly AuthorityCertificate[],
  retireAt: number,
  authorities: AuthorityTable,
): Promise<void> {
  for (const { role, ...old } of await authorities.list(tenant.id))
    if (role === 'root' && (old.retireAt === undefined || old.retireAt > retireAt))
      await authorities.setRetireAt(old, retireAt)
  for (const row of rows) await authorities.insert(row)
}

/** Ends the trust in a root at once: what was issued under it is refused from the next request on. */
export async function retireRoot(
  tenant: Tenant,
  id: string,
  { store, context }: AuthorityManagement,
): Promise<AuthorityCertificate | Problem> {
  return store.write(async ({ authorities }) => {
    const now = context.now()
    const roots = (await authorities.list(tenant.id)).filter(({ role }) => role === 'root')
    const root = roots.find(member => member.id === id)
    if (!root)
      return new Problem('not_found', `there is no root ${id}`, { hint: 'See `countersign authority list`.' })
    const isKept = ({ retireAt }: AuthorityCertificate) => retireAt === undefined || retireAt > now
    if (!isKept(root)) return new Problem('conflict', `it was retired on ${iso(root.retireAt!)} already`)
    const others = roots.filter(other => other.id !== id && other.activeFrom <= now && isKept(other))
    if (others.length === 0)
      return new Problem('conflict', 'it is the only root that is trusted', {
        hint: 'Make a successor first: countersign authority roll-over --lead 0',
      })
    await authorities.setRetireAt(root, now)
    return root
  })
}

/**
 * What time asks for: an authority for a tenant that has none, successors of intermediates and responders that come
 * to their end. Safe to run on several nodes at once.
 */
export async function maintainAuthorities(management: AuthorityManagement): Promise<number> {
  const { store, context } = management
  let made = 0
  for (const tenant of await store.read.tenants.list()) {
    const known = await store.read.authorities.list(tenant.id)
    const due = dueOf(tenant, known, management)
    const over = known.filter(row => isOver(row, context.now()))
    if (due.length + over.length === 0) continue
    made += await store.write(async ({ authorities }) => {
      // Looked at again inside: another node may have been quicker.
      const rows = dueOf(tenant, await authorities.list(tenant.id), management)
      for (const row of rows) await authorities.insert(row)
      for (const row of over) await authorities.delete(row)
      return rows.length
    })
  }
  await store.write(({ issued }) => issued.deleteOlderThan(context.now() - recordMs))
  return made
}

/** A responder's answers end before it does: nobody needs it afterwards. */
const isOver = ({ role, der }: AuthorityCertificate, now: number): boolean =>
  role === 'ocsp' && parseCertificate(der).notAfter < now - day

/** The first authority of a new tenant, with its responder. */
export function firstAuthority(tenant: Tenant, making: Making): AuthorityCertificate[] {
  return withResponder(tenant, makeAuthority(tenant, making.context.now(), making), making)
}

function dueOf(
  tenant: Tenant,
  rows: readonly AuthorityCertificate[],
  management: AuthorityManagement,
): AuthorityCertificate[] {
  if (rows.length === 0) return firstAuthority(tenant, management)
  const now = management.context.now()
  const authority = { tenantId: tenant.id, members: rows.map(row => memberOf(row, management.vault)) }
  const due: AuthorityCertificate[] = []
  const issuing = issuerOf(authority, now, 'next')
  // Its own root: an imported authority is not succeeded by the one that it replaced.
  const root = issuing ? rootOf(authority, issuing) : rootsOf(authority, now).find(({ holdsKey }) => holdsKey)
  if (root?.holdsKey && (!issuing || issuing.certificate.notAfter - now < succeedIssuingMs)) {
    const { certificate } = root
    if (!issuing || certificate.notAfter > issuing.certificate.notAfter)
      due.push(makeIssuing(tenant, { row: root, certificate, key: root.key() }, now, management))
  }
  const signers = authority.members.filter(
    ({ role, holdsKey, certificate }) => role === 'issuing' && holdsKey && certificate.notAfter > now,
  )
  for (const signer of signers) {
    const responder = authority.members.find(
      ({ role, issuerId, certificate }) =>
        role === 'ocsp' &&
        issuerId === signer.id &&
        (certificate.notAfter - now > succeedResponderMs ||
          // No successor would last longer.
          certificate.notAfter >= signer.certificate.notAfter),
    )
    if (!responder) due.push(makeResponder(tenant, signer, management))
  }
  return due
}
