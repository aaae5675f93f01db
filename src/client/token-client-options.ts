import { randomUUID } from 'node:crypto'
import { parseUrl } from './address.ts'
import type { AuthSource, ClientAuth } from './auth/index.ts'
import { misconfigured, type TokenError } from './errors.ts'
import type { HttpOptions } from './http.ts'
import { createHttp } from './http.ts'
import type { Wait } from './retry.ts'
import { formType, grantType, type TokenRequest } from './token-request.ts'

export type TokenClientOptions = HttpOptions & {
  tokenUrl: string
  /** where requests go that show a certificate (`mtls_endpoint_aliases`, RFC 8705 section 5); default: `tokenUrl` */
  mtlsTokenUrl?: string | undefined
  /** of the token server: what assertions are for; `tokenClientFromIssuer` knows it */
  issuer?: string | undefined
  /** who asks: `clientSecretBasic(id, secret)` or another of src/client/auth, or a source of several credentials */
  auth: ClientAuth | AuthSource
  /** used while the server refuses every other credential: a secret beside certificates, say. Each use is an event. */
  fallback?: ClientAuth | undefined
  /** space-separated; what `token()` asks for when it is not told otherwise */
  scope?: string | undefined
  /** RFC 8707: the address the token is for */
  resource?: string | readonly string[] | undefined
  audience?: string | readonly string[] | undefined
  /** further parameters of the body, such as `token_format` */
  parameters?: Readonly<Record<string, string>> | undefined
  /** further parameters of the token URL, for servers that want them there. Never a secret: addresses end up in logs. */
  query?: Readonly<Record<string, string>> | undefined
  /** where `grant_type` goes: some servers want it in the address; default: the body */
  grantTypeIn?: 'body' | 'url' | undefined
  /** of the request; a type of JSON sends the parameters as a JSON object. Default: the form of RFC 6749. */
  contentType?: string | undefined
  /** further headers */
  headers?: Readonly<Record<string, string>> | undefined
  /** seconds; for a server that leaves expires_in out. Without it such an answer is an error. */
  defaultExpiresIn?: number | undefined
  /** milliseconds since 1970 */
  clock?: (() => number) | undefined
  wait?: Wait | undefined
  /** 0 up to 1; spreads retries */
  random?: (() => number) | undefined
  /** makes the `jti` of assertions; default: a random UUID */
  newId?: (() => string) | undefined
  onEvent?: ((event: TokenEvent) => void) | undefined
}

/** What an operator may want to count or log; holds no secret and no token. */
export type TokenEvent =
  | { type: 'fetched'; scope: string | undefined; expiresAt: number; tries: number }
  | { type: 'retry'; scope: string | undefined; tries: number; waitMs: number; error: TokenError }
  /** the server does not take this credential, and the next one is tried */
  | { type: 'credential-refused'; credential: string; error: TokenError; next: string }
  /** the token was got with the fallback, because the server refuses every other credential */
  | { type: 'fallback'; scope: string | undefined }
  /** a server that does not answer is left alone until then */
  | { type: 'circuit-opened'; until: number }
  | { type: 'circuit-closed' }
  /** `renewAfter`: until then no background renewal is tried; a token that is still valid stays in use */
  | { type: 'failed'; scope: string | undefined; error: TokenError; renewAfter: number }

/** Set by this library or the auth method; a second value beside theirs would be a repeated parameter. */
const reservedParameters = new Set([
  'grant_type',
  'scope',
  'resource',
  'audience',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
])

/** What is the same in every request. Throws TokenError `invalid_configuration` for options that cannot work. */
export function tokenRequest(options: TokenClientOptions, clock: () => number): Omit<TokenRequest, 'auth'> {
  const { auth, resource, audience, parameters = {}, query = {}, defaultExpiresIn, tls = {} } = options
  const { allowInsecure } = options
  const tokenUrl = parseUrl(options.tokenUrl, 'tokenUrl', allowInsecure)
  const mtlsTokenUrl =
    options.mtlsTokenUrl === undefined
      ? undefined
      : parseUrl(options.mtlsTokenUrl, 'mtlsTokenUrl', allowInsecure)
  if (typeof auth !== 'function' && typeof auth?.candidates !== 'function') {
    throw misconfigured(
      'auth is missing: give clientSecretBasic(clientId, clientSecret) or another auth method.',
    )
  }
  for (const [option, given] of Object.entries({ parameters, query })) {
    const reserved = Object.keys(given).find(name => reservedParameters.has(name))
    if (reserved !== undefined) {
      throw misconfigured(`${option} must not hold ${reserved}: use the option or the auth method for it.`)
    }
  }
  const headers = readHeaders(options.headers)
  if (options.grantTypeIn === 'url') {
    for (const url of [tokenUrl, mtlsTokenUrl]) url?.searchParams.set('grant_type', grantType)
  }
  for (const [name, value] of Object.entries(query)) {
    for (const url of [tokenUrl, mtlsTokenUrl]) url?.searchParams.append(name, value)
  }
  if (defaultExpiresIn !== undefined && !(defaultExpiresIn > 0)) {
    throw misconfigured('defaultExpiresIn must be a number of seconds above 0.')
  }
  return {
    http: createHttp(options),
    tokenUrl,
    mtlsTokenUrl,
    headers,
    grantTypeIn: options.grantTypeIn ?? 'body',
    contentType: options.contentType ?? formType,
    tls,
    resource,
    audience,
    parameters,
    defaultExpiresIn,
    clock,
    issuer: options.issuer,
    newId: options.newId ?? randomUUID,
  }
}

/** What this library or the auth method sets. */
const reservedHeaders = new Set(['authorization', 'content-type', 'content-length', 'host', 'connection'])

function readHeaders(given: Readonly<Record<string, string>> = {}): Record<string, string> {
  const headers = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const reserved = Object.keys(headers).find(name => reservedHeaders.has(name))
  if (reserved !== undefined) {
    throw misconfigured(`headers must not hold ${reserved}: the library sets it.`)
  }
  return headers
}
