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
  readonly scope?: string
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
}

/** Takes an access token apart and checks what needs no key: structure, `typ`, `alg` (RFC 9068 section 4). */
export function readAccessToken(token: string): DecodedJwt | Refusal {
  const jwt = decodeJwt(token)
  if (typeof jwt === 'string') return new Refusal('structure', jwt)
  const { typ, alg } = jwt.header
  const type = typeof typ === 'string' ? typ.toLowerCase() : undefined
  if (type !== 'at+jwt' && type !== 'application/at+jwt')
    return new Refusal('type', `typ is ${show(typ)}, not at+jwt: this is not an access token`)
  if (!algorithm(alg)) return new Refusal('algorithm', `alg ${show(alg)} is not accepted`)
  return jwt
}

/** Checks signature and claims of a token that `readAccessToken` took apart, with the key that its `kid` names. */
export function verifyAccessToken(
  jwt: DecodedJwt,
  key: VerificationKey | undefined,
  expected: Expected,
): AccessTokenClaims | Refusal {
  if (!key) return new Refusal('key', `no signing key with kid ${show(jwt.header.kid)} is published`)
  if (jwt.header.alg !== key.algorithm.name)
    return new Refusal(
      'algorithm',
      `alg ${show(jwt.header.alg)} is not that of the key (${key.algorithm.name})`,
    )
  if (!verifyJwt(jwt, key.key, key.algorithm)) return new Refusal('signature', 'the signature is wrong')
  return checkClaims(jwt.claims, expected)
}

function checkClaims(
  claims: Readonly<Record<string, unknown>>,
  expected: Expected,
): AccessTokenClaims | Refusal {
  if (claims.iss !== expected.issuer)
    return new Refusal('issuer', `iss is ${show(claims.iss)}, expected ${expected.issuer}`)
  const audiences = audiencesOf(claims.aud)
  if (!audiences) return new Refusal('audience', 'aud is missing or not made of strings')
  if (expected.audience && !expected.audience.some(accepted => audiences.includes(accepted)))
    return new Refusal(
      'audience',
      `aud is ${audiences.map(show).join(', ')}, expected ${expected.audience.join(' or ')}`,
    )
  const { exp, nbf, iat } = claims
  if (!isTime(exp)) return new Refusal('dates', 'exp is missing or not a number')
  const seconds = expected.now / 1000
  const skew = expected.clockSkewMs / 1000
  if (seconds >= exp + skew) return new Refusal('dates', `expired ${Math.ceil(seconds - exp)} s ago`)
  for (const [name, value] of [
    ['nbf', nbf],
    ['iat', iat],
  ] as const) {
    if (value === undefined) continue
    if (!isTime(value)) return new Refusal('dates', `${name} is not a number`)
    if (value > seconds + skew)
      return new Refusal('dates', `${name} is ${Math.ceil(value - seconds)} s in the future`)
  }
  for (const name of ['sub', 'client_id', 'jti'] as const)
    if (typeof claims[name] !== 'string' || claims[name] === '')
      return new Refusal('claims', `${name} is missing`)
  if (claims.scope !== undefined && typeof claims.scope !== 'string')
    return new Refusal('claims', 'scope is not a string')
  if (claims.cnf !== undefined && (typeof claims.cnf !== 'object' || claims.cnf === null))
    return new Refusal('claims', 'cnf is not an object')
  return claims as AccessTokenClaims
}

function audiencesOf(aud: unknown): readonly string[] | undefined {
  const list = typeof aud === 'string' ? [aud] : aud
  if (!Array.isArray(list) || list.length === 0) return undefined
  return list.every(a => typeof a === 'string' && a !== '') ? list : undefined
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** A value from an untrusted token, fit for a log line. */
function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? 'missing'
}
