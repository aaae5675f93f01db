import { catalog } from '../../../core/broker/osb/index.ts'
import { type OsbRoute, route } from './route.ts'

export const catalogRoutes: readonly OsbRoute[] = [
  route({ method: 'GET', path: '/catalog', handle: async () => ({ status: 200, body: catalog }) }),
]
