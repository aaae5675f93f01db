import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { identify } from '../../core/admission/index.ts'
import { isLoopback } from '../../core/network.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { defaultTenantName } from '../../core/tenant.ts'
import { resourceProblem } from './problems.ts'
import { envelopeOf } from './request.ts'
import type { Services } from './services.ts'

/** Health and metrics. */
export async function operationsRoutes(
  app: FastifyInstance,
  { services }: { services: Services },
): Promise<void> {
  const { operations, changes, addresses } = services
  const ready = () => operations.ready() && changes.upToDate()

  app.get('/livez', async (_request, reply) =>
    reply.header('Cache-Control', 'no-store').send({ status: 'UP' }),
  )
  app.get('/readyz', health)
  app.get('/actuator/health', actuator)
  for (const group of ['liveness', 'readiness', 'startup'])
    app.get(`/actuator/health/${group}`, group === 'liveness' ? alive : health)

  async function alive(_request: FastifyRequest, reply: FastifyReply) {
    return reply.header('Cache-Control', 'no-store').send({ status: 'UP' })
  }

  /** As Spring's actuator has it: with the names of the groups below. */
  async function actuator(_request: FastifyRequest, reply: FastifyReply) {
    const up = ready()
    return reply
      .code(up ? 200 : 503)
      .header('Cache-Control', 'no-store')
      .send({ status: up ? 'UP' : 'OUT_OF_SERVICE', groups: ['liveness', 'readiness'] })
  }

  async function health(_request: FastifyRequest, reply: FastifyReply) {
    const up = ready()
    return reply
      .code(up ? 200 : 503)
      .header('Cache-Control', 'no-store')
      .send({ status: up ? 'UP' : 'OUT_OF_SERVICE' })
  }

  app.get('/metrics', async (request, reply) => {
    const envelope = envelopeOf(request.raw)
    const { source, listener } = envelope
    // The page tells of all tenants: only an administrator of the operator's tenant may read it.
    const tenant = services.tenants.byName(defaultTenantName)!
    // A proxy on this machine speaks for others.
    if (listener === 'proxy' || !isLoopback(source)) {
      const caller = await identify(
        { tenant, source, authorization: request.headers.authorization },
        services,
        ['Bearer'],
      )
      const refused = isProblem(caller) || caller.audience !== addresses.admin(tenant)
      if (refused) {
        const problem = isProblem(caller) ? caller : wrongAudience
        const rendered = resourceProblem(problem, envelope, tenant.name)
        return reply.code(rendered.status).headers(rendered.headers).send(rendered.body)
      }
    }
    return reply
      .headers({ 'Cache-Control': 'no-store', 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
      .send(await operations.metrics())
  })
}

const wrongAudience = new Problem('invalid_token', 'the access token is not valid', {
  reason: 'the token is not one for the admin API',
})
