import { authenticateSecret, readBasic } from '../../clients/index.ts'
import { plan } from '../../plans.ts'
import { isProblem, Problem } from '../../problem.ts'
import type { Way } from '../way.ts'

/** clientid and clientsecret of a service key as user and password (RFC 7617). */
export const basic: Way = {
  name: 'Basic',
  checks: ['basic form', 'client credential'],
  claims: ({ authorization }) => authorization !== undefined && /^Basic( |$)/i.test(authorization),
  async identify({ authorization, tenant, source }, deps) {
    const presented = readBasic(authorization!)
    if (typeof presented === 'string')
      return new Problem('bad_credentials', 'the credentials are not valid', {
        check: 'basic form',
        reason: `the Basic header is malformed: ${presented}`,
        hint: 'After Basic stands the base64 of clientid:clientsecret, as one word.',
      })
    const client = await authenticateSecret(presented, { tenantId: tenant.id, source }, deps)
    if (isProblem(client)) return asResourceProblem(client)
    const audience = plan(client.plan)!.audience(deps.addresses, tenant)
    return { client, by: 'secret', roles: client.roles, audience, token: undefined }
  },
}

/** The same refusal in the words of a protected resource. */
function asResourceProblem(problem: Problem): Problem {
  if (problem.code !== 'invalid_client') return problem
  const { reason, hint, check, subject } = problem
  return new Problem('bad_credentials', 'the credentials are not valid', {
    reason,
    subject,
    ...(hint && { hint }),
    ...(check && { check }),
  })
}
