import { authorityRoutes } from './authority.ts'
import { flowRoutes } from './flows.ts'
import { instanceRoutes } from './instances.ts'
import { keyRoutes } from './keys.ts'
import { roleRoutes } from './roles.ts'
import type { AdminRoute } from './route.ts'
import { tenantRoutes } from './tenants.ts'
import { trustRoutes } from './trust.ts'

/** THE LIST of operations of the admin API. */
export const adminApi: readonly AdminRoute[] = [
  ...tenantRoutes,
  ...roleRoutes,
  ...instanceRoutes,
  ...keyRoutes,
  ...trustRoutes,
  ...authorityRoutes,
  ...flowRoutes,
]
