import { parseRetryAfter } from '../../client/retry.ts'
import { Stopped, SystemFailure } from './failure.ts'
import { NoAnswer, type SystemAnswer } from './http.ts'
import { createProof } from './proof.ts'
import type { OpenedSystem } from './systems/opened.ts'
import { headerPrefix } from './types/common.ts'
import { numeric } from './types/property.ts'
import type { ConnectorDependencies } from './types/type.ts'

/** A call of a system, relative to its URL. */
export interface SystemCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Such as `/Users`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses, beside those of success, that are an answer and no failure. */
  readonly expect?: readonly number[]
}

/** Calls of one system, with its credentials and its properties. */
export interface SystemCalls {
  /** Once. Throws SystemFailure. */
  once(call: SystemCall): Promise<SystemAnswer>
  /** As often as the properties `ips.failed.request.retry...` say; `earlier`: how the try before failed. */
  retrying<Result>(work: (earlier: SystemFailure | undefined) => Promise<Result>): Promise<Result>
  /** Gets a token where one is needed; returns where from, for people. Throws SystemFailure. */
  checkToken(): Promise<string | undefined>
  close(): void
}

const second = 1000
/** However long a system asks to be left alone. */
const longestWaitMs = 60 * second

export function createSystemCalls(system: OpenedSystem, deps: ConnectorDependencies): SystemCalls {
  const { properties, credentials, name } = system
  const { http, signal, context } = deps
  const proof = createProof(system, deps)
  const base = new URL(properties.URL ?? '')
  const timeoutMs = numeric(properties, 'ips.timeout', 60) * second
  const tries = 1 + numeric(properties, 'ips.failed.request.retry.attempts', 2)
  const intervalMs = numeric(properties, 'ips.failed.request.retry.attempts.interval', 30) * second
  const ownHeaders = Object.fromEntries(
    Object.entries(credentials)
      .filter(([property]) => property.startsWith(headerPrefix))
      .map(([property, value]) => [property.slice(headerPrefix.length).toLowerCase(), value]),
  )

  async function send(call: SystemCall): Promise<SystemAnswer> {
    const authorization = await proof.authorization()
    const url = addressOf(base, call)
    const answer = await http({
      method: call.method,
      url,
      headers: {
        accept: 'application/scim+json, application/json',
        ...ownHeaders,
        ...call.headers,
        ...(authorization !== undefined && { authorization }),
      },
      body: call.body,
      connection: await proof.connection(),
      timeoutMs,
      // What was begun in a system is waited for, so that it is known how it ended.
      ...(call.method === 'GET' && { signal }),
    })
    if (answer.status === 401 && authorization !== undefined && proof.rejected(authorization))
      return { ...answer, status: rejectedToken }
    return answer
  }

  async function once(call: SystemCall): Promise<SystemAnswer> {
    if (signal.aborted) throw new Stopped('stopped')
    try {
      let answer = await send(call)
      // A token that was good when it was got may be refused: once, with a new one.
      if (answer.status === rejectedToken) answer = await send(call)
      if (answer.status === rejectedToken) answer = { ...answer, status: 401 }
      if (isExpected(answer.status, call.expect)) return answer
      throw refused(name, addressOf(base, call), answer, context.now())
    } catch (error) {
      if (error instanceof NoAnswer) throw unanswered(name, error)
      throw error
    }
  }

  return {
    once,
    async retrying(work) {
      let earlier: SystemFailure | undefined
      for (let count = 1; ; count++) {
        try {
          return await work(earlier)
        } catch (error) {
          if (!(error instanceof SystemFailure) || !error.passing || count >= tries) throw error
          earlier = error
        }
        const waitMs = Math.min(earlier.retryAfterMs ?? intervalMs, longestWaitMs)
        await deps.wait(waitMs, signal).catch(error => {
          throw signal.aborted ? new Stopped('stopped') : error
        })
      }
    },
    async checkToken() {
      const from = properties.OAuth2TokenServiceURL
      if (from === undefined || properties.Authentication === 'NoAuthentication') return undefined
      await proof.authorization()
      return `${from} gave a token`
    },
    close: () => proof.close(),
  }
}

/** Inside this file only: the token was refused, and another try may bring another. */
const rejectedToken = -1

function addressOf(base: URL, { path, query }: SystemCall): URL {
  // Read once: a URL that is changed is read again with each change.
  const url = new URL(`${base.origin}${base.pathname.replace(/\/$/, '')}${path}${base.search}`)
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
  return url
}

const isExpected = (status: number, expect: readonly number[] = []): boolean =>
  (status >= 200 && status < 300) || expect.includes(status)

/** RFC 9110 sections 15.5.9, 15.6: it may work later. 500 is what servers say to what they will never take. */
const passing: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])
/** A gateway speaks: what stands behind it may have done what it was asked for. */
const unsure: ReadonlySet<number> = new Set([408, 500, 502, 504])

function refused(name: string, url: URL, answer: SystemAnswer, now: number): SystemFailure {
  const { status, headers } = answer
  const retryAfter = headers['retry-after']
  return new SystemFailure(
    `${name}: HTTP operation failed invoking ${url.origin}${url.pathname} with statusCode: ${status}${saidBy(answer)}${advice[status] ?? ''}`,
    {
      status,
      passing: passing.has(status),
      unsure: unsure.has(status),
      retryAfterMs: parseRetryAfter([retryAfter].flat()[0], now),
      fatal: status === 401 || status === 403 || (status >= 300 && status < 400),
    },
  )
}

const advice: Readonly<Record<number, string>> = {
  301: '. Redirects are not followed: put the final address into the property URL.',
  302: '. Redirects are not followed: put the final address into the property URL.',
  307: '. Redirects are not followed: put the final address into the property URL.',
  308: '. Redirects are not followed: put the final address into the property URL.',
  401: '. Look at the properties Authentication, User, Password, OAuth2TokenServiceURL and client_id, and at the certificate that was uploaded there.',
  403: '. The credentials are known there but may not do this: see the authorizations of the client.',
  404: '. Is the property URL right?',
}

const longestWords = 300

/** What the system said about it (RFC 7644 section 3.12, RFC 6749 section 5.2), or what it sent instead. */
function saidBy({ headers, body }: SystemAnswer): string {
  const type = String(headers['content-type'] ?? '')
  try {
    const said = JSON.parse(body)
    const words = said?.detail ?? said?.error_description ?? said?.message ?? said?.error
    if (typeof words === 'string' && words !== '') return ` - ${cut(words)}`
  } catch {
    if (/html/i.test(type) || /^\s*</.test(body))
      return ' - it answered with a page for people, not with JSON'
  }
  return ''
}

// Control characters would forge lines of logs.
const cut = (words: string): string => words.slice(0, longestWords).replace(/\p{C}/gu, ' ')

function unanswered(name: string, { kind, message }: NoAnswer): SystemFailure | Stopped {
  if (kind === 'stopped') return new Stopped(message)
  const help =
    kind === 'untrusted'
      ? '. See `countersign connectivity-test`, and `countersign keystore import` for the authority of its certificate.'
      : kind === 'unreachable'
        ? '. Is the property URL right, and is the system running?'
        : ''
  return new SystemFailure(`${name}: ${message}${help}`, {
    passing: kind === 'unreachable' || kind === 'timeout' || kind === 'broken',
    unsure: kind === 'timeout' || kind === 'broken',
    fatal: kind === 'untrusted',
  })
}
