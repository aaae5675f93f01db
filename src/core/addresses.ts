import { defaultTenantName, type Tenant } from './tenant.ts'

/** What metadata, keys, tokens and certificates print; made from configuration, never from the Host header (RFC 8414 section 3.3). */
export interface Addresses {
  issuer(tenant: Named): string
  tokenEndpoint(tenant: Named): string
  /** Where registered clients (SAP Neo) get tokens. */
  registeredTokenEndpoint(tenant: Named): string
  /** Base of the addresses of Microsoft Entra: for a GUID, name or alias of a tenant. */
  directory(name: string): string
  /** The token endpoint that asks for a client certificate (RFC 8705 section 5). */
  mtlsTokenEndpoint(tenant: Named): string
  /** Base of the integration flows, and the audience of tokens of plan `integration-flow`. */
  worker(tenant: Named): string
  /** Base of everything that takes a client certificate. */
  mtls(tenant: Named): string
  /** Base of the admin API, and the audience of tokens of plan `api`. */
  admin(tenant: Named): string
  /** Base of what certificates name: CRL, OCSP, issuers. Plain HTTP. */
  pki(tenant: Named): string
}

type Named = Pick<Tenant, 'name'>

/** The three bases under which the server is reached. */
export interface Bases {
  readonly publicUrl: string
  readonly mtlsUrl: string
  readonly pkiUrl: string
}

export function createAddresses({ publicUrl, mtlsUrl, pkiUrl }: Bases): Addresses {
  const under = (base: string) => {
    const clean = base.replace(/\/+$/, '')
    return (tenant: Named) => (tenant.name === defaultTenantName ? clean : `${clean}/tenants/${tenant.name}`)
  }
  const of = under(publicUrl)
  const mtls = under(mtlsUrl)
  const pki = under(pkiUrl)
  return {
    issuer: of,
    tokenEndpoint: tenant => `${of(tenant)}/oauth/token`,
    registeredTokenEndpoint: tenant => `${of(tenant)}/oauth2/api/v1/token`,
    directory: name => `${publicUrl.replace(/\/+$/, '')}/${name}`,
    mtlsTokenEndpoint: tenant => `${mtls(tenant)}/oauth/token`,
    worker: of,
    mtls,
    admin: tenant => `${of(tenant)}/admin/v1`,
    pki: tenant => `${pki(tenant)}/pki`,
  }
}
