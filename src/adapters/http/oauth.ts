import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { identify } from '../../core/admission/index.ts'
import { authenticateClient, type Client } from '../../core/clients/index.ts'
import {
  bodyOnlyRules,
  type ParameterRules,
  type Parameters,
  readParameters,
  tokenRequestRules,
} from '../../core/parameters.ts'
import { introspectRole } from '../../core/plans.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import {
  type Asker,
  introspect,
  issueToken,
  keySetMaxAgeMs,
  metadata,
  revokeToken,
  tokenRequestChecks,
} from '../../core/tokens/index.ts'
import { observeRefusal, type Surface } from './observe.ts'
import { oauthProblem } from './problems.ts'
import { envelopeOf } from './request.ts'
import type { Services } from './services.ts'

const token: Surface = { name: 'token', checks: () => tokenRequestChecks }
const clientChecks = [
  'request form',
  'client authentication method',
  'client credential',
  'token parameter',
] as const
const introspection: Surface = { name: 'introspect', checks: () => clientChecks }
const revocation: Surface = { name: 'revoke', checks: () => clientChecks }

/** Larger bodies are refused: no request of this protocol needs more. */
const mostBody = 64 * 1024

/** The token server (RFC 6749, 7009, 7662, 8414). */
export async function oauthRoutes(app: FastifyInstance, { services }: { services: Services }): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: mostBody }, (_request, body, done) =>
    done(null, body),
  )

  app.post('/oauth/token', endpoint(token, answerToken))
  app.post('/oauth/introspect', endpoint(introspection, answerIntrospection))
  app.post('/oauth/revoke', endpoint(revocation, answerRevocation))
  for (const [url, surface] of [
    ['/oauth/token', token],
    ['/oauth/introspect', introspection],
    ['/oauth/revoke', revocation],
  ] as const)
    app.route({
      method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url,
      handler: endpoint(surface, async (_request, reply) => {
        reply.header('Allow', 'POST')
        return new Problem('method_not_allowed', 'POST only', { check: 'request form' })
      }),
    })

  const discovery = async (request: FastifyRequest, reply: FastifyReply) => {
    publish(reply)
    return metadata(envelopeOf(request.raw).tenant, services.addresses)
  }
  app.get('/.well-known/oauth-authorization-server', discovery)
  app.get('/.well-known/openid-configuration', discovery)
  // RFC 8414 section 3.1: the well-known part goes before the path of the issuer.
  for (const kind of ['oauth-authorization-server', 'openid-configuration'])
    app.get<{ Params: { name: string } }>(`/.well-known/${kind}/tenants/:name`, async (request, reply) => {
      const tenant = services.tenants.byName(request.params.name)
      if (!tenant) return reply.callNotFound()
      publish(reply)
      return metadata(tenant, services.addresses)
    })

  app.get('/token_keys', async (request, reply) => {
    publish(reply)
    const keyring = await services.keyrings.of(envelopeOf(request.raw).tenant.id)
    return { keys: keyring.publicKeys(services.context.now()) }
  })

  async function answerToken(request: FastifyRequest, reply: FastifyReply) {
    const { tenant, source, correlationId } = envelopeOf(request.raw)
    const parameters = parametersOf(request, tokenRequestRules)
    if (isProblem(parameters)) return parameters
    const authenticated = await authenticate(request, parameters)
    if (isProblem(authenticated)) return authenticated
    const { client, method } = authenticated
    const issued = await issueToken(parameters, client, tenant, services)
    if (isProblem(issued))
      return issued.with({ subject: { clientId: client.clientId, credentialId: client.credentialId } })
    services.journal.used(client.credentialId, services.context.now())
    services.meter.tokenIssued(tenant.name, parameters.get('token_format') ?? client.tokenFormat)
    services.context.log.info(
      { correlationId, tenant: tenant.name, clientId: client.clientId, method, jti: issued.jti, source },
      'token issued',
    )
    secret(reply)
    return issued
  }

  async function answerIntrospection(request: FastifyRequest, reply: FastifyReply) {
    const parameters = parametersOf(request, bodyOnlyRules)
    if (isProblem(parameters)) return parameters
    const asker = await whoAsks(request, parameters)
    if (isProblem(asker)) return asker
    const text = theToken(parameters)
    if (isProblem(text)) return text
    secret(reply)
    return introspect(text, asker, envelopeOf(request.raw).tenant, services)
  }

  async function answerRevocation(request: FastifyRequest, reply: FastifyReply) {
    const parameters = parametersOf(request, bodyOnlyRules)
    if (isProblem(parameters)) return parameters
    const authenticated = await authenticate(request, parameters)
    if (isProblem(authenticated)) return authenticated
    const text = theToken(parameters)
    if (isProblem(text)) return text
    const { tenant, correlationId } = envelopeOf(request.raw)
    const outcome = await revokeToken(text, authenticated.client, tenant, services)
    services.context.log.info(
      { correlationId, clientId: authenticated.client.clientId },
      `token revocation: ${outcome}`,
    )
    secret(reply)
    return {}
  }

  function authenticate(request: FastifyRequest, parameters: Parameters) {
    const { tenant, source } = envelopeOf(request.raw)
    const { authorization } = request.headers
    return authenticateClient({ authorization, parameters }, { tenantId: tenant.id, source }, services)
  }

  /** A client by its credential, or a resource server by a token of its own (RFC 7662 section 2.1). */
  async function whoAsks(request: FastifyRequest, parameters: Parameters): Promise<Asker | Problem> {
    const { authorization } = request.headers
    if (!authorization || !/^Bearer /i.test(authorization)) {
      const authenticated = await authenticate(request, parameters)
      return isProblem(authenticated) ? authenticated : askerOf(authenticated.client)
    }
    const { tenant, source } = envelopeOf(request.raw)
    const caller = await identify({ tenant, authorization, source }, services, ['Bearer'])
    if (isProblem(caller)) return caller
    if (!caller.roles.has(introspectRole))
      return new Problem('insufficient_scope', `scope ${introspectRole} is needed`, {
        check: 'client credential',
      })
    return caller
  }

  /** Runs one endpoint: what it returns is the answer, a Problem becomes the protocol's error. */
  function endpoint(
    surface: Surface,
    answer: (request: FastifyRequest, reply: FastifyReply) => Promise<object | Problem>,
  ) {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const result = await answer(request, reply)
      if (!isProblem(result)) return result
      return refuse(result, surface, request, reply)
    }
  }

  function refuse(problem: Problem, surface: Surface, request: FastifyRequest, reply: FastifyReply) {
    const envelope = envelopeOf(request.raw)
    const rendered = oauthProblem(problem, envelope, envelope.tenant.name)
    observeRefusal(problem, rendered.status, request.raw, surface, services)
    return reply.code(rendered.status).headers(rendered.headers).send(rendered.body)
  }

  app.setErrorHandler((error, request, reply) => refuse(asProblem(error, services), token, request, reply))
}

const askerOf = (client: Client): Asker => ({ client, roles: client.roles })

/** RFC 6749 appendix B: a body, if there is one, is form-encoded, in UTF-8. */
function parametersOf(request: FastifyRequest, rules: ParameterRules): Parameters | Problem {
  const body = typeof request.body === 'string' ? request.body : ''
  const type = request.headers['content-type']
  if (body !== '' && !(type && /^application\/x-www-form-urlencoded *(;|$)/i.test(type)))
    return new Problem('invalid_request', 'the body must be application/x-www-form-urlencoded', {
      check: 'request form',
      reason: `Content-Type is ${JSON.stringify(type ?? null).slice(0, 100)}`,
    })
  return readParameters(body, envelopeOf(request.raw).query, rules)
}

function theToken(parameters: Parameters): string | Problem {
  return (
    parameters.get('token') ??
    new Problem('invalid_request', 'token is missing', { check: 'token parameter' })
  )
}

/** Nothing of this may be kept by a cache (RFC 6749 section 5.1). */
function secret(reply: FastifyReply): void {
  reply.headers({
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Content-Type': 'application/json;charset=UTF-8',
  })
}

/** Public facts: anybody may read them, from anywhere, and keep them for a while. */
function publish(reply: FastifyReply): void {
  reply.headers({
    'Cache-Control': `public, max-age=${keySetMaxAgeMs / 1000}`,
    'Access-Control-Allow-Origin': '*',
    'Content-Type': 'application/json;charset=UTF-8',
  })
}

/** What the framework or a bug threw, as a refusal. */
export function asProblem(thrown: unknown, { context }: Pick<Services, 'context'>): Problem {
  const error = thrown as { code?: string; statusCode?: number; message?: string; stack?: string }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Problem('payload_too_large', 'the body is too large', { check: 'request form' })
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new Problem('unsupported_media_type', 'this Content-Type is not supported', {
      check: 'request form',
    })
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new Problem('invalid_request', 'the request is not valid', {
      check: 'request form',
      reason: error.message ?? 'refused by the HTTP framework',
    })
  context.log.error({ error: error.message, stack: error.stack }, 'unexpected error')
  return new Problem('internal', 'internal error', { reason: error.message ?? 'unexpected error' })
}
