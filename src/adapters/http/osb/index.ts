import { bindingRoutes } from './bindings.ts'
import { catalogRoutes } from './catalog.ts'
import { instanceRoutes } from './instances.ts'
import type { OsbRoute } from './route.ts'

/** THE LIST of operations of the service broker. */
export const osbApi: readonly OsbRoute[] = [...catalogRoutes, ...instanceRoutes, ...bindingRoutes]
