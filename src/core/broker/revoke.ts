import {
  type IssuedCertificate,
  type IssuedCertificateTable,
  type RevocationReason,
  serialHex,
} from '../authority/index.ts'
import type { ClientTable, KeyCertificateTable } from '../clients/index.ts'
import { type Context, iso } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { ServiceKeyTable } from './store.ts'

type Tables = {
  issued: IssuedCertificateTable
  keyCertificates: KeyCertificateTable
  keys: ServiceKeyTable
  clients: ClientTable
}

/**
 * Revokes an issued certificate, named by its thumbprint (base64url, or hexadecimal as fingerprints are written) or
 * its serial number (hexadecimal); colons and a leading 0x may be there. It is refused from the next request on, and
 * in the revocation list from its next fetch on. Unless it was superseded, the tokens of its key end as well; and if
 * its private key was stolen, so do the certificates that were issued after it: the thief may have renewed.
 */
export async function revokeCertificate(
  tenant: Tenant,
  wanted: string,
  reason: RevocationReason,
  { store, context }: { readonly store: Transactions<Tables>; readonly context: Pick<Context, 'now'> },
): Promise<IssuedCertificate | Problem> {
  const hex = /^(?:0x)?([0-9a-f:]{1,100})$/i.exec(wanted)?.[1]?.replaceAll(':', '').toLowerCase()
  const thumbprint = hex?.length === 64 ? Buffer.from(hex, 'hex').toString('base64url') : wanted
  const serial = hex ? serialHex({ serial: BigInt(`0x${hex}`) }) : undefined
  return store.write(async ({ issued, keyCertificates, keys, clients }) => {
    const certificate =
      (await issued.byThumbprint(tenant.id, thumbprint)) ??
      (serial === undefined ? undefined : await issued.bySerialIn(tenant.id, serial))
    if (!certificate)
      return new Problem('not_found', 'this authority issued no such certificate', {
        hint: 'Name it by its serial number or its thumbprint, as `countersign key show` has them.',
      })
    if (certificate.revokedAt !== undefined)
      return new Problem('conflict', `it was revoked on ${iso(certificate.revokedAt)} already`)
    const now = context.now()
    const key = await keys.byId(certificate.credentialId)
    for (const each of await alsoRevoked(certificate, reason, issued)) {
      await issued.revoke(each, reason, now)
      if (key) await keyCertificates.end(each, 'revoked', now, key.clientId)
    }
    // Whoever was not to have the certificate was not to have the tokens got with it either.
    if (reason !== 'superseded') await clients.raiseGeneration(certificate.credentialId)
    return { ...certificate, revokedAt: now, reason }
  })
}

async function alsoRevoked(
  certificate: IssuedCertificate,
  reason: RevocationReason,
  issued: IssuedCertificateTable,
): Promise<IssuedCertificate[]> {
  if (reason !== 'keyCompromise') return [certificate]
  const all = await issued.ofCredential(certificate.credentialId)
  return all.filter(
    ({ createdAt, revokedAt }) => createdAt >= certificate.createdAt && revokedAt === undefined,
  )
}
