import type { IdentityCaller } from '../../../core/identity/index.ts'
import { kindOf } from '../../../core/identity/index.ts'
import { entitiesOf } from './entities.ts'
import type { IdentityRoute } from './route.ts'
import type { IdentityServices } from './services.ts'

const handle: IdentityRoute['handle'] = ({ caller, model }, services) => {
  const { principal, displayName, email, memberships, by } = caller
  const tenant = kindOf('tenant')
  const tenants = [...entitiesOf(tenant, memberships.tenants, model)].map(tenant.view)
  return {
    status: 200,
    body: {
      username: principal?.id ?? null,
      displayName: displayName ?? principal?.id ?? null,
      email: email ?? null,
      authorizedComponents: componentsOf(caller, services),
      tenants,
      groups: memberships.groups,
      roles: memberships.roles,
      // A text in 8.8, and null as well since: there is no plan here.
      salesPlanType: '',
      c8Links: {},
      // There is something to end: whoever shows his credentials with each request just stops doing so.
      canLogout: by === 'session',
    },
  }
}

/** Who calls, as he is known here; the second address is the one that the described system uses. */
export const meRoutes: readonly IdentityRoute[] = [
  { method: 'GET', path: '/v2/authentication/me', handle },
  { method: 'GET', path: '/identity/api/authentication/me', handle },
]

function componentsOf(caller: IdentityCaller, { permissions }: IdentityServices): string[] {
  if (permissions.may(caller, 'COMPONENT', 'ACCESS', '*')) return ['*']
  const named = caller.memberships.authorizations
    .filter(one => one.resourceType === 'COMPONENT' && one.permissionTypes.includes('ACCESS'))
    .map(one => one.resourceId)
  return [...new Set(named)].sort()
}
