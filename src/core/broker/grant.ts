import { Problem } from '../problem.ts'
import { defaultTenantName, type Tenant } from '../tenant.ts'
import { apiRoles, operatorRole } from './catalog.ts'

/**
 * Who manages credentials of the admin API hands out no role that it does not hold itself: else `CredentialsEdit`
 * alone would make an operator. Roles of plan `integration-flow` open no admin API and may be handed out.
 * What no instance of this tenant can have is left to the check of roles, which says so. undefined: allowed.
 */
export function beyondOwnRoles(
  tenant: Pick<Tenant, 'name'>,
  planName: string,
  roles: readonly string[],
  held: ReadonlySet<string>,
): Problem | undefined {
  if (planName !== 'api') return undefined
  const possible = apiRoles.filter(({ name }) => name !== operatorRole || tenant.name === defaultTenantName)
  const beyond = roles.filter(role => !held.has(role) && possible.some(({ name }) => name === role))
  if (beyond.length === 0) return undefined
  return new Problem('insufficient_scope', 'the caller lacks the role', {
    reason: `would hand out ${beyond.join(', ')}, which the caller does not hold`,
    hint: 'Let somebody do it who holds these roles.',
  })
}
