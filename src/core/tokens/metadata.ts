import { acceptedNames } from '../../crypto/algorithms.ts'
import type { Addresses } from '../addresses.ts'
import { clientAuthenticationMethods } from '../clients/index.ts'
import type { Tenant } from '../tenant.ts'
import { grants } from './grants/index.ts'
import { signingAlgorithms } from './signing-algorithms.ts'

/**
 * Authorization server metadata (RFC 8414 section 2), also served as OpenID Connect discovery, whose clients ask
 * for `response_types_supported`, `subject_types_supported` and `id_token_signing_alg_values_supported`.
 */
export function metadata(tenant: Tenant, addresses: Addresses): Record<string, unknown> {
  const issuer = addresses.issuer(tenant)
  const mtls = addresses.mtls(tenant)
  const methods = clientAuthenticationMethods.map(method => method.name)
  return {
    issuer,
    token_endpoint: addresses.tokenEndpoint(tenant),
    jwks_uri: `${issuer}/token_keys`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    grant_types_supported: grants.map(grant => grant.name),
    response_types_supported: [],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: acceptedNames,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: acceptedNames,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: acceptedNames,
    tls_client_certificate_bound_access_tokens: true,
    mtls_endpoint_aliases: {
      token_endpoint: addresses.mtlsTokenEndpoint(tenant),
      introspection_endpoint: `${mtls}/oauth/introspect`,
      revocation_endpoint: `${mtls}/oauth/revoke`,
    },
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: signingAlgorithms,
  }
}
