import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import { adminRoutes } from './admin/routes.ts'
import { presetCommonHeaders } from './answer.ts'
import { createWorker } from './flows.ts'
import { asProblem } from './framework.ts'
import { createFrontDoor } from './front.ts'
import { createIdentityApp } from './identity/app.ts'
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

/** The plain PKI listener serves health beside `/pki/...`, and the identity service its own; neither anything else. */
const health = /^\/(livez$|readyz$|actuator\/health(\/(liveness|readiness|startup))?$)/

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
  const identity = services.identity && (await createIdentityApp(services.identity, services))

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
    if (identity?.serves(path)) return identity.problem
    return tokenServer.find(path)?.endpoint.problem ?? resourceProblem
  }

  return createFrontDoor(services, formAt, (request, response) => {
    const { path, listener, tenant } = request.envelope
    const ofIdentity = listener === 'identity' || listener === 'identity-plain'
    const mayServe = ofIdentity || (listener !== 'pki' && services.identity?.isOnItsPortAlone === false)
    if (identity && mayServe && identity.serves(path) && tenant.id === services.identity!.tenant.id)
      return identity.handle(request, response)
    // Messages first: most requests are.
    if (listener !== 'pki' && !ofIdentity && worker.serves(path)) return void worker.handle(request, response)
    const endpoint = listener === 'pki' || ofIdentity ? undefined : tokenServer.find(path)
    if (endpoint) return void tokenServer.handle(endpoint, request, response)
    if (!ofIdentity && pki.serves(path)) return void pki.handle(request, response)
    if ((listener === 'pki' || ofIdentity) && !health.test(path)) request.url = '/not-on-this-port'
    presetCommonHeaders(response)
    app.routing(request, response)
  })
}

const notFound = new Problem('not_found', 'there is no such address', { check: 'address' })
