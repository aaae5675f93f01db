import { z } from 'zod'
import type { TriedIdentity } from '../../../core/identity/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import { readPresented } from './presented.ts'
import { type AdminRoute, route } from './route.ts'
import { checkAnswer } from './schemas.ts'

const asked = {
  resourceType: z
    .string()
    .optional()
    .meta({ description: 'Such as ROLE: then the answer says whether he may' }),
  permission: z.string().optional().meta({ description: 'Such as READ; goes with resourceType' }),
  resourceId: z.string().optional().meta({ description: 'Default: *, all of them' }),
}
const certificate = z
  .string()
  .meta({ description: 'PEM: the certificate of the caller first, then those that it sends along' })

const triedBody = z.union(
  [
    z.strictObject({
      token: z.string(),
      certificate: certificate.optional().meta({
        description: 'PEM: the certificate of the connection, for a token that is bound to it',
      }),
      ...asked,
    }),
    z.strictObject({ certificate, ...asked }),
  ],
  {
    error: 'give a token or a certificate, and resourceType with permission and resourceId if they are meant',
  },
)

export const identityRoutes: readonly AdminRoute[] = [
  route({
    method: 'POST',
    path: '/identity/explain',
    summary: 'Dry run: who is that to the identity service, what belongs to him, and may he do it?',
    roles: ['MonitoringDataRead', 'CredentialsRead'],
    body: triedBody,
    answer: z.looseObject({
      accepted: z.boolean(),
      by: z.enum(['token', 'certificate']),
      reason: z.string(),
      checks: z.array(checkAnswer),
    }),
    async handle({ tenant, body }, { identity }) {
      if (!identity || identity.tenant.id !== tenant.id) return noService(identity?.tenant.name)
      const tried = readTried(body)
      return isProblem(tried) ? tried : identity.explain(tried, body)
    },
  }),
]

function readTried(body: z.infer<typeof triedBody>): TriedIdentity | Problem {
  const certificate = body.certificate === undefined ? undefined : readPresented(body.certificate)
  if (isProblem(certificate)) return certificate
  return 'token' in body ? { token: body.token, certificate } : { certificate: certificate! }
}

const noService = (whose: string | undefined): Problem =>
  new Problem('not_found', 'this tenant has no identity service', {
    hint:
      whose === undefined
        ? 'It is configured by the variables CAMUNDA_...: see docs/camunda-configuration.md.'
        : `It is that of tenant ${whose}.`,
  })
