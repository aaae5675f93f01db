import { brokerRoutes } from './broker.ts'
import { flowRoutes } from './flows.ts'
import type { AdminRoute } from './route.ts'
import { tenantRoutes } from './tenants.ts'

/** THE LIST of operations of the admin API. */
export const adminApi: readonly AdminRoute[] = [...tenantRoutes, ...brokerRoutes, ...flowRoutes]
