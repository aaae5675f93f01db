import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import { adminRoutes } from './admin/routes.ts'
import { presetCommonHeaders } from './answer.ts'
import { createWorker } from './flows.ts'
import { asProblem } from './framework.ts'
import { createFrontDoor } from './front.ts'
import { createTokenServer } from './oauth.ts'
import { observeRefusal, type Surface } from './observe.ts'
import { operationsRoutes } from './operations.ts'
import { osbProblem } from './osb/problem.ts'
import { osbRoutes } from './osb/routes.ts'
import { createPki } from './pki.ts'
import { adminProblem, type Renderer, resourceProblem } from './problems.ts'
import { envelopeOf, type Listener } from './request.ts'
import { mostHeaderBytes, type RequestListener } from './server.ts'
import type { Services } from './services.ts'

const elsewhere: Surface = { name: 'other', checks: () => ['address'] }

/** The plain PKI listener serves health beside `/pki/...`, and nothing else. */
const health = /^\/(livez$|readyz$|actuator\/health$)/

/**
 * All addresses of the server behind one front door. Returns what makes the request listener of a socket: which
 * addresses are there depends on where a request came in.
 */
export async function createHttpApp(services: Services): Promise<(listener: Listener) => RequestListener> {
  const app = Fastify({
    logger: false,
    // No parameter is too long to be routed: it would be refused before anybody asked who calls.
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: mostHeaderBytes },
  })
  const worker = createWorker(services)
  const tokenServer = createTokenServer(services)
  const pki = createPki(services)

  app.setErrorHandler((error, request, reply) => refuse(asProblem(error, services), request, reply))
  app.setNotFoundHandler((request, reply) => refuse(notFound, request, reply))
  await app.register(operationsRoutes, { services })
  await app.register(adminRoutes, { prefix: '/admin', services })
  await app.register(osbRoutes, { prefix: '/osb', services })
  await app.ready()

  function refuse(problem: Problem, request: FastifyRequest, reply: FastifyReply) {
    const envelope = envelopeOf(request.raw)
    const rendered = resourceProblem(problem, envelope, envelope.tenant.name)
    observeRefusal(problem, rendered.status, request.raw, elsewhere, services)
    return reply.code(rendered.status).headers(rendered.headers).send(rendered.body)
  }

  /** Before the client is known, the address says in which form it expects a refusal (design 2.5). */
  const formAt = (path: string): Renderer => {
    if (path.startsWith('/admin/')) return adminProblem
    if (path.startsWith('/osb/')) return osbProblem
    return tokenServer.find(path)?.endpoint.problem ?? resourceProblem
  }

  return createFrontDoor(services, formAt, (request, response) => {
    const { path, listener } = request.envelope
    // Messages first: most requests are.
    if (listener !== 'pki' && worker.serves(path)) return void worker.handle(request, response)
    const endpoint = listener === 'pki' ? undefined : tokenServer.find(path)
    if (endpoint) return void tokenServer.handle(endpoint, request, response)
    if (pki.serves(path)) return void pki.handle(request, response)
    if (listener === 'pki' && !health.test(path)) request.url = '/not-on-this-port'
    presetCommonHeaders(response)
    app.routing(request, response)
  })
}

const notFound = new Problem('not_found', 'there is no such address', { check: 'address' })
