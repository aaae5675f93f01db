import { type Caller, type Guard, isProblem, type Problem } from './index.ts'
import type { NodeRequest } from './node-request.ts'

/** What is needed of the response of Express (4 or 5). */
export interface Response {
  status(status: number): unknown
  set(headers: Record<string, string>): unknown
  json(body: unknown): unknown
}
export type Middleware = (request: NodeRequest, response: Response, next: (error?: unknown) => void) => void

/**
 * Middleware that lets a request through when its token is valid and has one of the roles, and answers it otherwise.
 * Handlers read `request.caller`, or with a type `callerOf(request)`. A token that is bound to a certificate counts only
 * with it: the guard's option `clientCertificate` says where it is found.
 *
 *     app.post('/orders', requireRole(guard, 'orders.write'), handler)
 */
export function requireRole(guard: Guard, ...roles: string[]): Middleware {
  if (roles.length === 0) throw new TypeError('requireRole needs a role; for any caller use requireToken')
  return middleware(guard, caller => guard.requireRole(caller, ...roles))
}

/** The same for every caller with a valid token, whatever its roles. */
export function requireToken(guard: Guard): Middleware {
  return middleware(guard, () => undefined)
}

/** The caller that the middleware found. Throws when no middleware of this file guards the route. */
export function callerOf(request: object): Caller {
  const { caller } = request as { caller?: Caller }
  if (!caller) throw new Error('no caller: this route has no requireRole or requireToken middleware')
  return caller
}

function middleware(guard: Guard, authorize: (caller: Caller) => Problem | undefined): Middleware {
  return (request, response, next) => {
    const answer = (caller: Caller | Problem) => {
      const problem = isProblem(caller) ? caller : authorize(caller)
      if (!problem) {
        Object.assign(request, { caller })
        return next()
      }
      response.status(problem.status)
      response.set(problem.headers)
      response.json(problem.body)
    }
    guard.checkRequest(request).then(answer, next)
  }
}
