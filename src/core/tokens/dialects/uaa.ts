import { plan } from '../../plans.ts'
import type { NewAccessToken } from '../token.ts'
import { type About, confirmation, credentialOf, type Dialect } from './dialect.ts'

/**
 * Clients of Cloud Foundry's UAA and of SAP XSUAA, which is one: claims as UAA writes them with XSUAA's additions,
 * signed RS256, because older libraries of these clients know nothing else. Deviations and reasons:
 * docs/decisions/0014-dialects.md.
 */
export const uaa: Dialect = {
  name: 'uaa',
  ofInstances: true,
  keyLine: 'rs256',
  types: new Set(['jwt']),
  scopeForm: 'list',
  issuer: (tenant, addresses) => addresses.tokenEndpoint(tenant),
  header: (tenant, addresses) => ({ jku: `${addresses.issuer(tenant)}/token_keys`, typ: 'JWT' }),
  claims: (token, about) => ({
    ...claims(token, about),
    // What is not there was a secret.
    ...(!/^client_secret_/.test(about.method) && { client_auth_method: about.method }),
    rev_sig: credentialOf(token),
    iss: about.addresses.tokenEndpoint(about.tenant),
  }),
  read: ({ aud, scope, rev_sig }) => ({
    credential: rev_sig,
    scope: (scope as readonly string[] | undefined) ?? [],
    audiences: typeof aud === 'string' ? [aud] : aud,
  }),
  response: ({ accessToken, tokenId, lifetime, scope }) => ({
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: lifetime,
    scope: scope.join(' '),
    jti: tokenId,
  }),
  /** A binding as libraries of XSUAA read it. */
  keyMembers: ({ plan: name, type, tenant, addresses }) => ({
    xsappname: plan(name)!.clientIdSuffix(tenant),
    ...(credentialTypes[type] && { 'credential-type': credentialTypes[type] }),
    certurl: addresses.mtls(tenant),
    uaadomain: addresses.issuer(tenant).replace(/^https:\/\//, ''),
    identityzone: tenant.name,
    identityzoneid: tenant.guid,
    zoneid: tenant.guid,
    tenantid: tenant.guid,
    subaccountid: tenant.guid,
  }),
  introspection: (token, about) => ({ ...claims(token, about), iss: about.issuer }),
}

/** XSUAA's words for our types of keys. */
const credentialTypes: Readonly<Record<string, string>> = {
  secret: 'binding-secret',
  certificate: 'x509',
  certificate_external: 'x509',
}

function claims(token: NewAccessToken, { client, tenant }: About) {
  const { clientId, scope } = token
  return {
    jti: token.tokenId,
    ext_attr: {
      enhancer: 'XSUAA',
      subaccountid: tenant.guid,
      zdn: tenant.name,
      serviceinstanceid: client.instanceId,
    },
    sub: clientId,
    authorities: scope,
    scope,
    client_id: clientId,
    cid: clientId,
    azp: clientId,
    grant_type: 'client_credentials',
    iat: token.issuedAt,
    exp: token.expiresAt,
    zid: tenant.guid,
    aud: [...new Set([clientId, token.audience, ...scope.flatMap(resourceIds)])],
    ...confirmation(token),
  }
}

/** UAA derives audiences from scopes: what stands before the last dot. */
function resourceIds(scope: string): string[] {
  const dot = scope.lastIndexOf('.')
  return dot > 0 ? [scope.slice(0, dot)] : []
}
