import { type AuthCandidate, createAuthOrder, isRefusedCredential } from './auth/auth-source.ts'
import { createCircuit } from './circuit.ts'
import { aborted, TokenError } from './errors.ts'
import { freshness, renewalPause } from './freshness.ts'
import type { TlsOptions } from './http.ts'
import { waitByTimer, withRetry } from './retry.ts'
import { type TokenClientOptions, type TokenEvent, tokenRequest } from './token-client-options.ts'
import type { AccessToken, Issued } from './token-request.ts'
import { requestToken } from './token-request.ts'

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

/**
 * Tokens by client credentials for one identity at one token server: cached per scope, renewed in the background
 * once half of their life is over, fetched once for all who wait, retried as retry.ts says. Throws TokenError
 * `invalid_configuration` for options that cannot work.
 */
export function createTokenClient(options: TokenClientOptions): TokenClient {
  const { clock = Date.now, wait = waitByTimer, random = Math.random } = options
  const request = tokenRequest(options, clock)
  const order = createAuthOrder(options.auth, options.fallback)
  const circuit = createCircuit(request.tokenUrl.host, random)
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

  /** One fetch with one credential; how often it was tried is told at the end. */
  async function fetchWith({ auth }: AuthCandidate, scope: string | undefined) {
    const signal = closing.signal
    let tries = 0
    const issued = await withRetry(
      count => {
        tries = count
        return requestToken({ ...request, auth }, scope, signal)
      },
      {
        wait,
        random,
        signal,
        onRetry: (error, count, waitMs) => report({ type: 'retry', scope, tries: count, waitMs, error }),
      },
    )
    return { issued, tries }
  }

  /** With the first credential that the server takes. */
  async function fetchInOrder(scope: string | undefined) {
    const [...candidates] = order.candidates(clock())
    for (;;) {
      const candidate = candidates.shift()!
      try {
        const fetched = await fetchWith(candidate, scope)
        if (order.isFallback(candidate)) report({ type: 'fallback', scope })
        return fetched
      } catch (error) {
        if (!(error instanceof TokenError) || !isRefusedCredential(error)) throw error
        order.refused(candidate, clock())
        const [next] = candidates
        if (next === undefined) throw error
        report({ type: 'credential-refused', credential: candidate.name, error, next: next.name })
      }
    }
  }

  async function fetch(entry: Entry): Promise<Issued> {
    const { scope } = entry
    try {
      const { issued, tries } = await fetchInOrder(scope)
      Object.assign(entry, { issued, failures: 0, renewAfter: 0 })
      if (circuit.answered()) report({ type: 'circuit-closed' })
      report({ type: 'fetched', scope, expiresAt: issued.token.expiresAt, tries })
      return issued
    } catch (error) {
      if (closing.signal.aborted) throw closed()
      if (!(error instanceof TokenError)) throw error
      const until = circuit.failed(error, clock())
      if (until !== undefined) report({ type: 'circuit-opened', until })
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
      const refusal = circuit.refusal(clock())
      if (refusal) return Promise.reject(refusal)
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
    if (state === 'renew' && clock() >= entry.renewAfter) flightOf(entry).catch(() => {})
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
