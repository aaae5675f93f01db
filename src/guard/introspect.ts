import { checkAudience, checkDates, type Expected, Refusal, show } from './access-token.ts'
import { BoundedMap } from './bounded-map.ts'
import { type FetchJson, parseUrl } from './fetch-json.ts'
import { Unavailable } from './unavailable.ts'

export interface IntrospectOptions {
  /** The introspection endpoint. https, or http on this machine. */
  readonly url: string
  /** Who asks: a client of the token server that may (at Countersign: one with the role `token.introspect`). */
  readonly clientId: string
  readonly clientSecret: string
  /** So long an answer counts, but never past `exp`: a revocation is seen after at most this time. Default 30; 0: ask for each request. */
  readonly ttlSeconds?: number
  /** Ask about JWTs too, after their signature and claims were verified here. Default: opaque tokens alone. */
  readonly always?: boolean
}

/** What an introspection endpoint says about an active token (RFC 7662 section 2.2), checked. */
export interface IntrospectedClaims {
  readonly client_id: string
  readonly [claim: string]: unknown
}

type Answer = IntrospectedClaims | Refusal | Unavailable
export type Introspect = (token: string, digest: string) => Promise<Answer>

/** More questions than these at once are not asked: made-up tokens must not bring down the token server. */
const mostQuestions = 200

/**
 * Asks the token server about tokens (RFC 7662), keeping answers of both kinds, each within bounds. Whatever is not a
 * clear answer is Unavailable, so that nothing passes unasked. Throws TypeError for options that cannot work.
 */
export function createIntrospect(
  options: IntrospectOptions,
  expected: Omit<Expected, 'now'>,
  deps: { readonly fetchJson: FetchJson; readonly clock: () => number; readonly maxCachedTokens: number },
): Introspect {
  const { ttlSeconds = 30, clientId, clientSecret } = options
  const url = parseUrl(options.url, 'introspect.url')
  if (!(ttlSeconds >= 0 && ttlSeconds <= 3600)) throw new TypeError('introspect.ttlSeconds must be 0 to 3600')
  if (!clientId || !clientSecret) throw new TypeError('introspect needs clientId and clientSecret')
  const authorization = basic(clientId, clientSecret)
  const { fetchJson, clock } = deps
  // Apart, so that made-up tokens do not push out those in use.
  const active = new BoundedMap<{ claims: IntrospectedClaims; until: number }>(deps.maxCachedTokens)
  const refused = new BoundedMap<{ refusal: Refusal; until: number }>(deps.maxCachedTokens)
  const questions = new Map<string, Promise<Answer>>()

  async function ask(token: string, digest: string): Promise<Answer> {
    const asked = clock()
    try {
      const { json } = await fetchJson(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      })
      const until = asked + ttlSeconds * 1000
      const answer = readAnswer(json, { ...expected, now: clock() })
      // What was said before must not come back, not even where the clock is set back.
      active.delete(digest)
      if (answer instanceof Refusal) refused.set(digest, { refusal: answer, until })
      else if (!(answer instanceof Unavailable))
        active.set(digest, { claims: answer, until: Math.min(until, expiry(answer)) })
      return answer
    } catch (error) {
      return new Unavailable(`introspection: ${(error as Error).message}`, 1)
    } finally {
      questions.delete(digest)
    }
  }

  return async (token, digest) => {
    const now = clock()
    const known = active.get(digest)
    if (known && now < known.until) return checkDates(known.claims, { ...expected, now }) ?? known.claims
    const negative = refused.get(digest)
    if (negative && now < negative.until) return negative.refusal
    const underway = questions.get(digest)
    if (underway) return underway
    if (questions.size >= mostQuestions)
      return new Unavailable(`introspection: ${mostQuestions} questions are under way`, 1)
    const question = ask(token, digest)
    questions.set(digest, question)
    return question
  }
}

function readAnswer(json: Readonly<Record<string, unknown>>, expected: Expected): Answer {
  const { active, iss, aud, client_id, scope, token_type } = json
  if (active === false) return new Refusal('claims', 'the token server says that the token is not active')
  if (active !== true) return new Unavailable('introspection: the answer has no active of true or false', 1)
  if (token_type !== undefined && String(token_type).toLowerCase() !== 'bearer')
    return new Refusal('type', `token_type is ${show(token_type)}, not Bearer`)
  if (iss !== undefined && iss !== expected.issuer)
    return new Refusal('issuer', `iss is ${show(iss)}, expected ${expected.issuer}`)
  const refusal = checkAudience(aud, expected.audience) ?? checkDates(json, expected)
  if (refusal) return refusal
  if (typeof client_id !== 'string' || client_id === '') return new Refusal('claims', 'client_id is missing')
  if (scope !== undefined && typeof scope !== 'string') return new Refusal('claims', 'scope is not a string')
  return json as IntrospectedClaims
}

/** Milliseconds; checked to be a number where there is one. */
function expiry({ exp }: IntrospectedClaims): number {
  return exp === undefined ? Number.POSITIVE_INFINITY : Number(exp) * 1000
}

/** Both parts are form-urlencoded before base64 (RFC 6749 section 2.3.1). */
function basic(clientId: string, clientSecret: string): string {
  const encoded = [clientId, clientSecret].map(part => new URLSearchParams({ '': part }).toString().slice(1))
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`
}
