import { z } from 'zod'
import { isProblem } from '../../../core/problem.ts'
import { addTrust, listTrust, removeTrust, type TrustInfo } from '../../../core/trust/index.ts'
import { addressOnly } from './audit.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, time } from './schemas.ts'

const revocation = z.enum(['off', 'soft', 'hard'])
const words = 'must be an http or https address'
const address = z.url(words).regex(/^https?:\/\//, words)

const trustedAnswer = z.object({
  fingerprint: z.string().meta({ description: 'SHA-256 of the certificate, hexadecimal' }),
  role: z.enum(['root', 'intermediate']),
  subject: z.string(),
  issuer: z.string(),
  notAfter: time,
  crlUrl: z.string().nullable(),
  ocspUrl: z.string().nullable(),
  revocation,
  addedAt: time,
})
const trustAnswer = z.object({ certificates: z.array(trustedAnswer) })

function show(trusted: TrustInfo): z.infer<typeof trustedAnswer> {
  const { notAfter, addedAt, crlUrl = null, ocspUrl = null, ...rest } = trusted
  return { ...rest, notAfter: iso(notAfter), crlUrl, ocspUrl, addedAt: iso(addedAt) }
}

export const trustRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/trust',
    summary: 'List the roots accepted from senders, and the intermediates that complete their chains',
    roles: ['MonitoringDataRead', 'CredentialsRead', 'SecurityMaterialEdit'],
    answer: trustAnswer,
    handle: async ({ tenant }, services) => ({
      certificates: (await listTrust(tenant, services)).map(show),
    }),
  }),
  route({
    method: 'POST',
    path: '/trust',
    summary: 'Trust a root, or know an intermediate; one that is there takes the new settings',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({
      certificates: z.string().meta({ description: 'PEM of one or more; or base64 of one in DER' }),
      crlUrl: address.optional(),
      ocspUrl: address.optional(),
      revocation: revocation.optional().meta({ description: 'hard where an address is given, else off' }),
    }),
    answer: trustAnswer,
    status: 201,
    async handle({ tenant, body }, services) {
      const added = await addTrust(tenant, body, services)
      return isProblem(added) ? added : { certificates: added.map(show) }
    },
    audit: ({ certificates }, { crlUrl, ocspUrl }) => ({
      certificates: certificates.map(({ fingerprint, subject }) => `${fingerprint} ${subject}`),
      revocation: certificates[0]?.revocation,
      ...(crlUrl !== undefined && { crlUrl: addressOnly(crlUrl) }),
      ...(ocspUrl !== undefined && { ocspUrl: addressOnly(ocspUrl) }),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/trust/:fingerprint',
    summary: 'End the trust; what it vouched for is refused from the next request on',
    roles: ['SecurityMaterialEdit'],
    parameters: z.object({ fingerprint: z.string() }),
    status: 204,
    handle: ({ tenant, parameters }, services) => removeTrust(tenant, parameters.fingerprint, services),
  }),
]
