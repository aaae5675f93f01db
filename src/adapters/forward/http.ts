import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import type { ConnectionSettings } from '../../core/calls.ts'
import type { ForwardExchange, Forwarder, Incoming, Outgoing } from '../../core/flows/index.ts'
import { isLinkLocal } from '../../core/network.ts'
import { Problem } from '../../core/problem.ts'

export interface ForwarderOptions {
  readonly connectionsPerReceiver?: number
  readonly connectTimeoutMs?: number
}

/** Carries messages over HTTP with undici, streaming in both directions. */
export function createForwarder(options: ForwarderOptions = {}): Forwarder {
  const { connectionsPerReceiver = 64, connectTimeoutMs = 5000 } = options
  const newAgent = (secureContext?: SecureContext) =>
    new Agent({
      connections: connectionsPerReceiver,
      connect: connectorWithoutLinkLocal(connectTimeoutMs, secureContext),
      keepAliveTimeout: 30_000,
    })
  const usual = newAgent()
  /** The connections of other settings, the least recently used first. */
  const others = new Map<string, Agent>()

  function agentFor(settings: ConnectionSettings | undefined): Agent {
    if (!settings) return usual
    const agent = others.get(settings.id) ?? newAgent(secureContextOf(settings))
    others.delete(settings.id)
    others.set(settings.id, agent)
    const [oldest] = others
    if (oldest && others.size > mostSettings) {
      others.delete(oldest[0])
      // What is under way on its connections is finished.
      oldest[1].close().catch(() => {})
    }
    return agent
  }

  return {
    forward(message, answer) {
      try {
        return start(agentFor(message.connection), message, answer)
      } catch (error) {
        answer.failed(unfit(error as NodeJS.ErrnoException))
        return { resume() {}, abort() {} }
      }
    },
    async close() {
      await Promise.all([usual, ...others.values()].map(agent => agent.close()))
    },
  }
}

const mostSettings = 200

/** OpenSSL refuses what it finds too weak: keys of authorities in a chain, signatures with SHA-1. */
const unfit = ({ code, message }: NodeJS.ErrnoException): Problem =>
  new Problem('receiver_failed', 'the receiver cannot be called', {
    reason: `the certificates for the connection cannot be used: ${code ?? message}`,
    hint: 'Look at the key pair of the flow, and at the certificates of the keystore: is a key or a signature weak?',
  })

/** Made once for its settings: the roots of this computer are many. */
function secureContextOf({ ca, certificate }: ConnectionSettings): SecureContext {
  return createSecureContext({
    ...(ca.length > 0 && { ca: [...getCACertificates('default'), ...ca] }),
    ...certificate,
  })
}

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
function asProblem(error: NodeJS.ErrnoException, { origin, timeoutMs }: Outgoing): Problem {
  const code = error.code ?? ''
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new Problem('receiver_timeout', 'the receiver did not answer in time', {
      reason: `${origin} was silent for ${timeoutMs / 1000} s`,
      hint: 'See why the receiver is slow, or raise receiver.timeoutSeconds in the flow.',
    })
  if (error.syscall === 'connect' || notConnected.test(code))
    return unreachable(`${origin}: ${error.message || code}`)
  if (/CERT|SSL|TLS|ALTNAME|ISSUER|VERIFY/.test(code))
    return unreachable(`${origin}: TLS failed: ${error.message}`)
  return new Problem('receiver_failed', 'the receiver broke off', {
    reason: `${origin}: ${error.message || code}`,
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

/** Makes connections to anything but link-local addresses, whether they are written down or resolved. */
function connectorWithoutLinkLocal(
  timeout: number,
  secureContext: SecureContext | undefined,
): buildConnector.connector {
  const connect = buildConnector({
    timeout,
    lookup: lookupWithoutLinkLocal(lookup),
    ...(secureContext && { secureContext }),
  })
  return (options, callback) => {
    // A name is looked up by the connector, an address is not.
    if (!isLinkLocal(options.hostname)) return connect(options, callback)
    callback(linkLocal(`${options.hostname} is a link-local address, which is never called`), null)
  }
}

function linkLocal(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: 'ELINKLOCAL' })
}

type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

/** Name resolution that gives no link-local address, whatever the name server says. */
export const lookupWithoutLinkLocal =
  (resolver: Resolver): LookupFunction =>
  (hostname, options, callback) => {
    resolver(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0)
      const usable = found.filter(({ address }) => !isLinkLocal(address))
      const [first] = usable
      if (!first) return callback(linkLocal(`${hostname} has link-local addresses only`), '', 0)
      if (options.all) callback(null, usable)
      else callback(null, first.address, first.family)
    })
  }
