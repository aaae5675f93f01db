import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import {
  authorizationChecks,
  authorize,
  type Caller,
  identificationChecks,
  identify,
} from '../../../core/admission/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import { shortened } from '../admin/audit.ts'
import { asProblem } from '../framework.ts'
import { observeRefusal, type Surface } from '../observe.ts'
import { envelopeOf } from '../request.ts'
import type { Services } from '../services.ts'
import { BodyProblem, takeJsonBodies } from './body.ts'
import { originatingIdentity, refusedVersion, requestIdentity } from './headers.ts'
import { osbApi } from './index.ts'
import { osbProblem } from './problem.ts'
import type { OsbAnswer, OsbRoute } from './route.ts'

const surface: Surface = {
  name: 'osb',
  checks: request => [
    ...identificationChecks({
      authorization: request.headers.authorization,
      certificate: envelopeOf(request).certificate,
    }),
    ...authorizationChecks,
    'api version',
    'request',
  ],
}

/** HEAD comes with GET, which every path has. */
const methodsByPath = new Map(
  osbApi.map(({ path }) => [
    path,
    osbApi.filter(other => other.path === path).map(({ method }) => method as string),
  ]),
)

/** Platforms manage credentials, and nothing else. */
const role = 'CredentialsEdit'

/**
 * The Open Service Broker API. A platform proves who it is with a service key of plan `api`: by Basic, or by its
 * certificate where the port asks for one. Nothing is read before that.
 */
export async function osbRoutes(app: FastifyInstance, { services }: { services: Services }): Promise<void> {
  const callers = new WeakMap<object, Caller>()
  takeJsonBodies(app)

  app.addHook('onRequest', async (request, reply) => {
    const identity = requestIdentity(request.headers)
    if (identity !== undefined) reply.header('X-Broker-API-Request-Identity', identity)
    const caller = await whoCalls(request)
    if (isProblem(caller)) return refuse(caller, request, reply)
    callers.set(request, caller)
    const refused = refusedVersion(request.headers)
    if (refused) return refuse(refused, request, reply)
  })
  app.setErrorHandler((error, request, reply) =>
    refuse(error instanceof BodyProblem ? error.problem : asProblem(error, services), request, reply),
  )
  app.setNotFoundHandler((request, reply) =>
    refuse(new Problem('not_found', 'there is no such operation', { check: 'request' }), request, reply),
  )
  for (const route of osbApi)
    app.route({
      method: route.method,
      url: `/v2${route.path}`,
      handler: (request, reply) => answer(route, request, reply),
    })
  for (const [path, methods] of methodsByPath) {
    const others = app.supportedMethods.filter(method => !methods.includes(method) && method !== 'HEAD')
    app.route({ method: others, url: `/v2${path}`, onRequest: notAllowed(methods), handler: async () => {} })
  }

  /** Before a body is read: there is nothing that it could be for. */
  function notAllowed(methods: readonly string[]) {
    const allowed = methods.join(', ')
    const problem = new Problem('method_not_allowed', `${allowed} only`, { check: 'request' })
    return async (request: FastifyRequest, reply: FastifyReply) =>
      refuse(problem, request, reply.header('Allow', allowed))
  }

  async function whoCalls({ raw }: FastifyRequest): Promise<Caller | Problem> {
    const { tenant, source, listener, certificate } = envelopeOf(raw)
    const { authorization } = raw.headers
    // Where a certificate is asked for, nothing else is taken (design 2.2).
    const accepts = listener === 'public' || listener === 'plain' ? ['Basic'] : ['Certificate']
    const caller = await identify({ tenant, source, authorization, certificate }, services, accepts)
    if (isProblem(caller)) return caller.code === 'no_credentials' ? howTo(listener, caller) : caller
    const refused = authorize(caller, services.addresses.admin(tenant), [role])
    if (refused) return refused
    services.journal.used(caller.client.credentialId, services.context.now())
    return caller
  }

  async function answer(route: OsbRoute, request: FastifyRequest, reply: FastifyReply) {
    const caller = callers.get(request)!
    const { tenant } = envelopeOf(request.raw)
    const identity = originatingIdentity(request.headers)
    if (isProblem(identity)) return refuse(identity, request, reply)
    const read = readRequest(route, request)
    if (isProblem(read)) return refuse(read, request, reply)
    const result = await route.handle({ tenant, roles: caller.roles, ...read }, services)
    if (isProblem(result)) return refuse(result.with({ check: result.check ?? 'request' }), request, reply)
    if (route.method !== 'GET') audit(route, result, request, { ...read.parameters }, { ...identity })
    return reply.header('Cache-Control', 'no-store').code(result.status).send(result.body)
  }

  /** Every change leaves a line that says which platform did it, and for whom, as the platform says. */
  function audit(
    route: OsbRoute,
    { status, set }: OsbAnswer,
    request: FastifyRequest,
    target: object,
    originating: object,
  ): void {
    const { tenant, correlationId } = envelopeOf(request.raw)
    const identity = requestIdentity(request.headers)
    services.context.log.info(
      {
        correlationId,
        tenant: tenant.name,
        actor: callers.get(request)!.client.clientId,
        ...(Object.keys(originating).length > 0 && { originatingIdentity: originating }),
        ...(identity !== undefined && { requestIdentity: identity }),
        operation: `${route.method} ${route.path}`,
        ...target,
        status,
        ...(set && { set: shortened(set) }),
      },
      'service broker operation done',
    )
  }

  function refuse(problem: Problem, request: FastifyRequest, reply: FastifyReply) {
    const envelope = envelopeOf(request.raw)
    const rendered = osbProblem(problem, envelope, envelope.tenant.name)
    observeRefusal(problem, rendered.status, request.raw, surface, services)
    return reply.code(rendered.status).headers(rendered.headers).send(rendered.body)
  }
}

function howTo(listener: string, problem: Problem): Problem {
  const basic = listener === 'public' || listener === 'plain'
  return problem.with({
    hint: basic
      ? 'Register the platform with clientid and clientsecret of a service key of plan api (HTTP Basic).'
      : 'Let the platform show the certificate of a service key of plan api; by Basic, it uses the public address.',
  })
}

function readRequest(route: OsbRoute, request: FastifyRequest) {
  const parameters = read(route.parameters, request.params, 'the address')
  if (isProblem(parameters)) return parameters
  const query = read(route.query, request.query, 'the query')
  if (isProblem(query)) return query
  const body = read(route.body, request.body ?? undefined, 'the body')
  if (isProblem(body)) return body
  return { parameters: parameters as Readonly<Record<string, string>>, query, body }
}

function read(schema: z.ZodType | undefined, value: unknown, what: string): unknown | Problem {
  if (!schema) return undefined
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const complaints = parsed.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`)
  return new Problem('invalid_request', complaints.join('; '), { check: 'request' })
}
