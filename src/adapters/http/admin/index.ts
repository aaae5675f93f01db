import { appRoutes } from './apps.ts'
import { authorityRoutes } from './authority.ts'
import { clientRoutes } from './clients.ts'
import { connectivityRoutes } from './connectivity.ts'
import { flowRoutes } from './flows.ts'
import { identityRoutes } from './identity.ts'
import { instanceRoutes } from './instances.ts'
import { keyRoutes } from './keys.ts'
import { keystoreRoutes } from './keystore.ts'
import { materialRoutes } from './material.ts'
import { provisioningJobRoutes } from './provisioning-jobs.ts'
import { provisioningSystemRoutes } from './provisioning-systems.ts'
import { roleAssignmentRoutes } from './role-assignments.ts'
import { roleRoutes } from './roles.ts'
import type { AdminRoute } from './route.ts'
import { tenantRoutes } from './tenants.ts'
import { trustRoutes } from './trust.ts'

/** THE LIST of operations of the admin API. */
export const adminApi: readonly AdminRoute[] = [
  ...tenantRoutes,
  ...roleRoutes,
  ...roleAssignmentRoutes,
  ...instanceRoutes,
  ...keyRoutes,
  ...clientRoutes,
  ...appRoutes,
  ...trustRoutes,
  ...authorityRoutes,
  ...keystoreRoutes,
  ...materialRoutes,
  ...connectivityRoutes,
  ...provisioningSystemRoutes,
  ...provisioningJobRoutes,
  ...flowRoutes,
  ...identityRoutes,
]
