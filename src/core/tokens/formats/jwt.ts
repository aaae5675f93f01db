import { Refusal, readAccessToken, verifyAccessToken } from '../../../guard/access-token.ts'
import { clockSkewMs } from '../../context.ts'
import { handlePrefix } from '../sealer.ts'
import type { TokenFormat } from './format.ts'

/**
 * JWT access tokens (RFC 9068). `cred` holds the internal id and the generation of the credential, so that a
 * token dies with it even where its client id is used again.
 */
export const jwtFormat: TokenFormat = {
  name: 'jwt',
  recognises: text => !text.startsWith(handlePrefix),
  issue(token, { keyring, issuer, now }) {
    return keyring.signer(now).jwt.sign({
      iss: issuer,
      sub: token.clientId,
      client_id: token.clientId,
      aud: token.audience,
      exp: token.expiresAt,
      iat: token.issuedAt,
      jti: token.tokenId,
      scope: token.scope.join(' '),
      cred: `${token.credentialId}.${token.generation}`,
      ...(token.certificateThumbprint && { cnf: { 'x5t#S256': token.certificateThumbprint } }),
    })
  },
  verify(text, { keyring, issuer, now }) {
    const jwt = readAccessToken(text)
    if (jwt instanceof Refusal) return jwt
    const key = keyring.verificationKey(jwt.header.kid, now)
    const claims = verifyAccessToken(jwt, key, { issuer, audience: undefined, now, clockSkewMs })
    if (claims instanceof Refusal) return claims
    const credential = /^([A-Za-z0-9_-]{1,64})\.(\d{1,9})$/.exec(String(claims.cred))
    if (!credential) return new Refusal('claims', 'cred is missing')
    const thumbprint = claims.cnf?.['x5t#S256']
    if (claims.cnf && (typeof thumbprint !== 'string' || Object.keys(claims.cnf).length !== 1))
      return new Refusal('claims', 'cnf names a confirmation method that is not supported')
    if (typeof claims.aud !== 'string') return new Refusal('audience', 'aud is not one string')
    return {
      tokenId: claims.jti,
      credentialId: credential[1]!,
      generation: Number(credential[2]),
      clientId: claims.client_id,
      audience: claims.aud,
      scope: claims.scope ? claims.scope.split(' ') : [],
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      certificateThumbprint: thumbprint as string | undefined,
      keyId: String(jwt.header.kid),
    }
  },
}
