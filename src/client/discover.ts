import { parseUrl, shown } from './address.ts'
import { misconfigured, TokenError } from './errors.ts'
import type { Http, HttpOptions } from './http.ts'
import { createHttp } from './http.ts'
import { fetchJson } from './json.ts'
import type { Wait } from './retry.ts'
import { waitByTimer, withRetry } from './retry.ts'

export type DiscoverOptions = HttpOptions & {
  signal?: AbortSignal | undefined
  wait?: Wait | undefined
  random?: (() => number) | undefined
}

export type ServerMetadata = {
  issuer: string
  tokenEndpoint: string
  /** where clients with a certificate go, if that is another address (RFC 8705 section 5) */
  mtlsTokenEndpoint?: string
  /** `token_endpoint_auth_methods_supported`; RFC 8414's default is client_secret_basic alone */
  authMethods: readonly string[]
  raw: Readonly<Record<string, unknown>>
}

/**
 * Reads a token server's metadata (RFC 8414 section 3, then OpenID Connect Discovery) from its issuer. The document
 * must name exactly this issuer (section 3.3). Throws TokenError; retried like a token request.
 */
export async function discover(issuer: string, options: DiscoverOptions = {}): Promise<ServerMetadata> {
  const { signal, wait = waitByTimer, random = Math.random, allowInsecure } = options
  const url = parseUrl(issuer, 'issuer', allowInsecure)
  if (url.search !== '') throw misconfigured('An issuer has no query (RFC 8414 section 2).')
  const http = createHttp(options)
  try {
    const { raw, from } = await withRetry(() => firstDocument(http, metadataUrls(url), signal), {
      wait,
      random,
      signal,
    })
    return readMetadata(issuer, raw, from, allowInsecure)
  } finally {
    http.close()
  }
}

/** The well-known part goes between host and path (RFC 8414 section 3.1); OpenID Connect appends it to both. */
function metadataUrls(issuer: URL): URL[] {
  const path = issuer.pathname.replace(/\/$/, '')
  const paths = [
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    `${path}/.well-known/openid-configuration`,
  ]
  return [...new Set(paths)].map(each => new URL(issuer.origin + each))
}

/** The first address that answers with a JSON object. A server that cannot answer at all ends the search. */
async function firstDocument(http: Http, urls: URL[], signal: AbortSignal | undefined) {
  const failures: string[] = []
  for (const from of urls) {
    try {
      return { raw: await fetchJson(http, from, signal), from }
    } catch (error) {
      const nextMayAnswer =
        error instanceof TokenError && ['refused', 'invalid_response'].includes(error.code)
      if (!nextMayAnswer || error.status === undefined) throw error
      failures.push(error.message)
    }
  }
  throw new TokenError(
    'invalid_response',
    `No metadata found. ${failures.join(' ')} Check the issuer, or configure the token URL itself.`,
  )
}

function readMetadata(
  issuer: string,
  raw: Record<string, unknown>,
  from: URL,
  allowInsecure: boolean | undefined,
): ServerMetadata {
  const unusable = (what: string) =>
    new TokenError('invalid_response', `The metadata at ${shown(from)} ${what}`)
  if (raw.issuer !== issuer) {
    const named = typeof raw.issuer === 'string' ? JSON.stringify(raw.issuer.slice(0, 200)) : 'no issuer'
    throw unusable(
      `names ${named}, not ${issuer}. Use exactly the issuer that the server states, if you trust it.`,
    )
  }
  const endpoint = (value: unknown, name: string) => {
    try {
      return parseUrl(value, name, allowInsecure).href
    } catch (error) {
      throw unusable(`cannot be used: ${(error as Error).message}`)
    }
  }
  const aliases = raw.mtls_endpoint_aliases as { token_endpoint?: unknown } | null | undefined
  const methods = raw.token_endpoint_auth_methods_supported
  return {
    issuer,
    tokenEndpoint: endpoint(raw.token_endpoint, 'token_endpoint'),
    ...(aliases?.token_endpoint === undefined
      ? {}
      : { mtlsTokenEndpoint: endpoint(aliases.token_endpoint, 'mtls_endpoint_aliases.token_endpoint') }),
    authMethods: Array.isArray(methods)
      ? methods.filter(method => typeof method === 'string')
      : ['client_secret_basic'],
    raw,
  }
}
