/**
 * A refusal is a value, made where the rule lives and rendered once per protocol at the edge. The caller learns
 * `code` and `description`; the operator learns `reason` and `hint` from the decision record.
 */
export class Problem {
  readonly code: ProblemCode
  /** For the caller: only %x20-21 / %x23-5B / %x5D-7E (RFC 6749 section 5.2). */
  readonly description: string
  /** For the operator: what was found. Never a secret or a token. */
  readonly reason: string
  /** For the operator: what to do about it. */
  readonly hint: string | undefined
  /** The check that failed, by its name in the list of the procedure that ran. */
  readonly check: string | undefined
  /** Seconds after which it makes sense to try again. */
  readonly retryAfter: number | undefined
  /** What was sent and is refused, for dialects that repeat it. As it was sent: nobody has made it fit for anything. */
  readonly value: string | undefined
  /** The number that a vendor's clients know this refusal by, where there is one. */
  readonly number: number | undefined
  /** Which client the request spoke for, as far as that was known. */
  readonly subject: ProblemSubject

  constructor(code: ProblemCode, description: string, more: ProblemDetails = {}) {
    this.code = code
    this.description = description
    this.reason = more.reason ?? description
    this.hint = more.hint
    this.check = more.check
    this.retryAfter = more.retryAfter
    this.value = more.value
    this.number = more.number
    this.subject = more.subject ?? {}
  }

  /** The same problem with details added. */
  with(more: ProblemDetails): Problem {
    return new Problem(this.code, this.description, {
      reason: this.reason,
      ...(this.hint && { hint: this.hint }),
      ...(this.check && { check: this.check }),
      ...(this.retryAfter && { retryAfter: this.retryAfter }),
      ...(this.value !== undefined && { value: this.value }),
      ...(this.number !== undefined && { number: this.number }),
      ...more,
      subject: { ...this.subject, ...more.subject },
    })
  }
}

export interface ProblemDetails {
  reason?: string
  hint?: string
  check?: string
  retryAfter?: number
  value?: string
  number?: number
  subject?: ProblemSubject
}

export interface ProblemSubject {
  /** As claimed by the request; not proven. */
  clientId?: string
  credentialId?: string
  instance?: string
  key?: string
}

/** Every code there is. A renderer maps each to its protocol; the compiler tells when one is missing. */
export type ProblemCode =
  // the token endpoint (RFC 6749 section 5.2, RFC 8707 section 2, RFC 7009 section 2.2.1)
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_token_type'
  | 'too_many_failures'
  // a protected resource (RFC 6750 section 3.1)
  | 'no_credentials'
  | 'bad_credentials'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'csrf_required'
  // everywhere
  | 'invalid_input'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'limit_reached'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'misdirected_request'
  | 'request_timeout'
  | 'unavailable'
  | 'internal'
  // the service broker (Open Service Broker API 2.17)
  | 'precondition_failed'
  | 'gone'
  | 'change_not_supported'
  | 'concurrency'
  | 'maintenance_info_conflict'
  // a flow's receiver
  | 'receiver_unreachable'
  | 'receiver_timeout'
  | 'receiver_failed'

export function isProblem(value: unknown): value is Problem {
  return value instanceof Problem
}
