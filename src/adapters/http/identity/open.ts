import type { IncomingMessage } from 'node:http'
import {
  createFirstAdministrator,
  hasNoAdministrator,
  kindOf,
  setupIsOver,
} from '../../../core/identity/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import type { Soon } from '../../../core/soon.ts'
import { isFromHere } from './here.ts'
import { documentOf, type IdentityAnswer, type IdentityRoute } from './route.ts'
import type { IdentityServices } from './services.ts'

/** An operation that anybody may ask for: nobody is asked who he is. */
export interface OpenRoute extends Pick<IdentityRoute, 'method' | 'path' | 'changes'> {
  /** Before the body is read. */
  refuse?(request: IncomingMessage): Problem | undefined
  handle(body: unknown, services: IdentityServices): Soon<IdentityAnswer | Problem>
}

export const openRoutes: readonly OpenRoute[] = [
  { method: 'GET', path: '/v2/status', handle: () => ({ status: 204 }) },
  {
    method: 'POST',
    path: '/v2/setup/user',
    changes: true,
    refuse: request => (isFromHere(request) ? undefined : notFromHere),
    async handle(body, services) {
      if (!services.takesPasswords) return withoutPasswords
      // Without work for whoever asks again and again.
      if (!hasNoAdministrator(await services.models.of(services.tenant.id))) return setupIsOver
      const given = documentOf({ body })
      if (isProblem(given)) return given
      const entity = await createFirstAdministrator(services.tenant, given, services)
      return isProblem(entity) ? entity : { status: 201, body: kindOf('user').view(entity) }
    },
  },
]

/** Whoever reaches the network address of a new server first must not become its administrator. */
const withoutPasswords = new Problem('insufficient_scope', 'users do not sign in with a password here', {
  check: 'permission',
  reason: 'a user of this name would be whoever the token server calls so',
  hint: 'Name the first administrator with INITIAL_CLAIM_VALUE, or CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_ADMIN_CLIENTS.',
})

const notFromHere = new Problem(
  'insufficient_scope',
  'the first administrator is set up on the machine itself',
  {
    check: 'permission',
    reason: 'the request came over the network, through a proxy, or under another name than localhost',
    hint: 'Send it to the loopback address of the server.',
  },
)
