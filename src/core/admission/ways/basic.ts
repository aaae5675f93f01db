import { authenticateSecret, readBasic } from '../../clients/index.ts'
import { plan } from '../../plans.ts'
import { isProblem, Problem } from '../../problem.ts'
import { asResourceProblem } from '../resource-problem.ts'
import type { Way } from '../way.ts'

/** clientid and clientsecret of a service key as user and password (RFC 7617). */
export const basic: Way = {
  name: 'Basic',
  checks: ['basic form', 'client credential'],
  claims: ({ authorization }) => authorization !== undefined && /^Basic( |$)/i.test(authorization),
  async identify({ authorization, certificate, tenant, source }, deps) {
    if (certificate)
      return new Problem('invalid_request', 'more than one credential', {
        check: 'basic form',
        reason: 'a Basic header and a certificate were sent: exactly one credential identifies a caller',
        hint: 'Let the sender call the address that asks for no certificate, or leave the header out.',
      })
    const presented = readBasic(authorization!)
    if (typeof presented === 'string')
      return new Problem('bad_credentials', 'the credentials are not valid', {
        check: 'basic form',
        reason: `the Basic header is malformed: ${presented}`,
        hint: 'After Basic stands the base64 of clientid:clientsecret, as one word.',
      })
    const client = await authenticateSecret(presented, { tenant, source }, deps)
    if (isProblem(client)) return asResourceProblem(client)
    const audience = plan(client.plan)!.audience(deps.addresses, tenant)
    return { client, by: 'secret', roles: client.roles, audience, token: undefined }
  },
}
