import { authenticateCertificate } from '../../clients/index.ts'
import { plan } from '../../plans.ts'
import { isProblem } from '../../problem.ts'
import { asResourceProblem } from '../resource-problem.ts'
import type { Way } from '../way.ts'

/** The certificate of the connection, without a token: certificate, service key, instance, role. */
export const certificate: Way = {
  name: 'Certificate',
  checks: ['client certificate'],
  claims: request => request.certificate !== undefined && request.authorization === undefined,
  async identify({ certificate, tenant, source, dryRun }, deps) {
    const client = await authenticateCertificate(
      { certificate: certificate!, clientId: undefined },
      { tenant, source, dryRun },
      deps,
    )
    if (isProblem(client)) return asResourceProblem(client)
    const audience = plan(client.plan)!.audience(deps.addresses, tenant)
    return { client, by: 'certificate', roles: client.roles, audience, token: undefined }
  },
}
