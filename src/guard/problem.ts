/**
 * A refusal as a value. `status`, `error`, `description` and `headers` are for the caller, `reason` is for the
 * operator alone: it says what was found, and never holds a token or a secret.
 */
export class Problem {
  readonly status: 400 | 401 | 403 | 503
  /** RFC 6750 section 3.1; undefined where the request carried no credentials, and for 503. */
  readonly error: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | undefined
  readonly description: string
  readonly headers: Readonly<Record<string, string>>
  readonly reason: string

  constructor(facts: ProblemFacts) {
    this.status = facts.status
    this.error = facts.error
    this.description = facts.description
    this.headers = facts.headers
    this.reason = facts.reason
  }

  /** What the caller may read as JSON. `error` is always there, also where the header must not name one. */
  get body(): { readonly error: string; readonly error_description: string } {
    const withoutCode = this.status === 503 ? 'temporarily_unavailable' : 'unauthorized'
    return { error: this.error ?? withoutCode, error_description: this.description }
  }
}

export function isProblem(value: unknown): value is Problem {
  return value instanceof Problem
}

type ProblemFacts = Pick<Problem, 'status' | 'error' | 'description' | 'headers' | 'reason'>

/** The five refusals of a protected resource, for one realm (RFC 6750 section 3). */
export interface Problems {
  noCredentials(reason: string): Problem
  invalidRequest(description: string, reason: string): Problem
  invalidToken(reason: string): Problem
  insufficientScope(roles: readonly string[], reason: string): Problem
  unavailable(reason: string, retryAfterSeconds: number): Problem
}

export function createProblems(realm: string): Problems {
  const challenge = (parameters: Readonly<Record<string, string>> = {}) => ({
    'WWW-Authenticate': `Bearer ${Object.entries({ realm, ...parameters })
      .map(([name, value]) => `${name}="${quoted(value)}"`)
      .join(', ')}`,
  })
  const withCode = (
    status: 400 | 401 | 403,
    error: NonNullable<Problem['error']>,
    description: string,
    reason: string,
    more: Readonly<Record<string, string>> = {},
  ) => {
    const headers = challenge({ error, error_description: description, ...more })
    return new Problem({ status, error, description, headers, reason })
  }
  return {
    noCredentials: reason =>
      new Problem({
        status: 401,
        error: undefined,
        description: 'an access token is needed',
        headers: challenge(),
        reason,
      }),
    invalidRequest: (description, reason) => withCode(400, 'invalid_request', description, reason),
    invalidToken: reason => withCode(401, 'invalid_token', 'the access token is not valid', reason),
    insufficientScope: (roles, reason) =>
      withCode(403, 'insufficient_scope', 'the caller lacks the role', reason, { scope: roles.join(' ') }),
    unavailable: (reason, retryAfterSeconds) =>
      new Problem({
        status: 503,
        error: undefined,
        description: 'the access token cannot be checked just now',
        headers: { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
        reason,
      }),
  }
}

/** The inside of a quoted-string (RFC 9110 section 5.6.4); what it cannot hold, such as a line break, becomes `?`. */
function quoted(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')
}
