import {
  type AccessTokenClaims,
  checkDates,
  type Expected,
  Refusal,
  readAccessToken,
  show,
  verifyAccessToken,
} from './access-token.ts'
import { BoundedMap } from './bounded-map.ts'
import type { KeySource } from './jwks.ts'
import { Unavailable } from './unavailable.ts'

export interface VerifierOptions extends Omit<Expected, 'now'> {
  readonly keys: KeySource
  readonly clock: () => number
  readonly maxCachedTokens: number
}

/** JWT access token -> its claims; the digest names the token in the cache. */
export type Verify = (token: string, digest: string) => Promise<AccessTokenClaims | Refusal | Unavailable>

interface Verified {
  readonly claims: AccessTokenClaims
  readonly kid: string
  readonly alg: string
  readonly keyThumbprint: string
}

/**
 * Verifies JWT access tokens (RFC 9068 section 4), remembering what passed. A remembered token is never used past its
 * `exp`, nor when the issuer has stopped publishing the key that signed it.
 */
export function createVerify({ keys, clock, maxCachedTokens, ...expected }: VerifierOptions): Verify {
  const cache = new BoundedMap<Verified>(maxCachedTokens)

  async function remembered(digest: string): Promise<AccessTokenClaims | Refusal | Unavailable | undefined> {
    const known = cache.get(digest)
    if (!known) return undefined
    const found = keys.find(known.kid, known.alg)
    const key = found instanceof Promise ? await found : found
    if (key instanceof Unavailable) return key
    const now = clock()
    const lives =
      !(key instanceof Refusal) && key.thumbprint === known.keyThumbprint && now < known.claims.exp * 1000
    if (lives) return checkDates(known.claims, { ...expected, now }) ?? known.claims
    cache.delete(digest)
    return undefined
  }

  return async (token, digest) => {
    const known = await remembered(digest)
    if (known) return known
    const jwt = readAccessToken(token, expected.form?.types)
    if (jwt instanceof Refusal) return jwt
    const { kid, alg } = jwt.header
    if (typeof kid !== 'string' || kid === '') return new Refusal('key', `kid is ${show(kid)}`)
    const key = await keys.find(kid, String(alg))
    if (key instanceof Refusal || key instanceof Unavailable) return key
    const now = clock()
    const claims = verifyAccessToken(jwt, key, { ...expected, now })
    if (claims instanceof Refusal) return claims
    if (now < claims.exp * 1000)
      cache.set(digest, { claims, kid, alg: key.algorithm.name, keyThumbprint: key.thumbprint })
    return claims
  }
}
