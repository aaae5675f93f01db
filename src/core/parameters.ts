import { Problem } from './problem.ts'

/** The parameters of a request to an OAuth endpoint: each once, none empty (RFC 6749 section 3.2). */
export type Parameters = ReadonlyMap<string, string>

export interface ParameterRules {
  /** May also stand in the query. */
  readonly inQuery: ReadonlySet<string>
  /** May stand in both; the body counts. */
  readonly inBoth?: (name: string) => boolean
}

/** May never stand in a query, where logs and histories would keep it. */
const secretNames = new Set([
  'client_secret',
  'client_assertion',
  'assertion',
  'access_token',
  'token',
  'subject_token',
  'actor_token',
  'refresh_token',
  'password',
  'code',
])

/** Design 3.12: what the described clients send in the query, accepted there. */
export const tokenRequestRules: ParameterRules = {
  inQuery: new Set(['grant_type', 'token_format', 'scope', 'client_id']),
}
/** Introspection and revocation: nothing in the query. */
export const bodyOnlyRules: ParameterRules = { inQuery: new Set() }

/** Reads body and query of a request (application/x-www-form-urlencoded, RFC 6749 appendix B). */
export function readParameters(body: string, query: string, rules: ParameterRules): Parameters | Problem {
  const found = new Map<string, string>()
  const seen = new Set<string>()
  const problem = readInto(found, seen, body) ?? readQuery(found, seen, query, rules)
  return problem ?? found
}

function readQuery(
  found: Map<string, string>,
  seen: Set<string>,
  query: string,
  rules: ParameterRules,
): Problem | undefined {
  if (query === '') return undefined
  const inQuery = new Map<string, string>()
  const problem = readInto(inQuery, new Set(), query)
  if (problem) return problem
  for (const [name, value] of inQuery) {
    if (secretNames.has(name) && !rules.inQuery.has(name))
      return new Problem('invalid_request', `${name} must not be sent in the query`, {
        check: 'request form',
        hint: 'Send it in the body. It stands in logs by now: replace that credential.',
      })
    if (seen.has(name)) {
      if (rules.inBoth?.(name)) continue
      return repeated(name)
    }
    if (rules.inQuery.has(name)) found.set(name, value)
  }
  return undefined
}

function readInto(found: Map<string, string>, seen: Set<string>, text: string): Problem | undefined {
  if (text === '') return undefined
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = formDecode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : formDecode(pair.slice(equals + 1))
    if (name === undefined || value === undefined)
      return new Problem('invalid_request', 'the request has broken percent encoding', {
        check: 'request form',
      })
    if (seen.has(name)) return repeated(name)
    seen.add(name)
    if (value !== '') found.set(name, value)
  }
  return undefined
}

function repeated(name: string): Problem {
  const shown = /^[A-Za-z0-9_.-]{1,40}$/.test(name) ? name : 'a parameter'
  return new Problem('invalid_request', `${shown} is repeated`, { check: 'request form' })
}

/** Decodes one form-urlencoded value (RFC 6749 appendix B); undefined when it is broken. */
export function formDecode(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
