import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { formatName } from '../../crypto/names.ts'
import { PemError, readCertificateInput } from '../../crypto/pem.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import type { Context } from '../context.ts'
import type { Ending } from '../expiry.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant, TenantTable } from '../tenant.ts'
import type { RevocationPolicy, TrustedCertificate, TrustTable } from './store.ts'
import { isSelfSigned } from './validate.ts'

type Tables = { trust: TrustTable }

export interface TrustManagement {
  readonly store: Transactions<Tables>
  readonly context: Pick<Context, 'now'>
}

export interface NewTrust {
  /** PEM of one or more certificates, or base64 of one in DER. */
  readonly certificates: string
  readonly crlUrl?: string | undefined
  readonly ocspUrl?: string | undefined
  readonly revocation?: RevocationPolicy | undefined
}

/** A trusted certificate as people see it. */
export interface TrustInfo extends Omit<TrustedCertificate, 'tenantId' | 'der'> {
  readonly subject: string
  readonly issuer: string
  readonly notAfter: number
}

const mostTrusted = 500

/**
 * Adds roots that senders' certificates may come from; those that are not self-signed help to complete chains. What is
 * said of revocation replaces what was said before.
 */
export async function addTrust(
  tenant: Tenant,
  input: NewTrust,
  { store, context }: TrustManagement,
): Promise<TrustInfo[] | Problem> {
  const certificates = readAuthorities(input.certificates)
  if (certificates instanceof Problem) return certificates
  const { crlUrl, ocspUrl } = input
  const asks = crlUrl !== undefined || ocspUrl !== undefined
  const revocation = input.revocation ?? (asks ? 'hard' : 'off')
  if (revocation !== 'off' && !asks)
    return new Problem(
      'invalid_input',
      'to ask about revocation, an address is needed: a list or a responder',
    )
  const byFingerprint = new Map(certificates.map(one => [certificateFingerprint(one.raw), one]))
  const rows = [...byFingerprint].map(
    ([fingerprint, certificate]): TrustedCertificate => ({
      tenantId: tenant.id,
      fingerprint,
      role: isSelfSigned(certificate) ? 'root' : 'intermediate',
      der: certificate.raw,
      crlUrl,
      ocspUrl,
      revocation,
      addedAt: context.now(),
    }),
  )
  return store.write(async ({ trust }) => {
    const known = new Map((await trust.list(tenant.id)).map(row => [row.fingerprint, row]))
    const merged = rows.map(row =>
      withKnown(row, known.get(row.fingerprint), asks || input.revocation !== undefined),
    )
    const added = rows.filter(({ fingerprint }) => !known.has(fingerprint))
    if (known.size + added.length > mostTrusted)
      return new Problem('limit_reached', `trusted certificates of a tenant: the limit is ${mostTrusted}`, {
        hint: 'Remove what is not used any more.',
      })
    for (const row of merged) await trust.put(row)
    return merged.map(showTrusted)
  })
}

/** Whoever adds a certificate again, in another file perhaps, and says nothing of revocation leaves that as it is. */
function withKnown(
  row: TrustedCertificate,
  known: TrustedCertificate | undefined,
  revocationGiven: boolean,
): TrustedCertificate {
  if (!known) return row
  return revocationGiven ? { ...row, addedAt: known.addedAt } : known
}

/** Removes one; what it vouched for is refused from the next request on. `fingerprint` may have colons. */
export async function removeTrust(
  tenant: Tenant,
  fingerprint: string,
  { store }: Pick<TrustManagement, 'store'>,
): Promise<TrustInfo | Problem> {
  const wanted = fingerprint.replace(/:/g, '').toLowerCase()
  return store.write(async ({ trust }) => {
    const row = (await trust.list(tenant.id)).find(one => one.fingerprint === wanted)
    if (!row)
      return new Problem('not_found', 'no trusted certificate has this fingerprint (SHA-256)', {
        hint: 'See `countersign trust list`.',
      })
    await trust.delete(tenant.id, wanted)
    return showTrusted(row)
  })
}

export async function listTrust(
  tenant: Tenant,
  { store }: Pick<TrustManagement, 'store'>,
): Promise<TrustInfo[]> {
  return (await store.read.trust.list(tenant.id)).map(showTrusted)
}

/** Trusted certificates of all tenants that end before `time`, and have no successor of the same name. */
export async function endingTrust(
  time: number,
  { store }: { readonly store: Transactions<Tables & { tenants: TenantTable }> },
): Promise<Ending[]> {
  const found: Ending[] = []
  for (const tenant of await store.read.tenants.list()) {
    const all = await listTrust(tenant, { store })
    for (const { fingerprint: id, role, subject, notAfter } of all) {
      const succeeded = all.some(other => other.subject === subject && other.notAfter > notAfter)
      if (notAfter >= time || succeeded) continue
      const names = { tenant: tenant.name, role, subject }
      found.push({
        of: 'trusted',
        id,
        names,
        notAfter,
        hint: 'Add its successor: countersign trust add FILE.',
      })
    }
  }
  return found
}

function showTrusted({ tenantId: _, der, ...row }: TrustedCertificate): TrustInfo {
  const { subject, issuer, notAfter } = parseCertificate(der)
  return { ...row, subject: formatName(subject), issuer: formatName(issuer), notAfter }
}

function readAuthorities(text: string): readonly Certificate[] | Problem {
  const refuse = (reason: string) => new Problem('invalid_input', `it cannot be trusted: ${reason}`)
  try {
    const certificates = readCertificateInput(text).map(der => parseCertificate(der))
    for (const certificate of certificates) {
      const { basicConstraints, keyUsage } = parseCertificateExtensions(certificate.extensions)
      const subject = formatName(certificate.subject)
      if (!basicConstraints?.ca) return refuse(`${subject} is not the certificate of an authority`)
      if (keyUsage && !keyUsage.includes('keyCertSign'))
        return refuse(`the keyUsage of ${subject} does not allow it to issue certificates (no keyCertSign)`)
    }
    return certificates
  } catch (error) {
    if (error instanceof PemError || error instanceof DerError) return refuse(error.message)
    throw error
  }
}
