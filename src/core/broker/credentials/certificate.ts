import { z } from 'zod'
import type { Certificate } from '../../../crypto/certificate.ts'
import { privateKeyPem } from '../../../crypto/key-pair.ts'
import { formatName } from '../../../crypto/names.ts'
import type { Addresses } from '../../addresses.ts'
import { issueToSender, serialHex } from '../../authority/index.ts'
import { forgetOldest, namesDigest } from '../../clients/index.ts'
import { day, hour, iso } from '../../context.ts'
import { plan } from '../../plans.ts'
import { Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import { limitReached } from '../limits.ts'
import type { Instance, ServiceKey } from '../store.ts'
import type { CredentialKind, CredentialTables, Overlap } from './credential.ts'
import { keyLength, readKeyParameters, validity } from './parameters.ts'

const parametersSchema = z.strictObject({
  validity: validity.default(365),
  'key-length': keyLength.optional(),
  csr: z.string().optional(),
  authority: z.enum(['active', 'next']).default('active'),
})

/** A certificate that the authority issues: with a key pair handed out once, or for the sender's signing request. */
export const certificate: CredentialKind = {
  type: 'certificate',
  schema: parametersSchema,
  async make(owner, parameters, deps) {
    const read = readKeyParameters(this.type, parametersSchema, parameters)
    if (read instanceof Problem) return read
    const { validity: days, 'key-length': length, csr, authority } = read
    if (csr !== undefined && length !== undefined)
      return new Problem('invalid_input', 'a signing request brings its own key: leave key-length out')
    const issued = await issueToSender(
      owner.tenant,
      { ...owner, instanceName: owner.instance.name, days, authority },
      csr === undefined ? { length: length ?? 2048 } : { csr },
      deps,
    )
    if (issued instanceof Problem) return issued
    const { certificate: made, privateKey, chainPem, record } = issued
    return {
      stored: { validityDays: days },
      document: {
        certificate: chainPem,
        ...(privateKey && { key: privateKeyPem(privateKey) }),
        certificatedetails: certificateDetails(made),
      },
      warnings: shortened(made, days, deps.context.now()),
      async write(key, tables) {
        const now = deps.context.now()
        const unexpired = (await tables.issued.ofCredential(key.id)).filter(one => one.notAfter > now)
        if (unexpired.length >= mostIssued)
          return limitReached('certificates issued to a key that have not expired', mostIssued)
        await tables.issued.insert(record)
        await holdCertificate(key, made, record.thumbprint, now, tables)
        return undefined
      },
    }
  },
  succeed: succeedCertificates,
  urls: mtlsUrls,
}

/** An hour's grace: it takes a moment to issue. */
function shortened({ notAfter }: Certificate, days: number, now: number): string[] {
  if (notAfter > now + days * day - hour) return []
  return [
    `the certificate ends on ${iso(notAfter)}, before the ${days} days that were asked for: its authority is good no longer than that (countersign authority list)`,
  ]
}

/** The documented member `certificatedetails`. */
export const certificateDetails = (made: Certificate) => ({
  issuerdn: formatName(made.issuer),
  subjectdn: formatName(made.subject),
  validuntil: iso(made.notAfter),
  serialnumber: `0x${serialHex(made).toUpperCase()}`,
})

/** Registers a certificate with its key. */
export async function holdCertificate(
  { tenantId, id: credentialId, clientId }: Pick<ServiceKey, 'tenantId' | 'id' | 'clientId'>,
  made: Certificate,
  thumbprint: string,
  now: number,
  { keyCertificates }: Pick<CredentialTables, 'keyCertificates'>,
): Promise<void> {
  const { notBefore, notAfter, raw: der } = made
  await keyCertificates.insert(
    {
      tenantId,
      credentialId,
      thumbprint,
      der,
      names: namesDigest(made),
      notBefore,
      notAfter,
      acceptedUntil: undefined,
      ended: undefined,
      endedAt: undefined,
      createdAt: now,
    },
    clientId,
  )
}

/** So many certificates of one key at once are enough for any overlap. */
const mostAtOnce = 10

/** So many stay on record, because they would else be good in the eyes of those who ask the revocation list. */
const mostIssued = 1000

/**
 * The new certificate counts; those that it succeeds are accepted until `until`, or their own end if that is earlier.
 * What an operator put in the place of a certificate is not ended by that one renewing itself.
 */
export async function succeedCertificates(
  key: ServiceKey,
  made: { write?(key: ServiceKey, tables: CredentialTables): Promise<Problem | undefined> },
  { now, until, renews }: Overlap,
  tables: CredentialTables,
): Promise<Problem | undefined> {
  const all = await tables.keyCertificates.list(key.id)
  await forgetOldest(all, now, key.clientId, tables.keyCertificates)
  const held = all.filter(
    one => !one.ended && Math.min(one.acceptedUntil ?? one.notAfter, one.notAfter) > now,
  )
  if (held.length >= mostAtOnce)
    return limitReached('certificates of a key that are accepted at once', mostAtOnce)
  const { createdAt: newest = Number.POSITIVE_INFINITY } = all.find(one => one.thumbprint === renews) ?? {}
  for (const one of held.filter(({ createdAt }) => createdAt <= newest))
    if (one.acceptedUntil === undefined || one.acceptedUntil > until)
      await tables.keyCertificates.setAcceptedUntil(one, until, key.clientId)
  return made.write?.(key, tables)
}

/** Both addresses ask for a certificate; the admin API never does (design 2.2), so its own address stays public. */
export function mtlsUrls(instance: Instance, tenant: Tenant, addresses: Addresses) {
  return {
    tokenurl: addresses.mtlsTokenEndpoint(tenant),
    url: plan(instance.plan)!.mtlsUrl(addresses, tenant),
  }
}
