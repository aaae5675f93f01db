/**
 * Why no token came. Closed, so that a caller can switch over it:
 * - `refused`: the server answered and will not give a token (wrong credentials, scope, address); not worth a retry
 * - `unavailable`: no connection, or the server said that it cannot just now (408, 429, 5xx); retried already
 * - `timeout`: no whole answer within `timeoutMs`; retried already
 * - `invalid_response`: something answered that is not a usable token or metadata answer (HTML, a redirect, too large)
 * - `untrusted`: the server's certificate was not accepted
 * - `invalid_configuration`: the call, the options or the service key cannot work; nothing was sent
 * - `aborted`: the caller's own signal fired
 * - `closed`: the client was closed
 */
export type TokenErrorCode =
  | 'refused'
  | 'unavailable'
  | 'timeout'
  | 'invalid_response'
  | 'untrusted'
  | 'invalid_configuration'
  | 'aborted'
  | 'closed'

export type TokenErrorFacts = {
  status?: number | undefined
  error?: string | undefined
  error_description?: string | undefined
  correlation_id?: string | undefined
  /** what the server asked for with Retry-After, in milliseconds */
  retryAfterMs?: number | undefined
  cause?: unknown
}

/**
 * The one error of this library. The message says what happened and what to do about it, and never holds a
 * secret, an assertion or a token.
 */
export class TokenError extends Error {
  override readonly name = 'TokenError'
  readonly code: TokenErrorCode
  /** HTTP status of the answer, if there was one */
  readonly status: number | undefined
  /** the server's own `error` (RFC 6749 section 5.2) */
  readonly error: string | undefined
  /** the server's own `error_description` */
  readonly error_description: string | undefined
  /** the server's own id of this refusal: `correlation_id` of the body or the header X-Correlation-Id */
  readonly correlation_id: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: TokenErrorCode, message: string, facts: TokenErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.status = facts.status
    this.error = facts.error
    this.error_description = facts.error_description
    this.correlation_id = facts.correlation_id
    this.retryAfterMs = facts.retryAfterMs
  }
}

/** For options and keys that cannot work. */
export function misconfigured(message: string, cause?: unknown): TokenError {
  return new TokenError('invalid_configuration', message, { cause })
}

/** For a caller whose signal fired; the signal's reason is the cause. */
export function aborted(signal: AbortSignal): TokenError {
  return new TokenError('aborted', 'The caller stopped waiting (its signal was aborted).', {
    cause: signal.reason,
  })
}
