import { hash } from 'node:crypto'
import { decodeBase64url } from '../crypto/base64url.ts'
import { Refusal } from './access-token.ts'
import { type GuardedRequest, readBearer } from './bearer.ts'
import { checkBinding } from './binding.ts'
import { createIntrospect } from './introspect.ts'
import { guardedRequest, type NodeRequest } from './node-request.ts'
import { type GuardOptions, readOptions } from './options.ts'
import { CertificateProblem } from './presented-certificate.ts'
import { createProblems, isProblem, type Problem } from './problem.ts'
import { Unavailable } from './unavailable.ts'
import { createVerify } from './verify.ts'

/** Claims of a JWT (RFC 9068 section 2.2), or what introspection said (RFC 7662 section 2.2). */
export type TokenClaims = Readonly<Record<string, unknown>> & { readonly client_id: string }

/** Who calls, proven by an access token. */
export interface Caller {
  readonly clientId: string
  /** The values of the token's `scope`. */
  readonly roles: ReadonlySet<string>
  readonly claims: TokenClaims
}

export interface Guard {
  /** Who makes this request? Never throws and never rejects because of what a request holds. */
  check(request: GuardedRequest): Promise<Caller | Problem>
  /**
   * The same for a request of node:http or node:https (Express's `request`, Fastify's `request.raw`), with the client
   * certificate from where the option `clientCertificate` says. Rejects when the `trusted` of that option throws.
   */
  checkRequest(request: NodeRequest): Promise<Caller | Problem>
  /** undefined when the caller has at least one of these roles. Without any role to ask for it throws TypeError. */
  requireRole(caller: Caller, ...roles: string[]): Problem | undefined
}

/**
 * Guards an API that accepts access tokens of one issuer: JWTs (RFC 9068, or as `tokens` says), verified here with the
 * issuer's keys, and with `introspect` opaque tokens too. Tokens come as RFC 6750 says; a token with `cnf` counts only with its
 * certificate (RFC 8705), also where introspection says so. A certificate beside a token that is not bound changes
 * nothing, and a certificate alone is no credential here.
 *
 * A revocation is not seen here before the token's `exp`, unless `introspect` is given with `always`: then after at
 * most `ttlSeconds`. A key that the issuer stops publishing ends its tokens when the key set is fetched next.
 *
 * Throws TypeError for options that cannot work.
 */
export function createGuard(options: GuardOptions): Guard {
  const { expected, realm, keys, clock, fetchJson, maxCachedTokens, certificateOf } = readOptions(options)
  const problems = createProblems(realm)
  const verify = createVerify({ ...expected, keys, clock, maxCachedTokens })
  const introspect =
    options.introspect &&
    createIntrospect(options.introspect, expected, { fetchJson, clock, maxCachedTokens })
  const always = options.introspect?.always ?? false
  // One Caller per set of claims: what is remembered is not read again.
  const callers = new WeakMap<object, Caller>()

  async function claimsOf(token: string): Promise<TokenClaims | Refusal | Unavailable> {
    const digest = hash('sha256', token, 'base64')
    if (!introspect) return verify(token, digest)
    if (!isJose(token)) return introspect(token, digest)
    const claims = await verify(token, digest)
    if (!always || claims instanceof Refusal || claims instanceof Unavailable) return claims
    const answer = await introspect(token, digest)
    if (answer instanceof Refusal || answer instanceof Unavailable) return answer
    if (answer.client_id !== claims.client_id)
      return new Refusal('claims', 'introspection names another client than the token')
    return { ...claims, ...answer }
  }

  function callerOf(claims: TokenClaims): Caller {
    const known = callers.get(claims)
    if (known) return known
    const { client_id: clientId, scope } = claims
    const roles = new Set(typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [])
    const caller = Object.freeze({ clientId, roles, claims: Object.freeze(claims) })
    callers.set(claims, caller)
    return caller
  }

  async function check(request: GuardedRequest): Promise<Caller | Problem> {
    const bearer = readBearer(request, problems)
    if (isProblem(bearer)) return bearer
    const { certificate } = request
    if (certificate instanceof CertificateProblem)
      return problems.invalidRequest('the client certificate cannot be read', certificate.reason)
    const claims = await claimsOf(bearer.token)
    if (claims instanceof Unavailable) return problems.unavailable(claims.reason, claims.retryAfterSeconds)
    if (claims instanceof Refusal) return problems.invalidToken(`${claims.check}: ${claims.reason}`)
    const unbound = checkBinding(claims.cnf, certificate?.thumbprint)
    return unbound === undefined ? callerOf(claims) : problems.invalidToken(`binding: ${unbound}`)
  }

  return {
    check,
    checkRequest: async request => check(guardedRequest(request, certificateOf(request))),
    requireRole(caller, ...roles) {
      if (roles.length === 0) throw new TypeError('requireRole needs a role')
      if (roles.some(role => caller.roles.has(role))) return undefined
      const held = [...caller.roles].join(', ') || 'no roles'
      return problems.insufficientScope(
        roles,
        `${caller.clientId} has ${held}; asked for ${roles.join(' or ')}`,
      )
    },
  }
}

/** Is this a JWS or JWE in compact form? Those are never opaque tokens, so that no ID token passes as one. */
function isJose(token: string): boolean {
  const dot = token.indexOf('.')
  const header = dot > 0 ? decodeBase64url(token.slice(0, dot)) : undefined
  if (!header) return false
  try {
    const value: unknown = JSON.parse(header.toString())
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}
