import type { Agent, Dispatcher } from 'undici'
import type { ForwardExchange, Forwarder, Incoming, Outgoing } from '../../core/flows/index.ts'
import { Problem } from '../../core/problem.ts'
import { type AgentOptions, createAgents } from './agents.ts'

/** Carries messages over HTTP with undici, streaming in both directions. */
export function createForwarder(options: AgentOptions = {}): Forwarder {
  const agents = createAgents(options)

  return {
    forward(message, answer) {
      try {
        return start(agents.of(message.connection), message, answer)
      } catch (error) {
        answer.failed(unfit(error as NodeJS.ErrnoException))
        return { resume() {}, abort() {} }
      }
    },
    close: () => agents.close(),
  }
}

/** OpenSSL refuses what it finds too weak: keys of authorities in a chain, signatures with SHA-1. */
const unfit = ({ code, message }: NodeJS.ErrnoException): Problem =>
  new Problem('receiver_failed', 'the receiver cannot be called', {
    reason: `the certificates for the connection cannot be used: ${code ?? message}`,
    hint: 'Look at the key pair of the flow, and at the certificates of the keystore: is a key or a signature weak?',
  })

function start(agent: Agent, message: Outgoing, answer: Incoming): ForwardExchange {
  let controller: Dispatcher.DispatchController | undefined
  let over = false

  // Refused here, because undici would leave a place of its pool taken by a request that it refuses itself.
  if (!isSendable(message)) {
    answer.failed(
      new Problem('receiver_failed', 'the message cannot be sent on', {
        reason: 'its path or a header has characters that HTTP does not allow',
      }),
    )
    return { resume() {}, abort() {} }
  }

  agent.dispatch(
    {
      origin: message.origin,
      path: message.path,
      method: message.method as Dispatcher.HttpMethod,
      headers: message.headers as string[],
      body: message.body ?? null,
      headersTimeout: message.timeoutMs,
      bodyTimeout: message.timeoutMs,
    },
    {
      onRequestStart(started) {
        controller = started
        if (over) started.abort(new Error('given up'))
      },
      onResponseStart(started, status, headers) {
        if (over || status < 200) return
        answer.head(status, flatten(started, headers))
      },
      onResponseData(started, chunk) {
        if (!over && !answer.data(chunk)) started.pause()
      },
      onResponseEnd() {
        if (over) return
        over = true
        answer.end()
      },
      onResponseError(_, error) {
        if (over) return
        over = true
        answer.failed(asProblem(error, message))
      },
    },
  )
  return {
    resume: () => controller?.resume(),
    abort() {
      over = true
      controller?.abort(new Error('given up'))
    },
  }
}

function flatten(
  controller: Dispatcher.DispatchController,
  headers: Record<string, string | string[] | undefined>,
) {
  const raw = (controller as { rawHeaders?: readonly (Buffer | string)[] }).rawHeaders
  if (raw) return raw.map(part => (typeof part === 'string' ? part : part.toString('latin1')))
  return Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().flatMap(one => [name, one]))
}

/** What went wrong on the way to the receiver, in words for the sender. */
function asProblem(error: NodeJS.ErrnoException, { origin, timeoutMs, outOfDate }: Outgoing): Problem {
  const code = error.code ?? ''
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new Problem('receiver_timeout', 'the receiver did not answer in time', {
      reason: `${origin} was silent for ${timeoutMs / 1000} s`,
      hint: 'See why the receiver is slow, or raise receiver.timeoutSeconds in the flow.',
    })
  if (error.syscall === 'connect' || notConnected.test(code))
    return unreachable(`${origin}: ${error.message || code}`)
  const because = outOfDate === undefined ? '' : `; ${outOfDate}`
  if (/CERT|SSL|TLS|ALTNAME|ISSUER|VERIFY/.test(code))
    return unreachable(`${origin}: TLS failed: ${error.message}${because}`)
  return new Problem('receiver_failed', 'the receiver broke off', {
    reason: `${origin}: ${error.message || code}${because}`,
    hint: 'See the log of the receiver.',
  })
}

/** Nothing of the message was sent: it may be sent again. A connection that broke later says nothing of the kind. */
const notConnected = /^(UND_ERR_CONNECT_TIMEOUT$|ECONNREFUSED$|ENOTFOUND$|EAI_|EHOST|ENET|ELINKLOCAL$)/

function unreachable(reason: string): Problem {
  return new Problem('receiver_unreachable', 'the receiver cannot be reached', {
    reason,
    hint: 'Is the receiver running, and is receiver.url in the flow right?',
  })
}

const pathForm = /^\/[\x21-\xff]*$/
const nameForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const valueForm = /^[\t\x20-\x7e\x80-\xff]*$/

/** May path and headers stand in a request as they are (RFC 9110 section 5, RFC 9112 section 3.2)? */
function isSendable({ path, headers }: Outgoing): boolean {
  if (!pathForm.test(path)) return false
  for (let i = 0; i < headers.length; i += 2)
    if (!nameForm.test(headers[i]!) || !valueForm.test(headers[i + 1]!)) return false
  return true
}
