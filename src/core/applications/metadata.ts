import { acceptedNames } from '../../crypto/algorithms.ts'
import type { Addresses } from '../addresses.ts'
import type { Tenant } from '../tenant.ts'
import type { Keyring } from '../tokens/index.ts'
import { type EndpointVersion, issuerOf, sha1Thumbprint } from './issue.ts'

/** What libraries of Microsoft demand, where nobody logs in: `authorization_endpoint` names an address that is not there. */
export function openIdConfiguration(
  tenant: Tenant,
  version: EndpointVersion,
  addresses: Addresses,
): Record<string, unknown> {
  const base = addresses.directory(tenant.guid)
  const endpoints = `${base}/oauth2${version === 2 ? '/v2.0' : ''}`
  return {
    token_endpoint: `${endpoints}/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    token_endpoint_auth_signing_alg_values_supported: acceptedNames,
    jwks_uri: `${base}/discovery/${version === 2 ? 'v2.0/' : ''}keys`,
    response_modes_supported: [],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    scopes_supported: [],
    issuer: issuerOf(tenant, version, addresses),
    request_uri_parameter_supported: false,
    authorization_endpoint: `${endpoints}/authorize`,
    claims_supported: [
      ...['sub', 'iss', 'aud', 'exp', 'iat', 'nbf', 'oid', 'tid', 'ver', 'roles', 'idtyp', 'uti'],
      ...(version === 2 ? ['azp', 'azpacr'] : ['appid', 'appidacr', 'idp']),
    ],
    tenant_region_scope: null,
    cloud_instance_name: new URL(base).host,
  }
}

/** The keys that sign tokens for applications (RFC 7517), with the certificates that older libraries look at. */
export function applicationKeys(keyring: Keyring, issuer: string, now: number): Record<string, unknown> {
  return {
    keys: keyring.publicKeys(now, 'rs256').map(({ kid, kty, n, e }) => {
      const certificate = keyring.certificateOf(kid)!
      const x5t = sha1Thumbprint(certificate)
      return {
        kty,
        use: 'sig',
        kid: x5t,
        x5t,
        n,
        e,
        x5c: [certificate.toString('base64')],
        alg: 'RS256',
        issuer,
      }
    }),
  }
}

/** Which hosts are one and the same, for libraries that ask before they believe an address: ours is alone. */
export function instanceDiscovery(tenant: Tenant, addresses: Addresses): Record<string, unknown> {
  const base = addresses.directory(tenant.guid)
  const { host } = new URL(base)
  return {
    tenant_discovery_endpoint: `${base}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  }
}
