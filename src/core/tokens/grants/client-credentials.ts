import { Problem } from '../../problem.ts'
import type { Grant } from './grant.ts'

/**
 * The client acts for itself (RFC 6749 section 4.4). Each role of the instance is granted as a scope; `scope`
 * narrows. There is no refresh token (section 4.4.3).
 */
export const clientCredentials: Grant = {
  name: 'client_credentials',
  grant(parameters, client) {
    const asked = parameters.get('scope')
    if (client.registration) return asked === undefined ? { scope: [] } : noScopes
    if (asked === undefined) return { scope: [...client.roles] }
    const scope = [...new Set(asked.split(' ').filter(name => name !== ''))]
    const unknown = scope.filter(name => !client.roles.has(name))
    if (unknown.length === 0 && scope.length > 0) return { scope }
    return new Problem('invalid_scope', 'a scope was asked for that the client does not have', {
      check: 'scope',
      value: unknown[0] ?? '',
      reason:
        scope.length === 0
          ? 'scope is blank'
          : `asked for ${JSON.stringify(unknown).slice(0, 200)}; instance ${client.instanceName} has ${[...client.roles].join(', ') || 'no roles'}`,
      hint: `Leave scope out to get all roles, or add the role: countersign instance update ${client.instanceName} --role ...`,
    })
  },
}

/** What a registered client may do is looked up when its token is used, under the name of its user. */
const noScopes = new Problem('invalid_scope', 'no scopes are defined', {
  check: 'scope',
  reason: 'a scope was asked for, and registered clients have none: their users have roles',
  hint: 'Leave scope out; give the user its roles with countersign role assign.',
})
