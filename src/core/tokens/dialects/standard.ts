import { accessTokenTypes, Refusal } from '../../../guard/access-token.ts'
import { confirmation, credentialOf, type Dialect } from './dialect.ts'

const header = { typ: 'at+jwt' }

/** The standards and nothing else: RFC 6749, 7662, 9068. */
export const standard: Dialect = {
  name: 'standard',
  ofInstances: true,
  keyLine: 'sig',
  types: accessTokenTypes,
  scopeForm: 'text',
  issuer: (tenant, addresses) => addresses.issuer(tenant),
  header: () => header,
  claims: (token, { tenant, addresses }) => ({
    iss: addresses.issuer(tenant),
    sub: token.clientId,
    client_id: token.clientId,
    aud: token.audience,
    exp: token.expiresAt,
    iat: token.issuedAt,
    jti: token.tokenId,
    scope: token.scope.join(' '),
    cred: credentialOf(token),
    ...confirmation(token),
  }),
  read({ aud, scope, cred }) {
    if (typeof aud !== 'string') return new Refusal('audience', 'aud is not one string')
    return { credential: cred, scope: scope ? (scope as string).split(' ') : [], audiences: [aud] }
  },
  response: ({ accessToken, tokenId, lifetime, scope }) => ({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: lifetime,
    scope: scope.join(' '),
    jti: tokenId,
  }),
  keyMembers: () => ({}),
  introspection: (token, { issuer }) => ({
    iss: issuer,
    sub: token.clientId,
    client_id: token.clientId,
    aud: token.audience,
    scope: token.scope.join(' '),
    token_type: 'Bearer',
    exp: token.expiresAt,
    iat: token.issuedAt,
    jti: token.tokenId,
    ...confirmation(token),
  }),
}
