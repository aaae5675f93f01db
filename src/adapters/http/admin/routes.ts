import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import {
  authorizationChecks,
  authorize,
  type Caller,
  identificationChecks,
  identify,
} from '../../../core/admission/index.ts'
import { type ApiRole, apiRoles, operatorRole } from '../../../core/broker/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import { defaultTenantName } from '../../../core/tenant.ts'
import { asProblem } from '../framework.ts'
import { observeRefusal, type Surface } from '../observe.ts'
import { adminProblem } from '../problems.ts'
import { envelopeOf, type Listener } from '../request.ts'
import type { Services } from '../services.ts'
import { shortened } from './audit.ts'
import { adminApi } from './index.ts'
import { openApiDocument } from './openapi.ts'
import type { AdminRoute } from './route.ts'

const surface: Surface = {
  name: 'admin',
  checks: request => [
    'address',
    ...identificationChecks({ authorization: request.headers.authorization }),
    ...authorizationChecks,
    'request',
  ],
}

/** Where a certificate is asked for, there is no admin API: it is called with a token, from the public address. */
const offeredAt: ReadonlySet<Listener['name']> = new Set(['public', 'plain'])
const noSuchAddress = new Problem('not_found', 'there is no such address', { check: 'address' })

const mostBody = 1024 * 1024
/** In JSON, NUL is always escaped. Not every database can store it, so that none is asked to. */
const hasNul = /(?<!\\)(?:\\\\)*\\u0000/

/**
 * The admin API. Nothing is read, and nothing is said about what exists, before an admin token was shown; every
 * change leaves a line in the log that says who made it, and what was set.
 */
export async function adminRoutes(app: FastifyInstance, { services }: { services: Services }): Promise<void> {
  const callers = new WeakMap<object, Caller>()

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: mostBody },
    (_request, body, done) => {
      const refuse = (reason: string) =>
        done(Object.assign(new Error(reason), { statusCode: 400 }), undefined)
      const text = body as string
      if (hasNul.test(text)) return refuse('the body has a NUL character, which cannot be stored')
      try {
        done(null, text === '' ? undefined : JSON.parse(text))
      } catch {
        refuse('the body is not JSON')
      }
    },
  )

  // Asked of the route that was found: a path can be written in many ways.
  app.addHook('onRequest', async (request, reply) => {
    if (!offeredAt.has(envelopeOf(request.raw).listener)) return refuse(noSuchAddress, request, reply)
    const caller = await whoCalls(request)
    if (isProblem(caller)) return refuse(caller, request, reply)
    callers.set(request, caller)
  })
  app.setErrorHandler((error, request, reply) => refuse(asProblem(error, services), request, reply))
  app.setNotFoundHandler((request, reply) =>
    refuse(new Problem('not_found', 'there is no such operation', { check: 'request' }), request, reply),
  )

  app.get('/openapi.json', async request =>
    openApiDocument(services.addresses.admin(envelopeOf(request.raw).tenant)),
  )
  for (const route of adminApi)
    app.route({
      method: route.method,
      url: `/v1${route.path}`,
      handler: (request, reply) => answer(route, request, reply),
    })

  async function answer(route: AdminRoute, request: FastifyRequest, reply: FastifyReply) {
    const caller = callers.get(request)!
    const { tenant, correlationId } = envelopeOf(request.raw)
    const refused = mayDo(caller, route.roles)
    if (refused) return refuse(refused, request, reply)
    const read = readRequest(route, request)
    if (isProblem(read)) return refuse(read, request, reply)
    const actor = caller.client.clientId
    const result = await route.handle(
      { tenant, correlationId, actor, roles: caller.roles, ...read },
      services,
    )
    if (isProblem(result)) return refuse(result.with({ check: 'request' }), request, reply)
    const set = route.audit && shortened(route.audit(result, read.body))
    if (route.method !== 'GET')
      services.context.log.info(
        {
          correlationId,
          tenant: tenant.name,
          actor,
          operation: `${route.method} ${route.path}`,
          ...targetOf(read),
          ...(set && Object.keys(set).length > 0 && { set }),
        },
        'admin operation done',
      )
    reply.header('Cache-Control', 'no-store')
    if (route.status === 204) return reply.code(204).send()
    return reply.code(route.status ?? 200).send(result)
  }

  /** A caller of this tenant, or the operator, who belongs to the tenant `default` and may act on all. */
  async function whoCalls(request: FastifyRequest): Promise<Caller | Problem> {
    const { tenant, source } = envelopeOf(request.raw)
    const { authorization } = request.headers
    const caller = await identify({ tenant, source, authorization }, services, ['Bearer'])
    if (!isProblem(caller)) return authorize(caller, services.addresses.admin(tenant), anyApiRole) ?? caller
    if (tenant.name === defaultTenantName || caller.code !== 'invalid_token') return caller
    const home = services.tenants.byName(defaultTenantName)!
    const operator = await identify({ tenant: home, source, authorization }, services, ['Bearer'])
    if (isProblem(operator)) return caller
    return authorize(operator, services.addresses.admin(home), [operatorRole]) ?? operator
  }

  function mayDo(caller: Caller, roles: readonly ApiRole[]): Problem | undefined {
    return authorize(caller, caller.audience, roles)
  }

  function refuse(problem: Problem, request: FastifyRequest, reply: FastifyReply) {
    const envelope = envelopeOf(request.raw)
    const rendered = adminProblem(problem, envelope, envelope.tenant.name)
    observeRefusal(problem, rendered.status, request.raw, surface, services)
    return reply.code(rendered.status).headers(rendered.headers).send(rendered.body)
  }
}

const anyApiRole: readonly string[] = apiRoles.map(role => role.name)

function readRequest(route: AdminRoute, request: FastifyRequest) {
  const parameters = read(route.parameters, request.params, 'the address')
  if (isProblem(parameters)) return parameters
  const query = read(route.query, request.query, 'the query')
  if (isProblem(query)) return query
  const body = read(route.body, request.body, 'the body')
  if (isProblem(body)) return body
  return { parameters, query, body }
}

function read(schema: z.ZodType | undefined, value: unknown, what: string): unknown | Problem {
  if (!schema) return undefined
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const complaints = parsed.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`)
  return new Problem('invalid_input', complaints.join('; '), { check: 'request' })
}

/** What an operation was done to, for the log: names only, never a body. */
function targetOf({ parameters, body }: { parameters: unknown; body: unknown }): object {
  const { id, name } = (body ?? {}) as { id?: unknown; name?: unknown }
  return {
    ...(parameters as object | undefined),
    ...(typeof id === 'string' && { id }),
    ...(typeof name === 'string' && { name }),
  }
}
