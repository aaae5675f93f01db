import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import {
  authenticateCertificate,
  type Client,
  type ClientAuthentication,
  refuse,
  subjectOf,
  useOf,
  whyEnded,
} from '../clients/index.ts'
import type { Journal } from '../journal.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import type { CredentialTables } from './credentials/credential.ts'
import { findKey, type KeyBrokering, type MadeKey } from './keys.ts'
import { succeedCredential } from './rotate.ts'

type Renewing = KeyBrokering &
  ClientAuthentication & { readonly journal: Pick<Journal<unknown, unknown>, 'lastUsed'> }

/**
 * Renews an issued certificate for its holder, who proves to hold it by the connection and brings a signing request.
 * The one before is accepted for the overlap that the instance sets. Within it the holder may ask again, for an
 * answer gets lost; but not once a successor is in use, else the old certificate would never end.
 */
export async function renewCertificate(
  presented: PresentedCertificate,
  request: { readonly csr: string; readonly authority?: string | undefined },
  { tenant, source }: { tenant: Tenant; source: string },
  deps: Renewing,
): Promise<MadeKey | Problem> {
  const client = await authenticateCertificate(
    { certificate: presented, clientId: undefined },
    { tenant, source },
    deps,
  )
  if (isProblem(client)) return client
  const renewed = await renew(client, presented.thumbprint, request, tenant, deps)
  return isProblem(renewed) ? renewed.with({ subject: subjectOf(client) }) : renewed
}

async function renew(
  client: Client,
  thumbprint: string,
  request: { readonly csr: string; readonly authority?: string | undefined },
  tenant: Tenant,
  deps: Renewing,
): Promise<MadeKey | Problem> {
  const found = await findKey(tenant, client.instanceName, client.keyName, deps)
  if (isProblem(found)) return found
  if (found.key.type !== 'certificate')
    return new Problem('invalid_input', 'the certificate was not issued here: renew it where it comes from', {
      hint: 'Only keys of type certificate are renewed.',
    })
  if (await hasTakenOver(client.credentialId, thumbprint, deps))
    return new Problem('conflict', 'a successor of this certificate is in use: renew that one', {
      check: 'client certificate',
      hint: `If the sender has lost it: countersign key rotate ${client.instanceName} ${client.keyName}`,
    })
  /** Asked again inside: it may have been revoked, or run out, since the connection proved it. */
  const mayStill = async ({ keyCertificates }: CredentialTables, now: number) => {
    const held = (await keyCertificates.list(client.credentialId)).find(one => one.thumbprint === thumbprint)
    const why = held
      ? whyEnded(held, client, now)
      : { reason: 'the key does not hold the certificate any more' }
    return why && refuse(why, client, undefined)
  }
  return succeedCredential(tenant, found, request, { renews: thumbprint, mayStill }, deps)
}

/** Whether a certificate has a successor that somebody has used. */
async function hasTakenOver(
  credentialId: string,
  thumbprint: string,
  { store, journal }: Renewing,
): Promise<boolean> {
  const held = await store.read.keyCertificates.list(credentialId)
  const own = held.find(one => one.thumbprint === thumbprint)
  if (own?.acceptedUntil === undefined) return false
  const later = held.filter(one => !one.ended && one.createdAt > own.createdAt)
  return (await journal.lastUsed(later.map(one => useOf(credentialId, one.thumbprint)))).size > 0
}
