import type { Problem, ProblemCode } from '../../core/problem.ts'
import type { Envelope } from './request.ts'

/** A refusal as HTTP sees it. */
export interface RenderedProblem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

export type Renderer = (
  problem: Problem,
  envelope: Pick<Envelope, 'correlationId'> & Partial<Pick<Envelope, 'receivedAt' | 'path'>>,
  realm: string,
) => RenderedProblem

export const statuses: Record<ProblemCode, number> = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_scope: 400,
  invalid_target: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_token_type: 400,
  too_many_failures: 429,
  no_credentials: 401,
  bad_credentials: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  csrf_required: 403,
  invalid_input: 400,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  limit_reached: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  misdirected_request: 421,
  request_timeout: 408,
  unavailable: 503,
  internal: 500,
  precondition_failed: 412,
  gone: 410,
  change_not_supported: 422,
  concurrency: 422,
  maintenance_info_conflict: 422,
  receiver_unreachable: 502,
  receiver_timeout: 504,
  receiver_failed: 502,
}

/** Codes that the token endpoint has no word for (RFC 6749 section 5.2). */
const oauthCodes: Partial<Record<ProblemCode, string>> = {
  too_many_failures: 'slow_down',
  no_credentials: 'invalid_client',
  bad_credentials: 'invalid_client',
  insufficient_scope: 'insufficient_scope',
  payload_too_large: 'invalid_request',
  unsupported_media_type: 'invalid_request',
  invalid_input: 'invalid_request',
  method_not_allowed: 'invalid_request',
  request_timeout: 'invalid_request',
  unavailable: 'temporarily_unavailable',
  internal: 'server_error',
}

/** Endpoints of the token server (RFC 6749 section 5.2). */
export const oauthProblem: Renderer = (problem, { correlationId }, realm) => {
  const status = problem.code === 'unsupported_media_type' ? 400 : statuses[problem.code]
  return {
    status,
    headers: {
      ...noStore,
      ...retryAfter(problem),
      ...oauthChallenge(problem, status, realm),
    },
    body: {
      error: oauthCodes[problem.code] ?? problem.code,
      error_description: problem.description,
      correlation_id: correlationId,
    },
  }
}

/** Basic for clients (RFC 6749 section 5.2), Bearer for a resource server that showed a token (RFC 7662 section 2.3). */
function oauthChallenge(problem: Problem, status: number, realm: string): Record<string, string> {
  if (problem.code === 'invalid_token' || problem.code === 'insufficient_scope')
    return { 'WWW-Authenticate': challenge(problem, realm) }
  return status === 401 ? { 'WWW-Authenticate': `Basic realm="${realm}", charset="UTF-8"` } : {}
}

/**
 * Protected resources (RFC 6750 section 3): without credentials no error code; 401 for credentials that are no
 * good, 403 for a caller who lacks the role.
 */
export const resourceProblem: Renderer = (problem, { correlationId }, realm) => {
  const status = statuses[problem.code]
  return {
    status,
    headers: {
      ...noStore,
      ...retryAfter(problem),
      ...(challenges[problem.code] && { 'WWW-Authenticate': challenge(problem, realm) }),
    },
    body: {
      error:
        problem.code === 'no_credentials' || problem.code === 'bad_credentials'
          ? 'unauthorized'
          : problem.code,
      error_description: problem.description,
      correlation_id: correlationId,
    },
  }
}

/** The admin API: the operator is told everything. It takes tokens only, so that is all it asks for. */
export const adminProblem: Renderer = (problem, envelope, realm) => {
  const rendered = resourceProblem(problem, envelope, realm)
  if (problem.code === 'bad_credentials')
    return { ...rendered, headers: { ...rendered.headers, 'WWW-Authenticate': `Bearer realm="${realm}"` } }
  const toldAll = rendered.status !== 401 && rendered.status !== 500
  return toldAll && problem.hint ? { ...rendered, body: { ...rendered.body, hint: problem.hint } } : rendered
}

const noStore = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

const challenges: Partial<Record<ProblemCode, true>> = {
  no_credentials: true,
  bad_credentials: true,
  invalid_token: true,
  insufficient_scope: true,
}

function challenge(problem: Problem, realm: string): string {
  const scheme = `Bearer realm="${realm}"`
  if (problem.code === 'no_credentials') return scheme
  if (problem.code === 'bad_credentials') return `Basic realm="${realm}", charset="UTF-8", ${scheme}`
  return `${scheme}, error="${problem.code}", error_description="${problem.description}"`
}

function retryAfter({ retryAfter: seconds, code }: Problem): Record<string, string> {
  if (seconds !== undefined) return { 'Retry-After': String(seconds) }
  return code === 'unavailable' ? { 'Retry-After': '1' } : {}
}
