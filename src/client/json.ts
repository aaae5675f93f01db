import { shown } from './address.ts'
import { TokenError } from './errors.ts'
import type { Http, HttpReply } from './http.ts'

/**
 * GETs a JSON object (server metadata). Anything but a 2xx answer with a JSON object is a TokenError:
 * `refused` for 4xx, `unavailable` for 408, 429 and 5xx, else `invalid_response`.
 */
export async function fetchJson(
  http: Http,
  url: URL,
  signal?: AbortSignal,
): Promise<Record<string, unknown>> {
  const reply = await http.get(url, {}, { signal })
  if (reply.status < 200 || reply.status > 299) {
    const busy = reply.status >= 500 || reply.status === 408 || reply.status === 429
    throw new TokenError(busy ? 'unavailable' : 'refused', `${shown(url)} answered ${reply.status}.`, {
      status: reply.status,
    })
  }
  const json = parseObject(reply.body)
  if (json !== undefined) return json
  throw new TokenError(
    'invalid_response',
    `${shown(url)} answered ${kindOfBody(reply)} instead of a JSON object.`,
    {
      status: reply.status,
    },
  )
}

/** A JSON object or nothing. The parser's own message is dropped: it quotes the body, which may hold a token. */
export function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** In a message: what came instead of JSON. */
export function kindOfBody(reply: HttpReply): string {
  if (reply.body.trim() === '') return 'an empty body'
  if (/^\s*</.test(reply.body)) return 'an HTML or XML page'
  return 'text that is not JSON'
}
