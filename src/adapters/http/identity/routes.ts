import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { credentialChecks, type IdentityCaller } from '../../../core/identity/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import { asProblem } from '../framework.ts'
import { observeRefusal, type Surface } from '../observe.ts'
import { envelopeOf } from '../request.ts'
import { takeJsonOnly, UnreadableBody } from './body.ts'
import { identityApi } from './index.ts'
import { type OpenRoute, openRoutes } from './open.ts'
import { identityProblem } from './problem.ts'
import type { IdentityAnswer, IdentityRoute } from './route.ts'
import type { IdentityServices } from './services.ts'
import { shownIn } from './sessions.ts'

const surface: Surface = {
  name: 'identity',
  checks: request => ['credentials', ...credentialChecks(shownIn(request)), 'permission', 'request'],
}

/** HEAD comes with GET. Somebody may be called `search`: his address takes other methods than the search beside it. */
const methodsByPath = Map.groupBy(
  [...identityApi, ...openRoutes].filter(({ path }) => !path.endsWith('/search')),
  ({ path }) => path,
)

/**
 * Puts the identity API of a tenant on an instance of its own, whose parameters may be as long as ids (256 characters)
 * and behind the front door. Whoever is not known gets 401, also for what is not there; nothing is read before that.
 */
export async function registerIdentity(app: FastifyInstance, services: IdentityServices): Promise<void> {
  const { tenant, context } = services
  const callers = new WeakMap<FastifyRequest, IdentityCaller>()
  takeJsonOnly(app)

  app.addHook('onRequest', async (request, reply) => {
    // `/tenants/NAME` may stand before every address, and this is the API of one tenant.
    if (envelopeOf(request.raw).tenant.id !== tenant.id) return refuse(noOperation, request, reply)
    const open = openRoutes.find(({ path }) => path === request.routeOptions.url)
    if (open && !request.is404) {
      const refused = open.refuse?.(request.raw)
      return refused && refuse(refused, request, reply)
    }
    const caller = await services.authenticate(request.raw)
    if (isProblem(caller))
      return refuse(caller.with({ check: caller.check ?? 'credentials' }), request, reply)
    callers.set(request, caller)
  })
  app.setErrorHandler((error, request, reply) =>
    refuse(error instanceof UnreadableBody ? error.problem : asProblem(error, services), request, reply),
  )
  app.setNotFoundHandler((request, reply) => refuse(noOperation, request, reply))
  for (const route of openRoutes)
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) =>
        answer(route, await route.handle(request.body ?? undefined, services), request, reply),
    })
  for (const route of identityApi)
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => answer(route, await operate(route, request), request, reply),
    })
  for (const [path, routes] of methodsByPath) {
    const allowed = routes.map(({ method }) => method as string)
    const others = app.supportedMethods.filter(method => !allowed.includes(method) && method !== 'HEAD')
    app.route({
      method: others,
      url: path,
      onRequest: notAllowed(allowed.join(', ')),
      handler: async () => {},
    })
  }

  /** Before a body is read: there is nothing that it could be for. */
  function notAllowed(allowed: string) {
    const problem = new Problem('method_not_allowed', `${allowed} only`, { check: 'request' })
    return async (request: FastifyRequest, reply: FastifyReply) =>
      refuse(problem, request, reply.header('Allow', allowed))
  }

  async function operate(route: IdentityRoute, request: FastifyRequest): Promise<IdentityAnswer | Problem> {
    const model = await services.models.of(tenant.id)
    const parameters = request.params as Readonly<Record<string, string>>
    const call = { caller: callers.get(request)!, model, parameters, body: request.body ?? undefined }
    return route.handle(call, services)
  }

  function answer(
    route: IdentityRoute | OpenRoute,
    result: IdentityAnswer | Problem,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    if (isProblem(result)) return refuse(result, request, reply)
    if (route.changes) audit(route, result, request)
    return reply.header('Cache-Control', 'no-store').code(result.status).send(result.body)
  }

  /** Every change leaves a line that says who made it. A document has no secret in it. */
  function audit({ method, path }: OpenRoute, { status, body }: IdentityAnswer, request: FastifyRequest) {
    const { principal, by } = callers.get(request) ?? {}
    context.log.info(
      {
        correlationId: envelopeOf(request.raw).correlationId,
        tenant: tenant.name,
        actor: principal ? `${principal.type} ${principal.id}` : 'nobody in particular',
        ...(by && { by }),
        operation: `${method} ${path}`,
        ...(request.params as object),
        ...(body && { set: body }),
        status,
      },
      'identity operation done',
    )
  }

  function refuse(problem: Problem, request: FastifyRequest, reply: FastifyReply) {
    const envelope = envelopeOf(request.raw)
    const caller = callers.get(request)?.principal?.id
    const rendered = identityProblem(services.takesPasswords)(problem, envelope, tenant.name)
    const observed = problem.with({
      check: problem.check ?? 'request',
      ...(caller !== undefined && { subject: { clientId: caller } }),
    })
    observeRefusal(observed, rendered.status, request.raw, surface, services)
    // As bytes: the framework would add a charset, which the media type does not have.
    return reply
      .code(rendered.status)
      .headers(rendered.headers)
      .send(Buffer.from(JSON.stringify(rendered.body)))
  }
}

const noOperation = new Problem('not_found', 'there is no such operation', { check: 'request' })
