import { FetchError, type FetchJson, isHttpOnLoopback, parseUrl } from './fetch-json.ts'

/**
 * The `jwks_uri` of an issuer, from its metadata: the well-known part between host and path (RFC 8414 section 3.1),
 * else after the path as OpenID Connect Discovery has it. The metadata must name exactly this issuer (section 3.3).
 */
export async function locateKeys(issuer: string, fetchJson: FetchJson): Promise<URL> {
  const base = parseIssuer(issuer)
  const { json, from } = await firstMetadata(base, fetchJson)
  if (json.issuer !== issuer) throw new FetchError(`the metadata at ${from} is of another issuer`)
  try {
    return parseUrl(json.jwks_uri, 'jwks_uri', isHttpOnLoopback(base))
  } catch (error) {
    throw new FetchError(`the metadata at ${from}: ${(error as Error).message}`)
  }
}

/** An issuer whose metadata can be read. Throws TypeError. */
export function parseIssuer(issuer: string): URL {
  const url = parseUrl(issuer, 'issuer')
  if (url.search !== '') throw new TypeError('issuer must not have a query')
  return url
}

async function firstMetadata(base: URL, fetchJson: FetchJson) {
  const path = base.pathname.replace(/\/$/, '')
  const [first, second] = [
    `${base.origin}/.well-known/oauth-authorization-server${path}`,
    `${base.origin}${path}/.well-known/openid-configuration`,
  ] as const
  try {
    return { json: (await fetchJson(new URL(first))).json, from: first }
  } catch (error) {
    const hasNone = error instanceof FetchError && error.status !== undefined && error.status < 500
    if (!hasNone) throw error
    return { json: (await fetchJson(new URL(second))).json, from: second }
  }
}
