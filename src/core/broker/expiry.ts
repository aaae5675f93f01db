import type { AuthorityTable } from '../authority/index.ts'
import { memberOf, rootOf } from '../authority/index.ts'
import type { EndingCertificate, KeyCertificateTable } from '../clients/index.ts'
import type { Ending } from '../expiry.ts'
import type { Transactions } from '../store.ts'
import type { TenantTable } from '../tenant.ts'
import type { Vault } from '../vault.ts'

export interface KeyExpiry {
  readonly store: Transactions<{
    tenants: TenantTable
    keyCertificates: KeyCertificateTable
    authorities: AuthorityTable
  }>
  readonly vault: Vault
}

/**
 * The certificates of service keys of all tenants that end before `time`: by their own date, or because the root
 * above them is trusted no longer than that.
 */
export async function endingKeyCertificates(time: number, { store, vault }: KeyExpiry): Promise<Ending[]> {
  const { keyCertificates, authorities, tenants } = store.read
  const found = new Map<string, Ending>()
  for (const one of await keyCertificates.endingBefore(time)) found.set(idOf(one), endingOf(one))
  for (const { id: tenantId } of await tenants.list()) {
    const members = (await authorities.list(tenantId)).map(row => memberOf(row, vault))
    for (const root of members) {
      const { retireAt } = root
      if (root.role !== 'root' || retireAt === undefined || retireAt >= time) continue
      const below = members.filter(member => rootOf({ tenantId, members }, member) === root)
      const ids = below.map(({ id }) => id)
      for (const one of await keyCertificates.issuedBy(tenantId, ids, retireAt))
        found.set(idOf(one), {
          ...endingOf({ ...one, notAfter: retireAt }),
          hint: `The root above it is trusted until then. ${successorOf(one)}`,
        })
    }
  }
  return [...found.values()]
}

const idOf = ({ tenantName, thumbprint }: EndingCertificate): string => `${tenantName} ${thumbprint}`

const successorOf = ({ instanceName, keyName }: EndingCertificate): string =>
  `Make a successor: countersign key rotate ${instanceName} ${keyName}`

const endingOf = (one: EndingCertificate): Ending => ({
  of: 'key',
  id: one.thumbprint,
  names: { tenant: one.tenantName, instance: one.instanceName, key: one.keyName },
  notAfter: one.notAfter,
  hint: successorOf(one),
})
