import { createHmac } from 'node:crypto'
import { decodeBase64url } from '../../crypto/base64url.ts'
import { sameDigest } from '../../crypto/secret.ts'
import { minute } from '../context.ts'
import { Problem } from '../problem.ts'

/**
 * CSRF protection of a flow, as the described HTTPS sender adapter has it, without a store: GET or HEAD with
 * `X-CSRF-Token: Fetch` answers with a token and goes no further; every modifying request must bring the token
 * and the session cookie that came with it.
 */

export interface CsrfBinding {
  /** The key `csrf` of the vault. */
  readonly key: Buffer
  /** The credential id of the authenticated caller: unique among all tenants. */
  readonly callerId: string
  readonly flowId: string
  /** The session cookie's value: 16 random bytes, base64url. */
  readonly session: string
  /** Milliseconds. */
  readonly now: number
}

export const csrfValidity = 30 * minute

/** A token that `checkCsrf` takes for 30 minutes from the same caller at the same flow in the same session. */
export function issueCsrf(binding: CsrfBinding): string {
  const expires = (binding.now + csrfValidity).toString(36)
  return `${expires}.${mac(binding, expires).toString('base64url')}`
}

/** Why a modifying request does not pass; undefined when its token is good. */
export function checkCsrf(
  binding: Omit<CsrfBinding, 'session'> & {
    readonly session: string | undefined
    readonly token: string | undefined
  },
): Problem | undefined {
  const { token, session } = binding
  if (!token) return refused('the request has no X-CSRF-Token')
  if (!session) return refused(`the request has no ${cookieName} cookie, or several`)
  const dot = token.indexOf('.')
  const expires = token.slice(0, Math.max(dot, 0))
  const signature = decodeBase64url(token.slice(dot + 1))
  if (!signature || !sameDigest(signature, mac({ ...binding, session }, expires)))
    return refused('the X-CSRF-Token was not issued for this caller, flow and session')
  if (binding.now >= Number.parseInt(expires, 36)) return refused('the X-CSRF-Token is older than 30 minutes')
  return undefined
}

/** JSON keeps the parts apart, whatever characters they have. */
function mac(binding: Omit<CsrfBinding, 'now'>, expires: string): Buffer {
  const content = JSON.stringify([
    'countersign csrf',
    expires,
    binding.callerId,
    binding.flowId,
    binding.session,
  ])
  return createHmac('sha256', binding.key).update(content, 'utf8').digest()
}

function refused(reason: string): Problem {
  return new Problem('csrf_required', 'this endpoint asks for a valid X-CSRF-Token and its session cookie', {
    reason,
    hint: 'Send GET with X-CSRF-Token: Fetch first, then the token and the cookie of its answer. A flow that only machines call can be deployed with csrf: false.',
    check: 'csrf',
  })
}

/** Whether a request only wants a token. */
export function fetchesCsrf(method: string, csrfHeader: string | undefined): boolean {
  return !modifies(method) && csrfHeader?.toLowerCase() === 'fetch'
}

/** Whether a method is one that needs the token. */
export function modifies(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

const cookieName = 'countersign-csrf'

/** The Set-Cookie value for a session. `path` is where the tenant's flows are. */
export function formatCsrfCookie(session: string, path = '/http'): string {
  return `${cookieName}=${session}; HttpOnly; Secure; SameSite=Strict; Path=${path}`
}

/** The session in a Cookie header (RFC 6265 section 4.2); undefined when there is none, a malformed one or several. */
export function parseCsrfCookie(cookieHeader: string | undefined): string | undefined {
  const values = (cookieHeader ?? '')
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${cookieName}=`))
    .map(pair => pair.slice(cookieName.length + 1))
  const [session] = values
  return values.length === 1 && session && /^[A-Za-z0-9_-]{22}$/.test(session) ? session : undefined
}
