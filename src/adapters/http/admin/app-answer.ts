import { z } from 'zod'
import {
  type AppCertificate,
  type AppCertificateInfo,
  type Application,
  type AppSecret,
  describeCertificate,
} from '../../../core/applications/index.ts'
import { useOf } from '../../../core/clients/index.ts'
import type { Tenant } from '../../../core/tenant.ts'
import type { Services } from '../services.ts'
import { iso, isoOrNull, time } from './schemas.ts'

export const certificateAnswer = z.object({
  thumbprint: z.string().meta({ description: 'SHA-1 of the certificate, hexadecimal, as Entra shows it' }),
  thumbprintSha256: z.string().meta({ description: 'SHA-256, hexadecimal' }),
  subject: z.string(),
  startDate: time,
  endDate: time,
  state: z.enum(['active', 'not yet valid', 'expired']),
  addedAt: time,
  lastUsedAt: time.nullable(),
})

export const secretAnswer = z.object({
  id: z.string().meta({ description: 'GUID; not the secret' }),
  createdAt: time,
  expiresAt: time.nullable(),
  state: z.enum(['active', 'expired']),
})

export const appAnswer = z.object({
  id: z.string().meta({ description: 'Client id, a GUID' }),
  name: z.string(),
  objectId: z.string().meta({ description: 'GUID of its service principal: oid and sub of its tokens' }),
  idUri: z.string().nullable().meta({ description: 'App ID URI, by which clients may name it in a scope' }),
  requestedAccessTokenVersion: z.union([z.literal(1), z.literal(2)]),
  assignmentRequired: z.boolean(),
  assertionReplay: z.enum(['refused', 'reported']),
  enabled: z.boolean(),
  appRoles: z.array(
    z.object({ id: z.string(), value: z.string(), displayName: z.string(), enabled: z.boolean() }),
  ),
  certificates: z.array(certificateAnswer).meta({ description: 'Oldest first' }),
  secrets: z.array(secretAnswer),
  grants: z.array(
    z.object({
      resource: z.object({ id: z.string(), name: z.string() }),
      role: z.string(),
      grantedAt: time,
    }),
  ),
  authority: z.string().meta({ description: 'What libraries of Microsoft are pointed at' }),
  tokenurl: z.string(),
  createdAt: time,
  updatedAt: time,
  lastUsedAt: time.nullable(),
})

/** Asks the tables as often for a thousand as for one. */
export async function showApplications(
  found: readonly Application[],
  tenant: Tenant,
  { store, journal, addresses, context }: Services,
): Promise<z.infer<typeof appAnswer>[]> {
  const parts = await store.read.applications.partsOf(found.map(({ id }) => id))
  const lastUsed = await journal.lastUsed(
    found.flatMap(({ id }) => [
      id,
      ...parts.get(id)!.certificates.map(({ thumbprint }) => useOf(id, thumbprint)),
    ]),
  )
  const authority = addresses.directory(tenant.guid)
  const now = context.now()
  return found.map(({ id, clientId, ...application }) => {
    const { roles, certificates, secrets, grants } = parts.get(id)!
    return {
      id: clientId,
      name: application.name,
      objectId: application.objectId,
      idUri: application.idUri ?? null,
      requestedAccessTokenVersion: application.tokenVersion,
      assignmentRequired: application.assignmentRequired,
      assertionReplay: application.assertionReplay,
      enabled: !application.disabled,
      appRoles: [...roles],
      certificates: certificates.map(one =>
        showCertificate(describeCertificate(one), now, lastUsed.get(useOf(id, one.thumbprint))),
      ),
      secrets: secrets.map(one => showSecret(one, now)),
      grants: grants.map(({ resourceClientId, resourceName: name, role, createdAt }) => ({
        resource: { id: resourceClientId, name },
        role,
        grantedAt: iso(createdAt),
      })),
      authority,
      tokenurl: `${authority}/oauth2/v2.0/token`,
      createdAt: iso(application.createdAt),
      updatedAt: iso(application.updatedAt),
      lastUsedAt: isoOrNull(lastUsed.get(id)),
    }
  })
}

export async function showApplication(application: Application, tenant: Tenant, services: Services) {
  const [shown] = await showApplications([application], tenant, services)
  return shown!
}

export function showCertificate(
  { sha1, sha256, subject, notBefore, notAfter, createdAt }: AppCertificateInfo,
  now: number,
  usedAt?: number,
): z.infer<typeof certificateAnswer> {
  return {
    thumbprint: sha1,
    thumbprintSha256: sha256,
    subject,
    startDate: iso(notBefore),
    endDate: iso(notAfter),
    state: stateOf({ notBefore, notAfter }, now),
    addedAt: iso(createdAt),
    lastUsedAt: isoOrNull(usedAt),
  }
}

function stateOf({ notBefore, notAfter }: Pick<AppCertificate, 'notBefore' | 'notAfter'>, now: number) {
  if (now > notAfter) return 'expired'
  return now < notBefore ? 'not yet valid' : 'active'
}

export const showSecret = (
  { id, createdAt, expiresAt }: AppSecret,
  now: number,
): z.infer<typeof secretAnswer> => ({
  id,
  createdAt: iso(createdAt),
  expiresAt: isoOrNull(expiresAt),
  state: expiresAt !== undefined && expiresAt <= now ? 'expired' : 'active',
})
