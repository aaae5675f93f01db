import type { Expected, TokenForm } from './access-token.ts'
import {
  type CertificateReader,
  type ClientCertificateSource,
  certificateReader,
} from './client-certificate.ts'
import { entraTokens } from './entra-tokens.ts'
import { createFetchJson, type FetchJson, parseUrl } from './fetch-json.ts'
import { type CertificateAuthorities, createFetch, type Fetch } from './http.ts'
import type { IntrospectOptions } from './introspect.ts'
import { type KeySource, remoteKeys, staticKeys } from './jwks.ts'
import { locateKeys, parseIssuer } from './locate.ts'

export interface GuardOptions {
  /** Exactly as the token server states it. */
  readonly issuer: string
  /** This API's own name: a token must be for one of these. */
  readonly audience: string | readonly string[]
  /**
   * How the issuer writes its tokens: as RFC 9068 says (the default), or as Microsoft Entra does, for applications: then
   * roles are those of the claim `roles`, and the claims have `client_id`, `jti` and `scope` beside Entra's own names.
   */
  readonly tokens?: 'rfc9068' | 'entra'
  /** Where the issuer's keys are; without it the issuer's metadata says so (RFC 8414). */
  readonly jwksUri?: string
  /** The issuer's keys as a JWK set, instead of fetching them. */
  readonly keys?: { readonly keys: readonly object[] }
  /** PEM: trusted instead of the public roots when fetching. */
  readonly ca?: CertificateAuthorities
  /** How far the clocks may be apart: 0 to 300, default 60. */
  readonly clockSkewSeconds?: number
  /** Milliseconds since 1970; default Date.now. */
  readonly clock?: () => number
  /** Takes the place of the HTTP client of this library (and of `ca`). Must not follow redirects. */
  readonly fetch?: Fetch
  /** Verified tokens that are remembered; default 10 000. */
  readonly maxCachedTokens?: number
  /** Ask the token server about tokens: opaque ones, or all. */
  readonly introspect?: IntrospectOptions
  /**
   * Where the shims and `checkRequest` find the client certificate of a request: in the TLS connection (the default; the
   * server must have `requestCert: true`), or in a header that a TLS terminating proxy writes.
   */
  readonly clientCertificate?: ClientCertificateSource
  /** For WWW-Authenticate; default the first audience. */
  readonly realm?: string
  /** Told when keys cannot be fetched while old ones serve on. */
  readonly onWarning?: (message: string) => void
}

export interface Settings {
  readonly expected: Omit<Expected, 'now'>
  readonly realm: string
  readonly keys: KeySource
  readonly clock: () => number
  readonly fetchJson: FetchJson
  readonly maxCachedTokens: number
  readonly certificateOf: CertificateReader
}

const tokenForms = new Map<unknown, TokenForm | undefined>([
  ['rfc9068', undefined],
  ['entra', entraTokens],
])

/** Options to settings. Throws TypeError, naming the option that cannot be. */
export function readOptions(options: GuardOptions): Settings {
  const { issuer, clockSkewSeconds = 60, clock = Date.now, maxCachedTokens = 10_000 } = options
  if (typeof issuer !== 'string' || issuer === '') throw new TypeError('issuer is missing')
  const audience = typeof options.audience === 'string' ? [options.audience] : [...(options.audience ?? [])]
  if (audience.length === 0 || audience.some(each => typeof each !== 'string' || each === ''))
    throw new TypeError('audience is missing: without it tokens for any other API would pass')
  if (!(clockSkewSeconds >= 0 && clockSkewSeconds <= 300))
    throw new TypeError('clockSkewSeconds must be 0 to 300')
  if (!(Number.isInteger(maxCachedTokens) && maxCachedTokens >= 0))
    throw new TypeError('maxCachedTokens must be a whole number')
  const { tokens = 'rfc9068' } = options
  if (!tokenForms.has(tokens)) throw new TypeError('tokens must be rfc9068 or entra')
  const form = tokenForms.get(tokens)
  if (form && options.introspect) throw new TypeError('tokens of Entra cannot be introspected')
  const fetchJson = createFetchJson(options.fetch ?? createFetch(options.ca))
  return {
    expected: { issuer, audience, clockSkewMs: clockSkewSeconds * 1000, ...(form && { form }) },
    realm: options.realm ?? audience[0]!,
    keys: keySource(options, fetchJson, clock),
    clock,
    fetchJson,
    maxCachedTokens,
    certificateOf: certificateReader(options.clientCertificate),
  }
}

function keySource(
  { issuer, jwksUri, keys, onWarning = () => {} }: GuardOptions,
  fetchJson: FetchJson,
  clock: () => number,
): KeySource {
  if (keys !== undefined && jwksUri !== undefined) throw new TypeError('give either keys or jwksUri')
  if (keys !== undefined) return staticKeys(keys)
  if (jwksUri === undefined) parseIssuer(issuer)
  const fixed = jwksUri === undefined ? undefined : parseUrl(jwksUri, 'jwksUri')
  const locate = async () => fixed ?? locateKeys(issuer, fetchJson)
  return remoteKeys({ locate, fetchJson, clock, onWarning })
}
