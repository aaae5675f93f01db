import { applicationRoutes } from './applications.ts'
import { clusterRoutes } from './cluster.ts'
import { entityRoutes } from './entities.ts'
import { meRoutes } from './me.ts'
import { membershipRoutes } from './memberships.ts'
import type { IdentityRoute } from './route.ts'

/** THE LIST of operations of the identity API, beside the open ones. */
export const identityApi: readonly IdentityRoute[] = [
  ...meRoutes,
  ...entityRoutes,
  ...membershipRoutes,
  ...applicationRoutes,
  ...clusterRoutes,
]
