import { type Agent, type Dispatcher, errors } from 'undici'
import {
  NoAnswer,
  type SystemAnswer,
  type SystemHttp,
  type SystemRequest,
} from '../../core/provisioning/index.ts'
import { createAgents } from './agents.ts'

/** A page of a thousand users with everything that is known of them is smaller. */
const largestAnswer = 32 * 1024 * 1024

/** Calls systems that identities are read from and written to: over HTTP with undici, on connections that are kept. */
export function createSystemHttp(): { call: SystemHttp; close(): Promise<void> } {
  const agents = createAgents({ connectTimeoutMs: 10_000 })

  async function call(request: SystemRequest): Promise<SystemAnswer> {
    try {
      return await exchange(agents.of(request.connection), request)
    } catch (error) {
      throw error instanceof NoAnswer ? error : noAnswer(error as NodeJS.ErrnoException, request)
    }
  }
  return { call, close: () => agents.close() }
}

/** Gathers the answer as it comes: `request` of undici makes a stream of it, which costs a third of a small call. */
function exchange(agent: Agent, request: SystemRequest): Promise<SystemAnswer> {
  const { url, method, headers, body, timeoutMs, signal } = request
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let size = 0
    let head: Pick<SystemAnswer, 'status' | 'headers'> | undefined
    let stop: (() => void) | undefined
    // Those of undici begin anew with each part that comes.
    let late: NodeJS.Timeout | undefined
    const settled = () => {
      clearTimeout(late)
      if (stop) signal?.removeEventListener('abort', stop)
    }
    agent.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: method as Dispatcher.HttpMethod,
        headers,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        body: body ?? null,
      },
      {
        onRequestStart(controller) {
          // Again for a connection after the first.
          settled()
          late = setTimeout(() => controller.abort(tooLate()), timeoutMs)
          if (!signal) return
          stop = () => controller.abort(new Error('stopped'))
          if (signal.aborted) stop()
          else signal.addEventListener('abort', stop, { once: true })
        },
        onResponseStart(_, status, answered) {
          if (status >= 200) head = { status, headers: answered }
        },
        onResponseData(controller, chunk) {
          size += chunk.length
          parts.push(chunk)
          if (size > largestAnswer) controller.abort(tooLarge(url))
        },
        onResponseEnd() {
          settled()
          const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
          resolve({ ...head!, body: bytes.toString('utf8') })
        },
        onResponseError(_, error) {
          settled()
          reject(error)
        },
      },
    )
  })
}

const tooLate = () => Object.assign(new Error('no whole answer in time'), { name: 'TimeoutError' })

const tooLarge = (url: URL): NoAnswer =>
  new NoAnswer('too large', `${shown(url)} answered with more than ${largestAnswer / 2 ** 20} MB`)

/** Without the query: it may hold what was searched for. */
const shown = (url: URL): string => `${url.origin}${url.pathname}`

function noAnswer(error: NodeJS.ErrnoException, { url, timeoutMs, signal }: SystemRequest): NoAnswer {
  const { message } = error
  const code = error.code ?? ''
  if (signal?.aborted) return new NoAnswer('stopped', `the call of ${shown(url)} was stopped`)
  if (
    error.name === 'TimeoutError' ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError
  )
    return new NoAnswer(
      'timeout',
      `Timeout exception has occurred while processing entity for ${shown(url)}: no answer within ${timeoutMs / 1000} s`,
    )
  if (error.syscall === 'connect' || notConnected.test(code))
    return new NoAnswer('unreachable', `${shown(url)} cannot be reached: ${message || code}`)
  if (/CERT|SSL|TLS|ALTNAME|ISSUER|VERIFY/.test(code))
    return new NoAnswer('untrusted', `${shown(url)}: TLS failed: ${message} (${code})`)
  return new NoAnswer('broken', `${shown(url)} broke off: ${message || code}`)
}

/** Nothing was sent. */
const notConnected = /^(UND_ERR_CONNECT_TIMEOUT$|ECONNREFUSED$|ENOTFOUND$|EAI_|EHOST|ENET|ELINKLOCAL$)/
