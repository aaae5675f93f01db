import {
  authorizationChecks,
  authorize,
  authorizeNode,
  type Caller,
  type Identification,
  identificationChecks,
  identify,
  type ResourceRequest,
} from '../../admission/index.ts'
import { subjectOf } from '../../clients/index.ts'
import { isProblem, type Problem } from '../../problem.ts'
import { after } from '../../soon.ts'
import type { Admitted, AuthorizationVariant, UserRole } from './authorization.ts'

/** Who holds a role: by token, by certificate or by secret. */
export const userRole: AuthorizationVariant<UserRole> = {
  is: definition => 'userRole' in definition,
  compile: (definition, node) => {
    const roles = [definition.userRole]
    return {
      roles,
      checks: request => [...identificationChecks(request), 'runtime node', ...authorizationChecks],
      admit: (request, deps) =>
        after(identify(request, deps), caller =>
          isProblem(caller) ? caller : admitByRole(caller, request, roles, node, deps),
        ),
    }
  },
  warnings: () => [],
}

function admitByRole(
  caller: Caller,
  request: ResourceRequest,
  roles: readonly string[],
  node: string,
  deps: Identification,
): Admitted | Problem {
  const refused =
    authorizeNode(caller, node) ?? authorize(caller, deps.addresses.worker(request.tenant), roles)
  if (refused) return refused
  const { client } = caller
  return {
    name: client.registration?.user ?? client.clientId,
    id: client.credentialId,
    credentialUsed: caller.by === 'token' ? undefined : client.credentialId,
    roles: caller.roles,
    subject: subjectOf(client),
  }
}
