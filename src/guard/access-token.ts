import type { KeyObject } from 'node:crypto'
import { type Algorithm, algorithm } from '../crypto/algorithms.ts'
import { type DecodedJwt, decodeJwt, verifyJwt } from '../crypto/jwt.ts'

/** The claims of a JWT access token (RFC 9068 section 2.2) after it was verified. */
export interface AccessTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly client_id: string
  /** Seconds. */
  readonly exp: number
  readonly iat: number
  readonly jti: string
  /** A list only where that was expected. */
  readonly scope?: string | readonly string[]
  readonly cnf?: Readonly<Record<string, unknown>>
  readonly [claim: string]: unknown
}

/** Why a token is not accepted: which check failed, and what was found (for operators, never for callers). */
export class Refusal {
  readonly check: string
  readonly reason: string

  constructor(check: TokenCheck, reason: string) {
    this.check = check
    this.reason = reason
  }
}

/** The checks in the order in which they run (RFC 9068 section 4, RFC 8725 section 3). */
export const tokenChecks = [
  'structure',
  'type',
  'algorithm',
  'key',
  'signature',
  'issuer',
  'audience',
  'dates',
  'claims',
] as const
export type TokenCheck = (typeof tokenChecks)[number]

export interface VerificationKey {
  readonly algorithm: Algorithm
  readonly key: KeyObject
}

export interface Expected {
  readonly issuer: string
  /** Any of these; undefined: the caller checks the audience itself. */
  readonly audience: readonly string[] | undefined
  /** Milliseconds. */
  readonly now: number
  readonly clockSkewMs: number
  /** How `scope` is written: `a b` (RFC 9068 section 2.2.3, the default), or `["a", "b"]`. */
  readonly scopeForm?: 'text' | 'list'
  /** Default: RFC 9068. */
  readonly form?: TokenForm
}

/** How an issuer writes down what RFC 9068 has other names for. */
export interface TokenForm {
  /** What `typ` may be, in lower case. */
  readonly types: ReadonlySet<string>
  /** The claims, and those of RFC 9068 beside them; who issued the token, for whom and when has been looked at. */
  read(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | Refusal
}

/** What `typ` may be, in lower case (RFC 9068 section 4). */
export const accessTokenTypes: ReadonlySet<string> = new Set(['at+jwt', 'application/at+jwt'])

/** Takes an access token apart and checks what needs no key: structure, `typ`, `alg` (RFC 9068 section 4). */
export function readAccessToken(
  token: string,
  types: ReadonlySet<string> = accessTokenTypes,
): DecodedJwt | Refusal {
  const jwt = decodeJwt(token)
  if (typeof jwt === 'string') return new Refusal('structure', jwt)
  return checkHeader(jwt, types) ?? jwt
}

/** Are `typ` and `alg` those of an access token? undefined: yes. */
export function checkHeader({ header }: DecodedJwt, types: ReadonlySet<string>): Refusal | undefined {
  const { typ, alg } = header
  if (typeof typ !== 'string' || !types.has(typ.toLowerCase())) {
    const [wanted] = types
    return new Refusal('type', `typ is ${show(typ)}, not ${wanted}: this is not an access token`)
  }
  return algorithm(alg) ? undefined : new Refusal('algorithm', `alg ${show(alg)} is not accepted`)
}

/** Checks signature and claims of a token whose header was checked, with the key that its `kid` names. */
export function verifyAccessToken(
  jwt: DecodedJwt,
  key: VerificationKey | undefined,
  expected: Expected,
): AccessTokenClaims | Refusal {
  if (!key) return new Refusal('key', `no signing key with kid ${show(jwt.header.kid)} is published`)
  if (algorithm(jwt.header.alg) !== key.algorithm)
    return new Refusal(
      'algorithm',
      `alg ${show(jwt.header.alg)} is not that of the key (${key.algorithm.name})`,
    )
  if (!verifyJwt(jwt, key.key, key.algorithm)) return new Refusal('signature', 'the signature is wrong')
  return checkClaims(jwt.claims, expected)
}

function checkClaims(
  written: Readonly<Record<string, unknown>>,
  expected: Expected,
): AccessTokenClaims | Refusal {
  if (written.iss !== expected.issuer)
    return new Refusal('issuer', `iss is ${show(written.iss)}, expected ${expected.issuer}`)
  const audience = checkAudience(written.aud, expected.audience)
  if (audience) return audience
  for (const name of ['exp', 'iat'] as const)
    if (written[name] === undefined) return new Refusal('dates', `${name} is missing`)
  const dates = checkDates(written, expected)
  if (dates) return dates
  const claims = expected.form ? expected.form.read(written) : written
  if (claims instanceof Refusal) return claims
  for (const name of ['sub', 'client_id', 'jti'] as const)
    if (typeof claims[name] !== 'string' || claims[name] === '')
      return new Refusal('claims', `${name} is missing`)
  if (claims.scope !== undefined && !isScope(claims.scope, expected.scopeForm))
    return new Refusal(
      'claims',
      `scope is not a ${expected.scopeForm === 'list' ? 'list of strings' : 'string'}`,
    )
  if (claims.cnf !== undefined && !isObject(claims.cnf)) return new Refusal('claims', 'cnf is not an object')
  return claims as AccessTokenClaims
}

/** Is one of `accepted` among the audiences, which must be there (RFC 9068 section 4)? undefined: yes. */
export function checkAudience(aud: unknown, accepted: readonly string[] | undefined): Refusal | undefined {
  const audiences = typeof aud === 'string' ? [aud] : aud
  if (!isAudiences(audiences)) return new Refusal('audience', 'aud is missing or not made of strings')
  if (!accepted || accepted.some(each => audiences.includes(each))) return undefined
  return new Refusal(
    'audience',
    `aud is ${audiences.slice(0, 10).map(show).join(', ')}, expected ${accepted.join(' or ')}`,
  )
}

/** Are the dates that are there numbers, and is it their time (RFC 7519 section 4.1)? undefined: yes. */
export function checkDates(
  { exp, nbf, iat }: Readonly<Record<string, unknown>>,
  { now, clockSkewMs }: Pick<Expected, 'now' | 'clockSkewMs'>,
): Refusal | undefined {
  const seconds = now / 1000
  const skew = clockSkewMs / 1000
  if (exp !== undefined) {
    if (!isTime(exp)) return new Refusal('dates', 'exp is not a number')
    if (seconds >= exp + skew) return new Refusal('dates', `expired ${Math.ceil(seconds - exp)} s ago`)
  }
  return notBefore('nbf', nbf, seconds, skew) ?? notBefore('iat', iat, seconds, skew)
}

function notBefore(name: string, value: unknown, seconds: number, skew: number): Refusal | undefined {
  if (value === undefined) return undefined
  if (!isTime(value)) return new Refusal('dates', `${name} is not a number`)
  return value > seconds + skew
    ? new Refusal('dates', `${name} is ${Math.ceil(value - seconds)} s in the future`)
    : undefined
}

function isScope(value: unknown, form: Expected['scopeForm']): boolean {
  if (form !== 'list') return typeof value === 'string'
  return Array.isArray(value) && value.every(scope => typeof scope === 'string')
}

function isAudiences(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(a => typeof a === 'string' && a !== '')
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A value from an untrusted token, fit for a log line: short, printable ASCII. Objects are only named, because a
 * deeply nested one overflows the stack of JSON.stringify.
 */
export function show(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return JSON.stringify(value)
    .slice(0, 100)
    .replace(/[^\x20-\x7e]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
