import { type Fetch, type HttpRequest, largestReply } from './http.ts'

const timeoutMs = 5_000
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

export interface JsonReply {
  readonly json: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Why no JSON object came; the message is for operators. `status` is set when a whole answer came. */
export class FetchError extends Error {
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

export type FetchJson = (url: URL, request?: Partial<Omit<HttpRequest, 'signal'>>) => Promise<JsonReply>

/** Fetches JSON objects: status 200 only, at most 256 KiB, within 5 s. Rejects with FetchError. */
export function createFetchJson(fetch: Fetch, timeout = timeoutMs): FetchJson {
  return async (url, { method = 'GET', headers = {}, body } = {}) => {
    const {
      status,
      headers: replyHeaders,
      body: text,
    } = await withinTime(timeout, url, signal =>
      fetch(url, {
        method,
        headers: { accept: 'application/json', ...headers },
        ...(body !== undefined && { body }),
        signal,
      }),
    )
    if (status !== 200) throw new FetchError(`${shown(url)} answered ${status}`, status)
    const json = text.length <= largestReply ? parseObject(text) : undefined
    if (!json) throw new FetchError(`${shown(url)} answered something else than a JSON object`, status)
    return { json, headers: replyHeaders }
  }
}

/** Ends an exchange that takes too long, also where an injected Fetch does not heed the signal. */
async function withinTime<T>(
  ms: number,
  url: URL,
  exchange: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const tooLong = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    tooLong.reject(new FetchError(`${shown(url)} gave no whole answer within ${ms} ms`))
    controller.abort()
  }, ms)
  try {
    return await Promise.race([tooLong.promise, exchange(controller.signal)])
  } catch (error) {
    if (error instanceof FetchError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new FetchError(`${shown(url)} cannot be reached: ${code ?? message}`)
  } finally {
    clearTimeout(timer)
  }
}

/**
 * An address to fetch from: https, or http on this machine where `httpOnLoopback` allows it; no user name or
 * password, no fragment. Throws TypeError.
 */
export function parseUrl(value: unknown, name: string, httpOnLoopback = true): URL {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw new TypeError(`${name} must be a whole address`)
  const url = new URL(value)
  const safe = url.protocol === 'https:' || (httpOnLoopback && isHttpOnLoopback(url))
  if (!safe) throw new TypeError(`${name} must be an https address`)
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw new TypeError(`${name} must not have a user name, a password or a fragment`)
  return url
}

export function isHttpOnLoopback(url: URL): boolean {
  return url.protocol === 'http:' && loopback.test(url.hostname)
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}
