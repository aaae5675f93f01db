import type { ServerResponse } from 'node:http'
import { identify } from '../../core/admission/index.ts'
import { authenticateClient, type Client } from '../../core/clients/index.ts'
import {
  bodyOnlyRules,
  type ParameterRules,
  type Parameters,
  readParameters,
  tokenRequestRules,
} from '../../core/parameters.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Tenant } from '../../core/tenant.ts'
import {
  type Asker,
  introspect,
  issueToken,
  keySetMaxAgeMs,
  metadata,
  revokeToken,
  tokenRequestChecks,
} from '../../core/tokens/index.ts'
import { answerJson, answerProblem, type FlatHeaders } from './answer.ts'
import { readBody } from './body.ts'
import { observeRefusal, type Surface } from './observe.ts'
import { oauthProblem } from './problems.ts'
import { type EnvelopedRequest, envelopeOf } from './request.ts'
import type { Services } from './services.ts'
import { unexpected } from './unexpected.ts'

/** Larger bodies are refused: no request of this protocol needs more. */
const mostBody = 64 * 1024

const clientChecks = [
  'request form',
  'client authentication method',
  'client credential',
  'token parameter',
] as const

/** An address of the token server: what it takes, and what it makes of it. */
interface Endpoint {
  readonly surface: Surface
  readonly method: 'POST' | 'GET'
  readonly rules: ParameterRules
  readonly headers: FlatHeaders
  /** What it returns is the answer; a Problem becomes the protocol's error. */
  answer(request: EnvelopedRequest, parameters: Parameters): Promise<object | Problem>
}

/** A certificate is looked at where the connection has one, before any other credential would be. */
function surfaceOf(name: string, checks: readonly string[]): Surface {
  const withCertificate = checks.toSpliced(checks.indexOf('client credential'), 0, 'client certificate')
  return { name, checks: request => (envelopeOf(request).certificate ? withCertificate : checks) }
}

/** Nothing of this may be kept by a cache (RFC 6749 section 5.1). */
const secret: FlatHeaders = ['Cache-Control', 'no-store', 'Pragma', 'no-cache']

/** Public facts: anybody may read them, from anywhere, and keep them for a while. */
const published: FlatHeaders = [
  'Cache-Control',
  `public, max-age=${keySetMaxAgeMs / 1000}`,
  'Access-Control-Allow-Origin',
  '*',
]

/** The token server (RFC 6749, 7009, 7662, 8414), on node:http: a token is what most requests ask for. */
export function createTokenServer(services: Services) {
  const { context, journal, meter, addresses } = services

  const posts = (
    name: string,
    checks: readonly string[],
    rules: ParameterRules,
    answer: Endpoint['answer'],
  ) => ({ surface: surfaceOf(name, checks), method: 'POST', rules, headers: secret, answer }) as const
  const gets = (answer: Endpoint['answer']): Endpoint => ({
    surface: { name: 'discovery', checks: () => ['request form'] },
    method: 'GET',
    rules: bodyOnlyRules,
    headers: published,
    answer,
  })

  const tellMetadata = gets(async ({ envelope }) => metadata(envelope.tenant, addresses))
  const tellKeys = gets(async ({ envelope }) => {
    const keyring = await services.keyrings.of(envelope.tenant.id)
    return { keys: keyring.publicKeys(context.now()) }
  })

  const endpoints = new Map<string, Endpoint>(
    Object.entries({
      '/oauth/token': posts('token', tokenRequestChecks, tokenRequestRules, answerToken),
      '/oauth/introspect': posts('introspect', clientChecks, bodyOnlyRules, answerIntrospection),
      '/oauth/revoke': posts('revoke', clientChecks, bodyOnlyRules, answerRevocation),
      '/token_keys': tellKeys,
      '/.well-known/oauth-authorization-server': tellMetadata,
      '/.well-known/openid-configuration': tellMetadata,
    }),
  )

  async function answerToken(request: EnvelopedRequest, parameters: Parameters) {
    const { tenant, source, correlationId, certificate } = request.envelope
    const authenticated = await authenticate(request, parameters)
    if (isProblem(authenticated)) return authenticated
    const { client, method } = authenticated
    const issued = await issueToken(parameters, client, { tenant, certificate }, services)
    if (isProblem(issued))
      return issued.with({ subject: { clientId: client.clientId, credentialId: client.credentialId } })
    journal.used(client.credentialId, context.now())
    meter.tokenIssued(tenant.name, parameters.get('token_format') ?? client.tokenFormat)
    context.log.info(
      { correlationId, tenant: tenant.name, clientId: client.clientId, method, jti: issued.jti, source },
      'token issued',
    )
    return issued
  }

  async function answerIntrospection(request: EnvelopedRequest, parameters: Parameters) {
    const asker = await whoAsks(request, parameters)
    if (isProblem(asker)) return asker
    const text = theToken(parameters)
    return isProblem(text) ? text : introspect(text, asker, request.envelope.tenant, services)
  }

  async function answerRevocation(request: EnvelopedRequest, parameters: Parameters) {
    const authenticated = await authenticate(request, parameters)
    if (isProblem(authenticated)) return authenticated
    const text = theToken(parameters)
    if (isProblem(text)) return text
    const { tenant, correlationId } = request.envelope
    const { client } = authenticated
    const outcome = await revokeToken(text, client, tenant, services)
    context.log.info({ correlationId, clientId: client.clientId }, `token revocation: ${outcome}`)
    return {}
  }

  function authenticate({ envelope, headers }: EnvelopedRequest, parameters: Parameters) {
    const origin = { tenant: envelope.tenant, source: envelope.source }
    const { authorization } = headers
    const { certificate } = envelope
    return authenticateClient({ authorization, parameters, certificate }, origin, services)
  }

  /** A client by its credential, or a resource server by a token of its own (RFC 7662 section 2.1). */
  async function whoAsks(request: EnvelopedRequest, parameters: Parameters): Promise<Asker | Problem> {
    const { authorization } = request.headers
    if (!authorization || !/^Bearer /i.test(authorization)) {
      const authenticated = await authenticate(request, parameters)
      return isProblem(authenticated) ? authenticated : askerOf(authenticated.client)
    }
    if (parameters.has('client_secret'))
      return new Problem('invalid_request', 'more than one credential', {
        check: 'client authentication method',
        reason: 'both an access token and client_secret were sent',
      })
    const { tenant, source, certificate } = request.envelope
    return identify({ tenant, authorization, source, certificate }, services, ['Bearer'])
  }

  async function run(endpoint: Endpoint, request: EnvelopedRequest): Promise<object | Problem> {
    const { method } = endpoint
    if (request.method !== method && !(method === 'GET' && request.method === 'HEAD'))
      return new Problem('method_not_allowed', `${method} only`, { check: 'request form' })
    const body = method === 'POST' ? await readBody(request, mostBody) : ''
    if (isProblem(body)) return body
    const parameters = readForm(body, request, endpoint.rules)
    return isProblem(parameters) ? parameters : endpoint.answer(request, parameters)
  }

  function refuse(
    problem: Problem,
    endpoint: Endpoint,
    request: EnvelopedRequest,
    response: ServerResponse,
  ): void {
    const rendered = oauthProblem(problem, request.envelope, request.envelope.tenant.name)
    observeRefusal(problem, rendered.status, request, endpoint.surface, services)
    const headers =
      problem.code === 'method_not_allowed'
        ? { ...rendered.headers, Allow: endpoint.method }
        : rendered.headers
    if (!request.complete) response.shouldKeepAlive = false
    answerProblem(response, { ...rendered, headers })
  }

  return {
    /** Does this path belong to the token server? */
    serves: (path: string) => endpoints.has(path) || tenantOfMetadata(path) !== undefined,

    async handle(request: EnvelopedRequest, response: ServerResponse): Promise<void> {
      const { envelope } = request
      let endpoint = endpoints.get(envelope.path)
      if (!endpoint) {
        const tenant = services.tenants.byName(tenantOfMetadata(envelope.path)!)
        if (!tenant) return refuse(noIssuer, tellMetadata, request, response)
        ;(envelope as { tenant: Tenant }).tenant = tenant
        endpoint = tellMetadata
      }
      try {
        const result = await run(endpoint, request)
        if (isProblem(result)) refuse(result, endpoint, request, response)
        else answerJson(response, 200, endpoint.headers, result)
      } catch (error) {
        refuse(unexpected(error, services), endpoint, request, response)
      }
    },
  }
}

/** RFC 8414 section 3.1: the well-known part goes before the path of the issuer. */
function tenantOfMetadata(path: string): string | undefined {
  if (!path.startsWith('/.well-known/')) return undefined
  return /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)\/tenants\/([^/]+)$/.exec(
    path,
  )?.[1]
}

const noIssuer = new Problem('not_found', 'there is no such issuer', { check: 'request form' })

const askerOf = (client: Client): Asker => ({ client, roles: client.roles })

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
