import { randomUUID } from 'node:crypto'
import { parseUrl } from './address.ts'
import type { ClientAuth } from './auth/index.ts'
import { aborted, misconfigured, TokenError } from './errors.ts'
import { freshness, renewalPause } from './freshness.ts'
import type { HttpOptions, TlsOptions } from './http.ts'
import { createHttp } from './http.ts'
import type { Wait } from './retry.ts'
import { waitByTimer, withRetry } from './retry.ts'
import type { AccessToken, Issued, TokenRequest } from './token-request.ts'
import { requestToken } from './token-request.ts'

export type TokenClientOptions = HttpOptions & {
  tokenUrl: string
  /** where requests go that show a certificate (`mtls_endpoint_aliases`, RFC 8705 section 5); default: `tokenUrl` */
  mtlsTokenUrl?: string | undefined
  /** of the token server: what assertions are for; `tokenClientFromIssuer` knows it */
  issuer?: string | undefined
  /** who asks: `clientSecretBasic(id, secret)` or another of src/client/auth */
  auth: ClientAuth
  /** space-separated; what `token()` asks for when it is not told otherwise */
  scope?: string | undefined
  /** RFC 8707: the address the token is for */
  resource?: string | readonly string[] | undefined
  audience?: string | readonly string[] | undefined
  /** further parameters of the body, such as `token_format` */
  parameters?: Readonly<Record<string, string>> | undefined
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
  /** `renewAfter`: until then no background renewal is tried; a token that is still valid stays in use */
  | { type: 'failed'; scope: string | undefined; error: TokenError; renewAfter: number }

export type GetTokenOptions = {
  scope?: string | undefined
  /** ends this caller's waiting only, never the fetch that others wait for */
  signal?: AbortSignal | undefined
  /** not from the cache: after a 401, say */
  fresh?: boolean | undefined
}

/** What a call with a token needs. */
export type CallCredentials = {
  /** value of the header */
  readonly authorization: string
  /**
   * for the connection of the call: the TLS options that the token was got with. A token that is bound to a
   * certificate (RFC 8705 section 3) is refused on a connection of any other.
   */
  readonly tls: TlsOptions
}

export type TokenClient = {
  /** A token that is valid for a while yet, from the cache or the server. Throws TokenError. */
  token(options?: GetTokenOptions): Promise<AccessToken>
  /** The same, as the value of an Authorization header. */
  authorizationHeader(options?: GetTokenOptions): Promise<string>
  /** The same, with the certificate that belongs to it: for clients that got their token by a certificate. */
  credentials(options?: GetTokenOptions): Promise<CallCredentials>
  /** Forgets this token (a receiver answered 401); the next call fetches. A newer one is kept. */
  invalidate(token: string): void
  /** Ends fetches, waits and connections, so that the process can end; later calls throw `closed`. */
  close(): void
}

/** One scope's place in the cache: the token, the fetch under way, and the memory of failures. */
type Entry = {
  scope: string | undefined
  issued?: Issued | undefined
  flight?: Promise<Issued> | undefined
  failures: number
  renewAfter: number
}

/** Scopes usually number one to five; the bound keeps a caller who invents them from filling the memory. */
const mostEntries = 500

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

/**
 * Tokens by client credentials for one identity at one token server: cached per scope, renewed in the background
 * once half of their life is over, fetched once for all who wait, retried as retry.ts says. Throws TokenError
 * `invalid_configuration` for options that cannot work.
 */
export function createTokenClient(options: TokenClientOptions): TokenClient {
  const { clock = Date.now, wait = waitByTimer, random = Math.random } = options
  const request = tokenRequest(options, clock)
  const entries = new Map<string, Entry>()
  const closing = new AbortController()
  const closed = () => new TokenError('closed', 'This token client was closed: create a new one.')

  function report(event: TokenEvent): void {
    try {
      options.onEvent?.(event)
    } catch {
      // A listener that throws must cost nobody his token.
    }
  }

  function entryFor(scope: string | undefined): Entry {
    const key = scopeKey(scope)
    const known = entries.get(key)
    if (known !== undefined) return known
    const oldest = entries.keys().next()
    if (entries.size >= mostEntries && !oldest.done) entries.delete(oldest.value)
    const entry: Entry = { scope, failures: 0, renewAfter: 0 }
    entries.set(key, entry)
    return entry
  }

  async function fetch(entry: Entry): Promise<Issued> {
    const { scope } = entry
    const signal = closing.signal
    let tries = 0
    try {
      const issued = await withRetry(
        count => {
          tries = count
          return requestToken(request, scope, signal)
        },
        {
          wait,
          random,
          signal,
          onRetry: (error, count, waitMs) => report({ type: 'retry', scope, tries: count, waitMs, error }),
        },
      )
      Object.assign(entry, { issued, failures: 0, renewAfter: 0 })
      report({ type: 'fetched', scope, expiresAt: issued.token.expiresAt, tries })
      return issued
    } catch (error) {
      if (signal.aborted) throw closed()
      if (!(error instanceof TokenError)) throw error
      entry.failures += 1
      const pause = Math.max(renewalPause(entry.failures, random), error.retryAfterMs ?? 0)
      entry.renewAfter = clock() + pause
      report({ type: 'failed', scope, error, renewAfter: entry.renewAfter })
      throw error
    } finally {
      entry.flight = undefined
    }
  }

  /** The fetch under way for this entry, or a new one. Its failure is never unhandled, even if nobody waits. */
  function flightOf(entry: Entry): Promise<Issued> {
    if (entry.flight === undefined) {
      entry.flight = fetch(entry)
      entry.flight.catch(() => {})
    }
    return entry.flight
  }

  async function current({ scope = options.scope, signal, fresh = false }: GetTokenOptions = {}) {
    if (closing.signal.aborted) throw closed()
    if (signal?.aborted) throw aborted(signal)
    const entry = entryFor(scope)
    const { issued } = entry
    if (issued === undefined || fresh) return unlessAborted(flightOf(entry), signal)
    const state = freshness(issued.issuedAt, issued.token.expiresAt, clock())
    if (state === 'spent') return unlessAborted(flightOf(entry), signal)
    if (state === 'renew' && clock() >= entry.renewAfter) flightOf(entry)
    return issued
  }

  async function credentials(getOptions?: GetTokenOptions): Promise<CallCredentials> {
    const { token, tls } = await current(getOptions)
    return { authorization: `${token.type} ${token.value}`, tls: { ...tls } }
  }

  return {
    token: async getOptions => (await current(getOptions)).token,
    authorizationHeader: async getOptions => (await credentials(getOptions)).authorization,
    credentials,
    invalidate(value) {
      for (const entry of entries.values()) {
        if (entry.issued?.token.value === value) entry.issued = undefined
      }
    },
    close() {
      closing.abort()
      entries.clear()
      request.http.close()
    },
  }
}

function tokenRequest(options: TokenClientOptions, clock: () => number): TokenRequest {
  const { auth, resource, audience, parameters = {}, defaultExpiresIn, tls = {} } = options
  const { allowInsecure } = options
  const tokenUrl = parseUrl(options.tokenUrl, 'tokenUrl', allowInsecure)
  const mtlsTokenUrl =
    options.mtlsTokenUrl === undefined
      ? undefined
      : parseUrl(options.mtlsTokenUrl, 'mtlsTokenUrl', allowInsecure)
  if (typeof auth !== 'function') {
    throw misconfigured(
      'auth is missing: give clientSecretBasic(clientId, clientSecret) or another auth method.',
    )
  }
  const reserved = Object.keys(parameters).find(name => reservedParameters.has(name))
  if (reserved !== undefined) {
    throw misconfigured(`parameters must not hold ${reserved}: use the option or the auth method for it.`)
  }
  if (defaultExpiresIn !== undefined && !(defaultExpiresIn > 0)) {
    throw misconfigured('defaultExpiresIn must be a number of seconds above 0.')
  }
  return {
    http: createHttp(options),
    tokenUrl,
    mtlsTokenUrl,
    auth,
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

/** The same scopes in another order are the same request (RFC 6749 section 3.3). */
function scopeKey(scope = ''): string {
  return [...new Set(scope.split(' ').filter(Boolean))].sort().join(' ')
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(aborted(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
