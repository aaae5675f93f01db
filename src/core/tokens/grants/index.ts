import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'

/** THE LIST of grants. */
export const grants: readonly Grant[] = [clientCredentials]
