import { shown } from './address.ts'
import type { TokenErrorCode } from './errors.ts'
import { TokenError } from './errors.ts'
import type { HttpReply } from './http.ts'
import { kindOfBody, parseObject } from './json.ts'
import { parseRetryAfter } from './retry.ts'

const checkCredentials =
  'Check client id and secret (or certificate), that they belong to this token URL, and that the service key ' +
  'was not deleted.'
const checkTokenUrl = 'Check the token URL: take it whole from the service key (member tokenurl).'

/** What to do, by the server's own `error` (RFC 6749 section 5.2, RFC 8707; `unauthorized` is UAA's). */
const adviceByError = new Map([
  ['invalid_client', checkCredentials],
  ['unauthorized', checkCredentials],
  ['unauthorized_client', 'Let the server allow this client the client credentials grant.'],
  ['unsupported_grant_type', `The address does not serve client credentials. ${checkTokenUrl}`],
  ['invalid_scope', 'Ask for fewer scopes, or have the missing role granted to this client.'],
  ['invalid_target', 'Check resource and audience: the server knows no such receiver of tokens.'],
  ['invalid_request', 'Check scope, resource, audience and parameters against what this server expects.'],
])

const adviceByStatus = new Map([
  [401, checkCredentials],
  [403, checkCredentials],
  [404, checkTokenUrl],
  [405, checkTokenUrl],
  [429, 'The server limits how often it is asked: share one token client, and ask again later.'],
])

/**
 * The TokenError for an answer that carries no token: not a 2xx status, or 2xx with an `error` member.
 * `hidden` are the values that must not come back in a message.
 */
export function refusal(url: URL, reply: HttpReply, hidden: readonly string[], now: number): TokenError {
  const body = parseObject(reply.body) ?? {}
  const text = (value: unknown) => (typeof value === 'string' ? clean(value, hidden) : undefined)
  const error = text(body.error)
  const description = text(body.error_description)
  const correlationId = text(body.correlation_id) ?? text(reply.headers['x-correlation-id'])
  const code = codeOf(reply.status)
  const said = [
    `${reply.status}${error === undefined ? '' : ` ${error}`}`,
    description === undefined ? '' : `: "${description}"`,
    error === undefined && parseObject(reply.body) === undefined ? `, ${kindOfBody(reply)}` : '',
    correlationId === undefined ? '' : ` (correlation id ${correlationId})`,
  ].join('')
  const advice =
    adviceByError.get(error ?? '') ??
    adviceByStatus.get(reply.status) ??
    (code === 'unavailable' ? 'The server has a problem of its own: ask again later.' : checkTokenUrl)
  const verb = code === 'unavailable' ? 'could not answer' : 'gave no token'
  return new TokenError(code, `${shown(url)} ${verb}: ${said}. ${advice}`, {
    status: reply.status,
    error,
    error_description: description,
    correlation_id: correlationId,
    retryAfterMs: parseRetryAfter(reply.headers['retry-after'], now),
  })
}

function codeOf(status: number): TokenErrorCode {
  return status >= 500 || status === 408 || status === 429 ? 'unavailable' : 'refused'
}

const longestText = 500

/** A server's words made fit for a log line: no control characters, none of our secrets, not endless. */
function clean(text: string, hidden: readonly string[]): string {
  let result = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  for (const value of hidden) if (value !== '') result = result.replaceAll(value, '[hidden]')
  return result.length > longestText ? `${result.slice(0, longestText)}...` : result
}
