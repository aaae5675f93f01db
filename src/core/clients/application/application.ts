import type { Tenant } from '../../tenant.ts'
import type { ApplicationFacts, Client } from '../client.ts'
import type { Origin } from '../method.ts'

/** An application as a client. */
export type ApplicationClient = Client & { readonly application: ApplicationFacts }

/** The tenant whole: an assertion may name it by any of its names. */
export type ApplicationOrigin = Origin & { readonly tenant: Tenant }
