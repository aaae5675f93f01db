import { decodeJwt } from '../../../crypto/jwt.ts'
import { checkHeader, Refusal, verifyAccessToken } from '../../../guard/access-token.ts'
import { clockSkewMs } from '../../context.ts'
import { dialectOfIssuer } from '../dialects/index.ts'
import { handlePrefix } from '../sealer.ts'
import type { TokenFormat } from './format.ts'

/**
 * JWT access tokens (RFC 9068), written as the dialect of their client has it. The issuer that a token names says by
 * which dialect it is judged: type, keys and claims must then be those of that dialect, and no other's.
 */
export const jwtFormat: TokenFormat = {
  name: 'jwt',
  signs: true,
  recognises: text => !text.startsWith(handlePrefix),
  issue(token, { dialect, ...about }, { keyring, now }) {
    const form = {
      name: dialect.name,
      header: () => dialect.header(about.tenant, about.addresses),
    }
    return keyring.signer(dialect.keyLine, form, now).sign(dialect.claims(token, about))
  },
  verify(text, { keyring, tenant, addresses, now }) {
    const jwt = decodeJwt(text)
    if (typeof jwt === 'string') return new Refusal('structure', jwt)
    const dialect = dialectOfIssuer(jwt.claims.iss, tenant, addresses)
    const badHeader = checkHeader(jwt, dialect.types)
    if (badHeader) return badHeader
    const key = keyring.verificationKey(dialect.keyLine, jwt.header.kid, now)
    const issuer = dialect.issuer(tenant, addresses)
    const { scopeForm } = dialect
    const claims = verifyAccessToken(jwt, key, { issuer, audience: undefined, now, clockSkewMs, scopeForm })
    if (claims instanceof Refusal) return claims
    const read = dialect.read(claims)
    if (read instanceof Refusal) return read
    const credential = /^([A-Za-z0-9_-]{1,64})\.(\d{1,9})$/.exec(String(read.credential))
    if (!credential) return new Refusal('claims', 'the credential is missing')
    const thumbprint = claims.cnf?.['x5t#S256']
    if (claims.cnf && (typeof thumbprint !== 'string' || Object.keys(claims.cnf).length !== 1))
      return new Refusal('claims', 'cnf names a confirmation method that is not supported')
    return {
      tokenId: claims.jti,
      credentialId: credential[1]!,
      generation: Number(credential[2]),
      clientId: claims.client_id,
      audiences: read.audiences,
      scope: read.scope,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      certificateThumbprint: thumbprint as string | undefined,
      keyId: String(jwt.header.kid),
    }
  },
}
