import { show } from '../../../guard/access-token.ts'
import { clockSkewMs, minute } from '../../context.ts'

/** What the claims of an assertion must say. */
export interface ExpectedClaims {
  readonly clientId: string
  /** The only `aud`, any of these. */
  readonly audiences: readonly string[]
  readonly longestMs: number
  /** Milliseconds. */
  readonly now: number
}

/** Beyond that an assertion is no proof of a moment. */
export const longestAssertionMs = 10 * minute
const longestId = 256

type Claims = Readonly<Record<string, unknown>>
/** What a rule is about, for those who tell them apart. */
export type RuleName = 'subject' | 'client' | 'audience' | 'time' | 'lifetime' | 'id'
type Rule = readonly [RuleName, (claims: Claims, expected: ExpectedClaims) => string | undefined]

const seconds = (ms: number): number => Math.ceil(ms / 1000)
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** The rules of RFC 7523 section 3, in order; the first that is broken is told. */
const rules: readonly Rule[] = [
  [
    'subject',
    ({ iss, sub }) =>
      iss === sub ? undefined : `sub (${show(sub)}) and iss (${show(iss)}) are not the same`,
  ],
  [
    'client',
    ({ iss }, { clientId }) => (iss === clientId ? undefined : `iss is ${show(iss)}, not the client`),
  ],
  [
    'audience',
    ({ aud }, { audiences }) => {
      if (Array.isArray(aud) && aud.length !== 1)
        return `aud names ${aud.length} audiences; it must be ${audiences[0]} alone`
      const sole = soleAudience({ aud })
      return audiences.includes(sole as string)
        ? undefined
        : `aud is ${show(sole)}, and must be ${audiences.join(' or ')}`
    },
  ],
  [
    'time',
    ({ exp }, { now }) => {
      if (!isTime(exp)) return 'exp is missing or no number'
      const late = now - (exp * 1000 + clockSkewMs)
      return late < 0
        ? undefined
        : `it expired ${seconds(now - exp * 1000)} s ago: the client sends an old assertion again, or its clock is slow`
    },
  ],
  [
    'lifetime',
    ({ exp }, { now, longestMs }) =>
      (exp as number) * 1000 - now <= longestMs + clockSkewMs
        ? undefined
        : `it is good for ${seconds((exp as number) * 1000 - now)} s, longer than the ${seconds(longestMs)} allowed`,
  ],
  ['time', claims => early('nbf', claims)],
  ['time', claims => early('iat', claims)],
  ['time', ({ nbf }, { now }) => inFuture('nbf', nbf, now)],
  ['time', ({ iat }, { now }) => inFuture('iat', iat, now)],
  [
    'id',
    ({ jti }) =>
      typeof jti === 'string' && jti.length > 0 && jti.length <= longestId
        ? undefined
        : `jti is missing, or longer than ${longestId} characters`,
  ],
]

function early(name: string, claims: Claims): string | undefined {
  return claims[name] === undefined || isTime(claims[name]) ? undefined : `${name} is no number`
}

function inFuture(name: string, value: unknown, now: number): string | undefined {
  const ahead = isTime(value) ? value * 1000 - now : 0
  return ahead > clockSkewMs
    ? `its ${name} is ${seconds(ahead)} s in the future: the clock of the client is fast`
    : undefined
}

/** The one audience, alone or as an array of one; undefined: there are several, or none. */
export function soleAudience({ aud }: Claims): unknown {
  if (!Array.isArray(aud)) return aud
  return aud.length === 1 ? aud[0] : undefined
}

/** The first rule that the claims break, and how; undefined: they are accepted. */
export function brokenRule(
  claims: Claims,
  expected: ExpectedClaims,
): { readonly rule: RuleName; readonly reason: string } | undefined {
  for (const [rule, check] of rules) {
    const reason = check(claims, expected)
    if (reason !== undefined) return { rule, reason }
  }
  return undefined
}

/** Why the claims are not accepted, for the operator; undefined: they are. */
export const claimsProblem = (claims: Claims, expected: ExpectedClaims): string | undefined =>
  brokenRule(claims, expected)?.reason
