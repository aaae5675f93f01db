import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import type { ChangeFeed } from '../store.ts'
import type { Vault } from '../vault.ts'
import type { AuthorityCertificate, AuthorityTable } from './store.ts'

/** A certificate of the authority, read, with its key where this server has it. */
export interface AuthorityMember extends Omit<AuthorityCertificate, 'der' | 'sealedKey'> {
  readonly certificate: Certificate
  readonly holdsKey: boolean
  /** Opens the key; throws where there is none. */
  key(): KeyObject
}

/** The authority of one tenant as it stands in the store. */
export interface Authority {
  readonly tenantId: string
  readonly members: readonly AuthorityMember[]
}

/** The authorities of all tenants, in memory after the first use, re-read when they change. */
export interface AuthorityDirectory {
  of(tenantId: string): Authority | Promise<Authority>
}

export function createAuthorityDirectory(
  table: AuthorityTable,
  vault: Vault,
  changes: ChangeFeed,
): AuthorityDirectory {
  const byTenant = new Map<string, Authority>()
  let epoch = 0
  changes.onChange(change => {
    if (change && change.kind !== 'authority' && change.kind !== 'tenant') return
    epoch++
    if (change) byTenant.delete(change.tenantId)
    else byTenant.clear()
  })

  async function load(tenantId: string): Promise<Authority> {
    const started = epoch
    const members = (await table.list(tenantId)).map(row => memberOf(row, vault))
    const authority = { tenantId, members }
    if (started === epoch) byTenant.set(tenantId, authority)
    return authority
  }

  return { of: tenantId => byTenant.get(tenantId) ?? load(tenantId) }
}

export function memberOf({ der, sealedKey, ...row }: AuthorityCertificate, vault: Vault): AuthorityMember {
  let opened: KeyObject | undefined
  return {
    ...row,
    certificate: parseCertificate(der),
    holdsKey: sealedKey !== undefined,
    key() {
      if (!sealedKey) throw new Error(`the key of authority ${row.id} is not here`)
      opened ??= createPrivateKey({
        key: vault.open(authorityKeyContext(row), sealedKey),
        format: 'der',
        type: 'pkcs8',
      })
      return opened
    },
  }
}

/** What an authority's key is sealed as. */
export const authorityKeyContext = ({ tenantId, id }: { tenantId: string; id: string }): string =>
  `countersign authority key ${tenantId} ${id}`

/** Roots that are trusted now, the newest first. */
export const rootsOf = ({ members }: Authority, now: number): AuthorityMember[] =>
  members
    .filter(member => member.role === 'root' && isKept(member, now))
    .toSorted((a, b) => b.activeFrom - a.activeFrom)

const isKept = ({ retireAt }: AuthorityMember, now: number): boolean =>
  retireAt === undefined || retireAt > now

/** The root above a member, or the member itself; undefined where the chain does not lead to one. */
export function rootOf(authority: Authority, member: AuthorityMember): AuthorityMember | undefined {
  const top = chainAbove(authority, member).at(-1) ?? member
  return top.role === 'root' ? top : undefined
}

/** Does a root that is trusted now stand above this member, which has not ended itself? */
export function isTrusted(authority: Authority, member: AuthorityMember, now: number): boolean {
  const root = rootOf(authority, member)
  return root !== undefined && isKept(root, now) && member.certificate.notAfter > now
}

/** What leads from senders' certificates to the roots. */
export const intermediatesOf = ({ members }: Authority): AuthorityMember[] =>
  members.filter(({ role }) => role === 'issuing')

/** Who signs for senders: now, or `next`: once the newest one's date has come. */
export function issuerOf(
  authority: Authority,
  now: number,
  which: 'active' | 'next' = 'active',
): AuthorityMember | undefined {
  return authority.members
    .filter(
      member =>
        member.role === 'issuing' &&
        member.holdsKey &&
        (which === 'next' || member.activeFrom <= now) &&
        isTrusted(authority, member, now),
    )
    .toSorted((a, b) => b.activeFrom - a.activeFrom || b.createdAt - a.createdAt)[0]
}

/** The certificates from one member's issuer up to its root; the member itself is not among them. */
export function chainAbove({ members }: Authority, member: AuthorityMember): AuthorityMember[] {
  const above: AuthorityMember[] = []
  for (let at: AuthorityMember | undefined = member; at?.issuerId !== undefined; ) {
    at = members.find(({ id }) => id === (at as AuthorityMember).issuerId)
    if (!at || above.includes(at)) break
    above.push(at)
  }
  return above
}
