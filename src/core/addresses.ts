import { defaultTenantName, type Tenant } from './tenant.ts'

/** What metadata, keys and tokens print; made from configuration, never from the Host header (RFC 8414 section 3.3). */
export interface Addresses {
  issuer(tenant: Named): string
  tokenEndpoint(tenant: Named): string
  /** Base of the integration flows, and the audience of tokens of plan `integration-flow`. */
  worker(tenant: Named): string
  /** Base of the admin API, and the audience of tokens of plan `api`. */
  admin(tenant: Named): string
}

type Named = Pick<Tenant, 'name'>

export function createAddresses(publicUrl: string): Addresses {
  const base = publicUrl.replace(/\/+$/, '')
  const of = (tenant: Named) => (tenant.name === defaultTenantName ? base : `${base}/tenants/${tenant.name}`)
  return {
    issuer: of,
    tokenEndpoint: tenant => `${of(tenant)}/oauth/token`,
    worker: of,
    admin: tenant => `${of(tenant)}/admin/v1`,
  }
}
