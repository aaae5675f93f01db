import type { ServerResponse } from 'node:http'
import { identify } from '../../core/admission/index.ts'
import { type Authenticated, authenticateClient, type Client } from '../../core/clients/index.ts'
import {
  type ParameterRules,
  type Parameters,
  readParameters,
  tokenRequestRules,
} from '../../core/parameters.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Tenant } from '../../core/tenant.ts'
import {
  type Issued,
  instanceDialects,
  introspect,
  issueToken,
  metadata,
  revokeToken,
  tokenRequestChecks,
} from '../../core/tokens/index.ts'
import { answerJson, answerProblem, type FlatHeaders } from './answer.ts'
import { readBody } from './body.ts'
import { faceOf, faces } from './dialects/index.ts'
import { observeRefusal } from './observe.ts'
import { oauthProblem } from './problems.ts'
import type { EnvelopedRequest } from './request.ts'
import type { Services } from './services.ts'
import {
  type Address,
  type Endpoint,
  type Exchange,
  guarded,
  open,
  type PathWords,
  type TokenServerParts,
} from './token-endpoint.ts'
import { unexpected } from './unexpected.ts'

/** Larger bodies are refused: no request of this protocol needs more. */
const mostBody = 64 * 1024

/** What clients of more than one dialect use. Before the client is known, the standard is spoken there. */
const shared = { dialects: instanceDialects, problem: oauthProblem }

/** An endpoint, with the words of the path that vary. */
interface FoundEndpoint {
  readonly endpoint: Endpoint
  readonly words: PathWords
}

const noParameters = new Map<string, string>()

/** The token server (RFC 6749, 7009, 7662, 8414), on node:http: a token is what most requests ask for. */
export function createTokenServer(services: Services) {
  const { context, journal, meter, addresses } = services

  const tellMetadata = open({
    ...shared,
    answer: async ({ request }) => metadata(request.envelope.tenant, addresses),
  })
  const endpoints = new Map<string, Endpoint>(
    Object.entries({
      '/oauth/token': guarded('token', {
        ...shared,
        checks: tokenRequestChecks,
        rules: tokenRequestRules,
        answer: answerToken,
      }),
      '/oauth/introspect': guarded('introspect', { ...shared, answer: tellIntrospection }),
      '/oauth/revoke': guarded('revoke', { ...shared, answer: answerRevocation }),
      '/.well-known/oauth-authorization-server': tellMetadata,
      '/.well-known/openid-configuration': tellMetadata,
    }),
  )
  const others: Address[] = [{ match: tenantOfMetadata, endpoint: tellMetadata }]
  for (const face of faces)
    for (const address of face.addresses({
      services,
      authenticate,
      whoAsks,
      handOut,
      recordIssued,
      tellIntrospection,
    }))
      if (address.path === undefined) others.push(address)
      else endpoints.set(address.path, address.endpoint)

  /** What is at a path of the token server; undefined: the path is somebody else's. */
  function find(path: string): FoundEndpoint | undefined {
    const endpoint = endpoints.get(path)
    if (endpoint) return { endpoint, words: noWords }
    for (const { match, endpoint } of others) {
      const words = match(path)
      if (words) return { endpoint, words }
    }
    return undefined
  }

  async function answerToken(exchange: Exchange) {
    const authenticated = await authenticate(exchange)
    return isProblem(authenticated) ? authenticated : handOut(exchange, authenticated)
  }

  async function handOut(exchange: Exchange, authenticated: Authenticated): Promise<object | Problem> {
    const { tenant, certificate } = exchange.request.envelope
    const { client, method } = authenticated
    const receiving = { tenant, certificate, method }
    const issued = await issueToken(exchange.parameters, client, receiving, services)
    return recordIssued(exchange, authenticated, issued)
  }

  function recordIssued(
    { request }: Exchange,
    { client, method }: Authenticated,
    issued: Issued | Problem,
  ): object | Problem {
    const { clientId, credentialId } = client
    if (isProblem(issued)) return issued.with({ subject: { clientId, credentialId } })
    const { tenant, source, correlationId } = request.envelope
    journal.used(credentialId, context.now())
    meter.tokenIssued(tenant.name, issued.format)
    context.log.info(
      { correlationId, tenant: tenant.name, clientId, method, jti: issued.tokenId, source },
      'token issued',
    )
    return issued.response
  }

  async function tellIntrospection(exchange: Exchange) {
    const asker = await whoAsks(exchange)
    if (isProblem(asker)) return asker
    const text = theToken(exchange.parameters)
    return isProblem(text) ? text : introspect(text, asker, exchange.request.envelope.tenant, services)
  }

  async function answerRevocation(exchange: Exchange) {
    const authenticated = await authenticate(exchange)
    if (isProblem(authenticated)) return authenticated
    const text = theToken(exchange.parameters)
    if (isProblem(text)) return text
    const { tenant, correlationId } = exchange.request.envelope
    const { client } = authenticated
    const outcome = await revokeToken(text, client, tenant, services)
    context.log.info({ correlationId, clientId: client.clientId }, `token revocation: ${outcome}`)
    return {}
  }

  async function authenticate(exchange: Exchange): ReturnType<TokenServerParts['authenticate']> {
    const { envelope, headers } = exchange.request
    const origin = { tenant: envelope.tenant, source: envelope.source }
    const { authorization } = headers
    const { certificate } = envelope
    const { parameters } = exchange
    const found = await authenticateClient({ authorization, parameters, certificate }, origin, services)
    return isProblem(found) ? found : (notServed(exchange, found.client) ?? found)
  }

  /** A client by its credential, or a resource server by a token of its own (RFC 7662 section 2.1). */
  async function whoAsks(exchange: Exchange): ReturnType<TokenServerParts['whoAsks']> {
    const { authorization } = exchange.request.headers
    if (!authorization || !/^Bearer /i.test(authorization)) {
      const authenticated = await authenticate(exchange)
      if (isProblem(authenticated)) return authenticated
      const { client } = authenticated
      return { client, roles: client.roles, byToken: false }
    }
    const second = ['client_secret', 'client_assertion'].find(name => exchange.parameters.has(name))
    if (second !== undefined)
      return new Problem('invalid_request', 'more than one credential', {
        check: 'client authentication method',
        reason: `both an access token and ${second} were sent`,
      })
    const { tenant, source, certificate } = exchange.request.envelope
    const caller = await identify({ tenant, authorization, source, certificate }, services, ['Bearer'])
    if (isProblem(caller)) return caller
    const { client, roles } = caller
    return notServed(exchange, client) ?? { client, roles, byToken: true }
  }

  async function run(exchange: Exchange): Promise<object | Problem> {
    const { endpoint, request } = exchange
    const { methods } = endpoint
    const method = request.method!
    if (!methods.includes(method) && !(method === 'HEAD' && methods.includes('GET')))
      return new Problem('method_not_allowed', `${methods.join(', ')} only`, {
        check: 'request form',
        value: method,
      })
    const body = method === 'POST' ? await readBody(request, mostBody) : ''
    if (isProblem(body)) return body
    const parameters = readForm(body, request, endpoint.rules)
    if (isProblem(parameters)) return parameters
    exchange.parameters = parameters
    return endpoint.answer(exchange)
  }

  function refuse(problem: Problem, exchange: Exchange, response: ServerResponse): void {
    const { endpoint, request, client } = exchange
    const render = client ? faceOf(client).problem : endpoint.problem
    const rendered = render(problem, request.envelope, request.envelope.tenant.name)
    observeRefusal(problem, rendered.status, request, endpoint.surface, services)
    const headers =
      problem.code === 'method_not_allowed'
        ? { ...rendered.headers, Allow: endpoint.methods.join(', ') }
        : rendered.headers
    const echoed = endpoint.echo?.(exchange)
    if (!request.complete) response.shouldKeepAlive = false
    answerProblem(response, { ...rendered, headers: echoed ? { ...headers, ...echoed } : headers })
  }

  return {
    find,

    async handle(
      { endpoint, words }: FoundEndpoint,
      request: EnvelopedRequest,
      response: ServerResponse,
    ): Promise<void> {
      const { envelope } = request
      const exchange = { endpoint, request, id: words.id, parameters: noParameters, client: undefined }
      if (words.tenant !== undefined) {
        const tenant = services.tenants.byName(words.tenant)
        if (!tenant) return refuse(noIssuer, exchange, response)
        ;(envelope as { tenant: Tenant }).tenant = tenant
      }
      try {
        const result = await run(exchange)
        if (isProblem(result)) refuse(result, exchange, response)
        else answerJson(response, 200, headersOf(exchange), result)
      } catch (error) {
        refuse(unexpected(error, services), exchange, response)
      }
    },
  }
}

const noWords: PathWords = {}

function headersOf(exchange: Exchange): FlatHeaders {
  const { headers, echo } = exchange.endpoint
  return echo ? [...headers, ...Object.entries(echo(exchange)).flat()] : headers
}

/** RFC 8414 section 3.1: the well-known part goes before the path of the issuer. */
function tenantOfMetadata(path: string): PathWords | undefined {
  if (!path.startsWith('/.well-known/')) return undefined
  const tenant =
    /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)\/tenants\/([^/]+)$/.exec(path)?.[1]
  return tenant === undefined ? undefined : { tenant }
}

/** From here on the client is known; unless the address is not for its dialect, where it is a stranger like any other. */
function notServed(exchange: Exchange, client: Client): Problem | undefined {
  const { dialects } = exchange.endpoint
  if (dialects.includes(client.dialect)) {
    exchange.client = client
    return undefined
  }
  return new Problem('invalid_client', 'client authentication failed', {
    check: 'client authentication method',
    reason: `this address serves clients of dialect ${dialects.join(' or ')}, and the client is of ${client.dialect}`,
    hint: 'Compare the address with the tokenurl of the service key.',
    subject: { clientId: client.clientId, credentialId: client.credentialId },
  })
}

const noIssuer = new Problem('not_found', 'there is no such issuer', { check: 'request form' })

/** RFC 6749 appendix B: a body, if there is one, is form-encoded, in UTF-8. */
function readForm(
  body: string,
  { headers, envelope }: EnvelopedRequest,
  rules: ParameterRules,
): Parameters | Problem {
  const type = headers['content-type']
  if (body !== '' && !(type && /^application\/x-www-form-urlencoded *(;|$)/i.test(type)))
    return new Problem('invalid_request', 'the body must be application/x-www-form-urlencoded', {
      check: 'request form',
      reason: `Content-Type is ${JSON.stringify(type ?? null).slice(0, 100)}`,
    })
  return readParameters(body, envelope.query, rules)
}

function theToken(parameters: Parameters): string | Problem {
  return (
    parameters.get('token') ??
    new Problem('invalid_request', 'token is missing', { check: 'token parameter' })
  )
}
