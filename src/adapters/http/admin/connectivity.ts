import { z } from 'zod'
import { type ConnectionReport, testConnection } from '../../../core/connectivity/index.ts'
import { isProblem } from '../../../core/problem.ts'
import { encodePem } from '../../../crypto/pem.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, time } from './schemas.ts'

const certificateAnswer = z.object({
  role: z.enum(['leaf', 'intermediate', 'root']),
  subject: z.string(),
  issuer: z.string(),
  fingerprint: z.string().meta({ description: 'SHA-256 of the certificate, hexadecimal' }),
  notBefore: time,
  notAfter: time,
  daysLeft: z.int(),
  sent: z.boolean().meta({ description: 'By the server; else completed from what is known here' }),
  pem: z.string(),
})

const reportAnswer = z.object({
  host: z.string(),
  port: z.int(),
  works: z.boolean(),
  reason: z.string().nullable(),
  hint: z.string().nullable(),
  checks: z.array(
    z.object({
      name: z.string(),
      outcome: z.enum(['passed', 'failed', 'not reached']),
      reason: z.string().nullable().meta({ description: 'Why it failed' }),
    }),
  ),
  addresses: z.array(z.string()),
  address: z.string().nullable(),
  protocol: z.string().nullable(),
  cipher: z.string().nullable(),
  certificates: z.array(certificateAnswer),
  missingRoot: z.string().nullable().meta({ description: 'The authority whose certificate is missing here' }),
  asksForCertificate: z.boolean().nullable(),
  acceptedAuthorities: z
    .array(z.string())
    .meta({ description: 'Of which the server takes client certificates; empty where it does not say' }),
})

function show({ certificates, ...report }: ConnectionReport): z.infer<typeof reportAnswer> {
  const { reason = null, hint = null, address = null, protocol = null, cipher = null } = report
  const { missingRoot = null, asksForCertificate = null, checks, addresses, acceptedAuthorities } = report
  return {
    ...report,
    reason,
    hint,
    address,
    protocol,
    cipher,
    missingRoot,
    asksForCertificate,
    checks: checks.map(({ reason = null, ...check }) => ({ ...check, reason })),
    addresses: [...addresses],
    acceptedAuthorities: [...acceptedAuthorities],
    certificates: certificates.map(({ der, notBefore, notAfter, ...rest }) => ({
      ...rest,
      notBefore: iso(notBefore),
      notAfter: iso(notAfter),
      pem: encodePem('CERTIFICATE', der),
    })),
  }
}

export const connectivityRoutes: readonly AdminRoute[] = [
  route({
    method: 'POST',
    path: '/connectivity-tests',
    summary: 'Try a TLS connection to another system; nothing is sent but the handshake',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({
      address: z.string().max(2000).meta({ description: 'Host or https address' }),
      port: z.int().min(1).max(65_535).optional().meta({ description: 'That of the address, or 443' }),
      clientCertificate: z.string().optional().meta({ description: 'Alias of a key pair of the keystore' }),
      verify: z
        .boolean()
        .default(true)
        .meta({ description: 'Must the server be trusted, and the right one?' }),
    }),
    answer: reportAnswer,
    async handle({ tenant, body }, services) {
      const report = await testConnection(tenant, body, services)
      return isProblem(report) ? report : show(report)
    },
    audit: ({ host, port, works }, { clientCertificate }) => ({
      host,
      port,
      works,
      ...(clientCertificate !== undefined && { clientCertificate }),
    }),
  }),
]
