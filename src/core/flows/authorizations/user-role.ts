import {
  authorizationChecks,
  authorize,
  type Identification,
  identificationChecks,
  identify,
  type ResourceRequest,
} from '../../admission/index.ts'
import { subjectOf } from '../../clients/index.ts'
import { isProblem, type Problem } from '../../problem.ts'
import type { Admitted, AuthorizationVariant, UserRole } from './authorization.ts'

/** Who holds a role: by token, by certificate or by secret. */
export const userRole: AuthorizationVariant<UserRole> = {
  is: definition => 'userRole' in definition,
  compile: definition => {
    const roles = [definition.userRole]
    return {
      roles,
      checks: request => [...identificationChecks(request), ...authorizationChecks],
      admit: (request, deps) => admitByRole(request, roles, deps),
    }
  },
  warnings: () => [],
}

async function admitByRole(
  request: ResourceRequest,
  roles: readonly string[],
  deps: Identification,
): Promise<Admitted | Problem> {
  const caller = await identify(request, deps)
  if (isProblem(caller)) return caller
  const refused = authorize(caller, deps.addresses.worker(request.tenant), roles)
  if (refused) return refused
  const { client } = caller
  return {
    name: client.clientId,
    id: client.credentialId,
    credentialUsed: caller.by === 'token' ? undefined : client.credentialId,
    subject: subjectOf(client),
  }
}
