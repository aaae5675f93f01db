import { z } from 'zod'
import {
  defaultOverlapDays,
  importAuthority,
  inspectAuthority,
  retireRoot,
  revocationReasons,
  rollOverAuthority,
} from '../../../core/authority/index.ts'
import { revokeCertificate } from '../../../core/broker/index.ts'
import { isProblem, type Problem } from '../../../core/problem.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, isoOrNull, named, time } from './schemas.ts'

const authorityAnswer = z.object({
  id: z.string(),
  role: z.enum(['root', 'issuing', 'ocsp']),
  subject: z.string(),
  issuer: z.string(),
  fingerprint: z.string().meta({ description: 'SHA-256 of the certificate, hexadecimal' }),
  notBefore: time,
  notAfter: time,
  activeFrom: time,
  retireAt: time.nullable().meta({ description: 'When its root stops being trusted' }),
  state: z.enum(['active', 'next', 'previous', 'retired']),
  holdsKey: z.boolean(),
})

const successionAnswer = z.object({ activeFrom: time, retireAt: time })
type Succession = { readonly activeFrom: number; readonly retireAt: number }
const showSuccession = (made: Succession | Problem) =>
  isProblem(made) ? made : { activeFrom: iso(made.activeFrom), retireAt: iso(made.retireAt) }

const leadDays = z.int().min(0).max(365)
const longOverlapDays = z.int().min(0).max(3650).default(defaultOverlapDays)

/** A CRL says more of a revoked certificate than its serial number only where a reason is given. */
const reason = z.enum([...revocationReasons] as [string, ...string[]])

export const authorityRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/authority',
    summary: 'List the certificates of the authority that issues to senders',
    roles: ['MonitoringDataRead', 'CredentialsRead', 'SecurityMaterialEdit'],
    answer: z.object({ certificates: z.array(authorityAnswer) }),
    async handle({ tenant }, { authorities, context }) {
      const certificates = inspectAuthority(await authorities.of(tenant.id), context.now())
      return {
        certificates: certificates.map(one => ({
          ...one,
          notBefore: iso(one.notBefore),
          notAfter: iso(one.notAfter),
          activeFrom: iso(one.activeFrom),
          retireAt: isoOrNull(one.retireAt),
        })),
      }
    },
  }),
  route({
    method: 'POST',
    path: '/authority/roll-over',
    summary: 'Make a new root and intermediate: trusted at once, issuing after the lead',
    roles: ['SecurityMaterialEdit'],
    body: z
      .strictObject({
        leadDays: leadDays.default(30).meta({ description: 'Until then senders can test with it' }),
        overlapDays: longOverlapDays.meta({
          description: 'Days for which the old root is trusted after that',
        }),
      })
      .prefault({}),
    answer: successionAnswer,
    handle: async ({ tenant, body }, services) =>
      showSuccession(await rollOverAuthority(tenant, body, services)),
    audit: made => made,
  }),
  route({
    method: 'POST',
    path: '/authority/import',
    summary: 'Issue from an existing intermediate from now on',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({
      certificates: z
        .string()
        .meta({ description: 'PEM: the intermediate, and those above it up to the root' }),
      key: z.string().meta({ description: 'PEM: the private key of the intermediate, without a passphrase' }),
      overlapDays: longOverlapDays.meta({ description: 'Days for which the old root is trusted' }),
    }),
    answer: successionAnswer,
    handle: async ({ tenant, body }, services) =>
      showSuccession(await importAuthority(tenant, body, services)),
    audit: made => made,
  }),
  route({
    method: 'DELETE',
    path: '/authority/:id',
    summary: 'End the trust in a root at once; what was issued under it is refused from the next request on',
    roles: ['SecurityMaterialEdit'],
    parameters: z.object({ id: z.string() }),
    status: 204,
    handle: ({ tenant, parameters }, services) => retireRoot(tenant, parameters.id, services),
  }),
  route({
    method: 'POST',
    path: '/certificates/:name/revocation',
    summary: 'Revoke an issued certificate, named by its serial number (hexadecimal) or its thumbprint',
    roles: ['CredentialsEdit'],
    parameters: named,
    body: z.strictObject({ reason: reason.default('unspecified') }).prefault({}),
    answer: z.object({ serial: z.string(), subject: z.string(), revokedAt: time, reason }),
    async handle({ tenant, parameters, body }, services) {
      const wanted = revocationReasons.find(one => one === body.reason)!
      const revoked = await revokeCertificate(tenant, parameters.name, wanted, services)
      if (isProblem(revoked)) return revoked
      const { serial, subject, revokedAt } = revoked
      return { serial, subject, revokedAt: iso(revokedAt!), reason: wanted }
    },
    audit: answer => answer,
  }),
]
