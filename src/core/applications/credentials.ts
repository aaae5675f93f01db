import { hash } from 'node:crypto'
import { parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { keyWeakness } from '../../crypto/key-quality.ts'
import { formatName } from '../../crypto/names.ts'
import { PemError, readCertificateInput } from '../../crypto/pem.ts'
import { formatSecret, secretDigest } from '../../crypto/secret.ts'
import { importSpki } from '../../crypto/spki.ts'
import { certificateFingerprint, certificateThumbprint } from '../../crypto/thumbprint.ts'
import { limitReached } from '../broker/index.ts'
import { day, iso, newUuid } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { KeyMaking } from '../tokens/index.ts'
import { applicationLimits, noApplication } from './register.ts'
import type { AppCertificate, Application, ApplicationTable, AppSecret } from './store.ts'

export interface ManagingCredentials extends KeyMaking {
  readonly store: Transactions<{ applications: ApplicationTable }>
}

type Stored = Pick<ManagingCredentials, 'store'>

/** A certificate as people compare it. */
export interface AppCertificateInfo extends AppCertificate {
  /** SHA-1 of the whole, as Entra's portal shows it: hexadecimal, upper case. */
  readonly sha1: string
  /** The same with SHA-256. */
  readonly sha256: string
  readonly subject: string
}

export function describeCertificate(certificate: AppCertificate): AppCertificateInfo {
  const { der } = certificate
  return {
    ...certificate,
    sha1: hash('sha1', der, 'hex').toUpperCase(),
    sha256: certificateFingerprint(der).toUpperCase(),
    subject: formatName(parseCertificate(der).subject),
  }
}

/** Lets an application sign assertions with the key of a certificate. Who issued it is no matter. */
export async function addCertificate(
  tenant: Tenant,
  reference: string,
  text: string,
  { store, context }: ManagingCredentials,
): Promise<AppCertificateInfo | Problem> {
  const read = readCertificate(text)
  if (read instanceof Problem) return read
  const certificate: AppCertificate = { ...read, createdAt: context.now() }
  if (certificate.notAfter < certificate.createdAt)
    return new Problem('invalid_input', `the certificate ended at ${iso(read.notAfter)}`)
  return store.write(async ({ applications }) => {
    const application = await applications.find(tenant.id, reference)
    if (!application) return noApplication(reference)
    const held = await applications.certificates(application.id)
    if (held.some(({ thumbprint }) => thumbprint === certificate.thumbprint))
      return new Problem('conflict', `application ${application.name} has this certificate already`)
    if (held.length >= applicationLimits.certificates)
      return limitReached('certificates of an application', applicationLimits.certificates)
    await applications.insertCertificate(application, certificate)
    return describeCertificate(certificate)
  })
}

function readCertificate(text: string): Omit<AppCertificate, 'createdAt'> | Problem {
  const refuse = (reason: string) => new Problem('invalid_input', `certificate: ${reason}`)
  try {
    const found = readCertificateInput(text)
    if (found.length > 1)
      return refuse(`the file holds ${found.length} certificates: give that of the application alone`)
    const certificate = parseCertificate(found[0]!)
    const weakness = keyWeakness(importSpki(certificate.spki.raw))
    if (weakness !== undefined) return refuse(weakness)
    const { raw: der, notBefore, notAfter } = certificate
    return { thumbprint: certificateThumbprint(der), der, notBefore, notAfter }
  } catch (error) {
    if (error instanceof PemError || error instanceof DerError) return refuse(error.message)
    throw error
  }
}

/** `named`: either thumbprint in hexadecimal, or `x5t#S256`. */
export async function removeCertificate(
  tenant: Tenant,
  reference: string,
  named: string,
  { store }: Stored,
): Promise<AppCertificateInfo | Problem> {
  return store.write(async ({ applications }) => {
    const application = await applications.find(tenant.id, reference)
    if (!application) return noApplication(reference)
    const hex = named.replaceAll(':', '').toUpperCase()
    const found = (await applications.certificates(application.id))
      .map(describeCertificate)
      .find(({ thumbprint, sha1, sha256 }) => [sha1, sha256].includes(hex) || thumbprint === named)
    if (!found)
      return new Problem(
        'not_found',
        `application ${application.name} has no certificate of this thumbprint`,
        {
          hint: `See \`countersign app certificate list ${application.clientId}\`.`,
        },
      )
    await applications.deleteCertificate(application, found.thumbprint)
    return found
  })
}

/** A secret that was made, told once. */
export interface MadeSecret {
  readonly application: Application
  readonly info: AppSecret
  readonly secret: string
}

/** Makes a secret of 256 random bits; only its keyed digest is kept. */
export async function addSecret(
  tenant: Tenant,
  reference: string,
  { validityDays }: { readonly validityDays?: number | undefined },
  { store, vault, context }: ManagingCredentials,
): Promise<MadeSecret | Problem> {
  const secret = formatSecret(context.random(32))
  const createdAt = context.now()
  const info: AppSecret = {
    id: newUuid(context),
    digest: secretDigest(vault.pepper, secret),
    createdAt,
    expiresAt: validityDays === undefined ? undefined : createdAt + validityDays * day,
  }
  return store.write(async ({ applications }) => {
    const application = await applications.find(tenant.id, reference)
    if (!application) return noApplication(reference)
    if ((await applications.secrets(application.id)).length >= applicationLimits.secrets)
      return limitReached('secrets of an application', applicationLimits.secrets)
    await applications.insertSecret(application, info)
    return { application, info, secret }
  })
}

export async function removeSecret(
  tenant: Tenant,
  reference: string,
  id: string,
  { store }: Stored,
): Promise<AppSecret | Problem> {
  return store.write(async ({ applications }) => {
    const application = await applications.find(tenant.id, reference)
    if (!application) return noApplication(reference)
    const found = (await applications.secrets(application.id)).find(one => one.id === id.toLowerCase())
    if (!found)
      return new Problem('not_found', `application ${application.name} has no secret of this id`, {
        hint: `See \`countersign app secret list ${application.clientId}\`: the id, not the secret.`,
      })
    await applications.deleteSecret(application, found.id)
    return found
  })
}
