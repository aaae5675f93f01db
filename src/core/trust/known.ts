import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { formatName } from '../../crypto/names.ts'
import { type Anchor, anchorOf } from '../../crypto/path/index.ts'
import { type AuthorityDirectory, intermediatesOf, rootsOf } from '../authority/index.ts'
import { type AuthoritySettings, authorityId, settingsOf } from './settings.ts'
import type { TrustTable } from './store.ts'

/** What is known of one tenant: anchors, and what may complete a chain. */
export interface Known {
  readonly anchors: readonly Anchor[]
  readonly intermediates: readonly Certificate[]
  readonly settings: AuthoritySettings
  /** The own authorities that issue here, by `authorityId`: what they revoked is known here. */
  readonly own: ReadonlySet<string>
  /** When which root of the own authority was retired, by its subject. */
  readonly retired: ReadonlyMap<string, number>
  /** The earliest moment at which a root of the own authority retires. */
  readonly until: number
}

/** Reads what a tenant trusts as of now: its own authority, and the roots that it accepts from senders. */
export async function readKnown(
  tenantId: string,
  now: number,
  { table, authorities }: { readonly table: TrustTable; readonly authorities: AuthorityDirectory },
): Promise<Known> {
  const [rows, authority] = await Promise.all([table.list(tenantId), authorities.of(tenantId)])
  const roots = rootsOf(authority, now)
  const trusted = rows.map(row => ({ row, certificate: parseCertificate(row.der) }))
  return {
    anchors: [
      ...roots.map(({ certificate }) => certificate),
      ...trusted.filter(({ row }) => row.role === 'root').map(({ certificate }) => certificate),
    ].map(anchorOf),
    intermediates: [
      ...intermediatesOf(authority).map(({ certificate }) => certificate),
      ...trusted.filter(({ row }) => row.role === 'intermediate').map(({ certificate }) => certificate),
    ],
    settings: settingsOf(rows),
    own: new Set(
      intermediatesOf(authority)
        .filter(({ holdsKey }) => holdsKey)
        .map(({ certificate }) => authorityId(certificate)),
    ),
    retired: new Map(
      authority.members
        .filter(({ role, retireAt = Number.POSITIVE_INFINITY }) => role === 'root' && retireAt <= now)
        .map(({ certificate, retireAt }) => [formatName(certificate.subject), retireAt!]),
    ),
    until: Math.min(...roots.map(({ retireAt }) => retireAt ?? Number.POSITIVE_INFINITY)),
  }
}
