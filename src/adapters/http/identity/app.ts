import type { ServerResponse } from 'node:http'
import Fastify from 'fastify'
import type { IdentityService } from '../../../core/identity/index.ts'
import { presetCommonHeaders } from '../answer.ts'
import type { Renderer } from '../problems.ts'
import type { EnvelopedRequest } from '../request.ts'
import type { Services } from '../services.ts'
import { identityProblem } from './problem.ts'
import { registerIdentity } from './routes.ts'
import { callerOf, handleSession, isOfSessions } from './sessions.ts'

/** The addresses of the identity service. */
export interface IdentityApp {
  /** Is it one of its addresses? */
  serves(path: string): boolean
  readonly problem: Renderer
  handle(request: EnvelopedRequest, response: ServerResponse): void
}

const ofApi = /^\/(v2\/|identity\/api\/)/
/** As long as ids may be, encoded. */
const longestParameter = 2000

export async function createIdentityApp(identity: IdentityService, services: Services): Promise<IdentityApp> {
  const ofSessions = { ...identity, ...pick(services), realm: identity.tenant.name }
  const app = Fastify({
    logger: false,
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: longestParameter },
  })
  await registerIdentity(app, {
    ...identity,
    ...pick(services),
    store: services.store,
    chosenSecrets: services.chosenSecrets,
    authenticate: request => callerOf(request, ofSessions),
  })
  await app.ready()
  return {
    problem: identityProblem(identity.takesPasswords),
    serves: path => ofApi.test(path) || isOfSessions(path),
    handle(request, response) {
      if (isOfSessions(request.envelope.path)) return void handleSession(request, response, ofSessions)
      presetCommonHeaders(response)
      app.routing(request, response)
    },
  }
}

const pick = ({ journal, meter, context }: Services) => ({ journal, meter, context })
