import type { ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import type { CallCredentials } from '../../core/calls.ts'
import { newId } from '../../core/context.ts'
import {
  type Admitted,
  checkCsrf,
  type Exchange,
  type Flow,
  type FlowMatch,
  type ForwardExchange,
  fetchesCsrf,
  formatCsrfCookie,
  headersForSender,
  type Incoming,
  issueCsrf,
  modifies,
  parseCsrfCookie,
  senders,
} from '../../core/flows/index.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { after, type Soon } from '../../core/soon.ts'
import { defaultTenantName } from '../../core/tenant.ts'
import { answerProblem, commonHeaders } from './answer.ts'
import { observeRefusal, type Surface } from './observe.ts'
import { resourceProblem } from './problems.ts'
import { type EnvelopedRequest, envelopeOf, hangUpAfter } from './request.ts'
import type { Services } from './services.ts'
import { unexpected } from './unexpected.ts'

/** The flow's own checks stand in the middle, once it is found. */
const surfaceOf = (flow: Flow | undefined): Surface => ({
  name: 'flow',
  checks: request => [
    'no token in the query',
    'flow deployed',
    ...(flow?.authorization.checks({
      authorization: request.headers.authorization,
      certificate: envelopeOf(request).certificate,
    }) ?? []),
    'method',
    'CSRF token',
    'body size',
    'receiver',
  ],
})

/** A token in the query would stand in every log on the way (RFC 6750 section 5.3). */
const tokenInQuery = /(^|&)access_token=/

/**
 * The worker node: finds the flow, admits the caller, sends the message on and the answer back. Streams in both
 * directions; written on node:http, because this is the path that every message takes.
 */
export function createWorker(services: Services) {
  const { flows, forwarder, outbound, journal, meter, context, vault } = services

  /** Does this path belong to the worker node? */
  function serves(path: string): boolean {
    return senders.some(sender => path.startsWith(sender.prefix) && path[sender.prefix.length] === '/')
  }

  /** Answers one request; the value means nothing. */
  async function handle(request: EnvelopedRequest, response: ServerResponse): Promise<unknown> {
    let flow: Flow | undefined
    try {
      const found = findFlow(request)
      const match = found instanceof Promise ? await found : found
      if (isProblem(match)) return refuse(match, request, response)
      flow = match.flow
      const { tenant, source, certificate } = request.envelope
      const { authorization } = request.headers
      const asked = flow.authorization.admit({ tenant, authorization, source, certificate }, services)
      const caller = asked instanceof Promise ? await asked : asked
      if (isProblem(caller)) return refuse(caller, request, response, flow)
      if (caller.credentialUsed) journal.used(caller.credentialUsed, context.now())
      if (!flow.sender.methods.has(request.method!)) {
        response.setHeader('Allow', [...flow.sender.methods].join(', '))
        return refuse(notAllowed(request.method!, match, caller), request, response, flow)
      }
      if (flow.definition.sender.csrf) {
        const done = protectFromCsrf(request, response, caller, match)
        if (done) return
      }
      const tooLarge = declaredTooLarge(request, flow.maxBodyBytes)
      if (tooLarge) return refuse(tooLarge.with({ subject: caller.subject }), request, response, flow)
      send(request, response, caller, match)
    } catch (error) {
      refuse(unexpected(error, services), request, response, flow)
    }
  }

  function findFlow(request: EnvelopedRequest): Soon<FlowMatch | Problem> {
    const { path, query, tenant } = request.envelope
    if (tokenInQuery.test(query))
      return new Problem('invalid_request', 'a token must not be sent in the query', {
        check: 'no token in the query',
        hint: 'Send it in the Authorization header. It stands in logs by now: revoke it.',
      })
    const { prefix } = senders.find(sender => path.startsWith(sender.prefix))!
    return after(flows.find(tenant.id, prefix, path.slice(prefix.length)), match => match ?? noFlow(path))
  }

  /** The described CSRF protection; true when the request has been answered. */
  function protectFromCsrf(
    request: EnvelopedRequest,
    response: ServerResponse,
    caller: Admitted,
    { flow }: FlowMatch,
  ): boolean {
    const header = request.headers['x-csrf-token']
    const token = typeof header === 'string' ? header : undefined
    const session = parseCsrfCookie(request.headers.cookie)
    const binding = {
      key: vault.csrf,
      callerId: caller.id,
      flowId: flow.definition.id,
      now: context.now(),
    }
    if (fetchesCsrf(request.method!, token)) {
      const fresh = session ?? newId(context)
      const { tenant } = request.envelope
      const path =
        tenant.name === defaultTenantName
          ? flow.sender.prefix
          : `/tenants/${tenant.name}${flow.sender.prefix}`
      response.writeHead(200, [
        ...commonHeaders(response),
        'X-CSRF-Token',
        issueCsrf({ ...binding, session: fresh }),
        'Set-Cookie',
        formatCsrfCookie(fresh, path),
        'Cache-Control',
        'no-store',
        'Content-Length',
        '0',
      ])
      response.end()
      return true
    }
    const refused = modifies(request.method!) ? checkCsrf({ ...binding, session, token }) : undefined
    if (!refused) return false
    response.setHeader('X-CSRF-Token', 'Required')
    refuse(refused.with({ check: 'CSRF token', subject: caller.subject }), request, response, flow)
    return true
  }

  function send(
    request: EnvelopedRequest,
    response: ServerResponse,
    caller: Admitted,
    match: FlowMatch,
  ): void {
    const { flow } = match
    const { envelope } = request
    const messageId = newId(context)
    const { path, query, headers } = flow.steps(exchangeOf(request, match))
    const outgoing = [
      ...headers,
      'SapAuthenticatedUserName',
      caller.name,
      'SAP_MessageProcessingLogID',
      messageId,
      'X-Correlation-Id',
      envelope.correlationId,
    ]
    const length = request.headers['content-length']
    if (length !== undefined) outgoing.push('content-length', length)
    const body = hasBody(request) ? limited(request, flow.maxBodyBytes) : undefined

    let receiverStatus: number | undefined
    let exchange: ForwardExchange | undefined
    let over = false

    const finish = (httpStatus: number, error: string | undefined) => {
      over = true
      const endedAt = context.now()
      journal.message({
        id: messageId,
        tenantId: flow.tenantId,
        flowId: flow.definition.id,
        correlationId: envelope.correlationId,
        callerCorrelationId: envelope.callerCorrelationId,
        status: error === undefined && httpStatus < 400 ? 'COMPLETED' : 'FAILED',
        httpStatus,
        receiverStatus,
        sender: caller.name,
        method: request.method!,
        startedAt: envelope.receivedAt,
        endedAt,
        error,
      })
      meter.message(
        envelope.tenant.name,
        flow.definition.id,
        httpStatus,
        (endedAt - envelope.receivedAt) / 1000,
      )
      const line = {
        correlationId: envelope.correlationId,
        flow: flow.definition.id,
        status: httpStatus,
        messageId,
      }
      // The message log has them all; on stdout only what needs a look.
      if (error === undefined) context.log.debug(line, 'message')
      else context.log.info({ ...line, error }, 'message failed')
    }
    const fail = (problem: Problem) => {
      if (over) return
      // A receiver that breaks off in the middle of its answer: the sender has its status already.
      const begun = response.headersSent
      if (!begun) response.setHeader('SAP_MessageProcessingLogID', messageId)
      const status = refuse(
        problem.with({ check: problem.check ?? 'receiver', subject: caller.subject }),
        request,
        response,
        flow,
      )
      finish(begun ? response.statusCode : status, problem.reason)
    }

    response.once('close', () => {
      if (over) return
      exchange?.abort()
      finish(response.statusCode, 'the sender went away before the answer was complete')
    })
    if (body && body !== request)
      body.once('error', () => {
        fail(tooLarge(flow.maxBodyBytes))
        exchange?.abort()
      })

    const { credential } = flow.definition.receiver
    const go = ({ authorization, connection, rejected, outOfDate }: CallCredentials) => {
      if (over) return
      if (authorization !== undefined) outgoing.push('Authorization', authorization)
      exchange = forwarder.forward(
        {
          origin: flow.receiver.origin,
          method: request.method!,
          path: query ? `${path}?${query}` : path,
          headers: outgoing,
          body,
          timeoutMs: flow.receiver.timeoutMs,
          connection,
          outOfDate,
        },
        answer(rejected, outOfDate),
      )
    }
    const answer = (rejected: CallCredentials['rejected'], outOfDate: string | undefined): Incoming => ({
      head(status, received) {
        if (over) return
        receiverStatus = status
        if (status === 401) rejected?.()
        const refused = answerOfReceiver(status, outOfDate)
        if (refused) {
          fail(refused)
          exchange?.abort()
          return
        }
        response.writeHead(status, [
          ...commonHeaders(response),
          ...headersForSender(received),
          'SAP_MessageProcessingLogID',
          messageId,
        ])
      },
      data(chunk) {
        if (over || response.write(chunk)) return true
        response.once('drain', () => exchange?.resume())
        return false
      },
      end() {
        if (over) return
        finish(
          response.statusCode,
          response.statusCode < 400 ? undefined : answered(receiverStatus!, outOfDate),
        )
        response.end()
      },
      failed: fail,
    })
    const carried = outbound.of(flow.tenantId, credential)
    const goOn = (found: CallCredentials | Problem) => (isProblem(found) ? fail(found) : go(found))
    if (carried instanceof Promise) carried.then(goOn).catch(error => fail(unexpected(error, services)))
    else goOn(carried)
  }

  function refuse(
    problem: Problem,
    request: EnvelopedRequest,
    response: ServerResponse,
    flow?: Flow,
  ): number {
    const rendered = resourceProblem(problem, request.envelope, request.envelope.tenant.name)
    observeRefusal(problem, rendered.status, request, surfaceOf(flow), services)
    discardBody(request, response)
    answerProblem(response, rendered)
    return rendered.status
  }

  return { serves, handle }
}

function exchangeOf(request: EnvelopedRequest, { flow, rest }: FlowMatch): Exchange {
  const { receiver, sender, allowedHeaders } = flow
  const { query } = request.envelope
  return {
    method: request.method!,
    headers: sender.headers(request.rawHeaders, allowedHeaders),
    path: rest ? `${receiver.path.replace(/\/$/, '')}/${rest}` : receiver.path,
    query: receiver.query && query ? `${receiver.query}&${query}` : receiver.query || query,
  }
}

/** What has not been read of the body must not be taken for the next request: a small rest is read, else we hang up. */
function discardBody(request: EnvelopedRequest, response: ServerResponse): void {
  if (request.complete) return
  const length = request.headers['content-length']
  if (length === undefined || Number(length) > smallBody) hangUpAfter(response)
  request.unpipe().resume()
}

const smallBody = 64 * 1024

const hasBody = ({ headers }: EnvelopedRequest) =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')

/** A body of unknown length is counted on its way. */
function limited(request: EnvelopedRequest, most: number): EnvelopedRequest | Transform {
  if (request.headers['content-length'] !== undefined) return request
  let seen = 0
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen > most) done(new Error('too large'))
      else done(null, chunk)
    },
  })
  return request.pipe(counter)
}

function declaredTooLarge(request: EnvelopedRequest, most: number): Problem | undefined {
  const length = Number(request.headers['content-length'] ?? 0)
  return length > most ? tooLarge(most) : undefined
}

function tooLarge(most: number): Problem {
  return new Problem('payload_too_large', 'the message is too large', {
    check: 'body size',
    reason: `the message is larger than ${most / 1024 / 1024} MB`,
    hint: 'Raise sender.maxBodyMB of the flow, or let the sender split the message.',
  })
}

/**
 * Answers of the receiver that are not the sender's to see: a 5xx, and refusals that are about our own
 * credentials there. Everything else goes back as it is.
 */
function answerOfReceiver(status: number, outOfDate: string | undefined): Problem | undefined {
  if (status < 500 && status !== 401 && status !== 403 && status !== 407) return undefined
  return new Problem('receiver_failed', 'the receiver failed', {
    check: 'receiver',
    reason: answered(status, status < 500 ? outOfDate : undefined),
    hint:
      status < 500
        ? 'The receiver does not let Countersign in: see receiver.credential of the flow.'
        : 'See the log of the receiver.',
  })
}

const answered = (status: number, outOfDate: string | undefined): string =>
  [`the receiver answered ${status}`, outOfDate].filter(Boolean).join('; ')

function noFlow(path: string): Problem {
  return new Problem('not_found', 'there is no such address', {
    check: 'flow deployed',
    reason: `no flow is deployed at ${path.slice(0, 200)}`,
    hint: 'See the addresses in `countersign flow list`.',
  })
}

function notAllowed(method: string, { flow }: FlowMatch, caller: Admitted): Problem {
  return new Problem('method_not_allowed', 'this method is not allowed here', {
    check: 'method',
    reason: `flow ${flow.definition.id} takes no ${method} requests`,
    hint: `Let the sender use one of ${[...flow.sender.methods].join(', ')}.`,
    subject: caller.subject,
  })
}
