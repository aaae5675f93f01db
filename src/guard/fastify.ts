import { type Caller, type Guard, isProblem, type Problem } from './index.ts'
import type { NodeRequest } from './node-request.ts'

/** What is needed of a FastifyRequest and a FastifyReply. */
export interface Request {
  readonly raw: NodeRequest
}
export interface Reply {
  code(status: number): unknown
  headers(headers: Record<string, string>): unknown
  send(body: unknown): unknown
}
export type Hook = (request: Request, reply: Reply) => Promise<unknown>

/**
 * A hook (onRequest or preHandler) that lets a request through when its token is valid and has one of the roles, and
 * answers it otherwise. Handlers read `request.caller`, or with a type `callerOf(request)`. A token that is bound to a
 * certificate counts only with it: the guard's option `clientCertificate` says where it is found.
 *
 *     app.post('/orders', { onRequest: requireRole(guard, 'orders.write') }, handler)
 */
export function requireRole(guard: Guard, ...roles: string[]): Hook {
  if (roles.length === 0) throw new TypeError('requireRole needs a role; for any caller use requireToken')
  return hook(guard, caller => guard.requireRole(caller, ...roles))
}

/** The same for every caller with a valid token, whatever its roles. */
export function requireToken(guard: Guard): Hook {
  return hook(guard, () => undefined)
}

/** The caller that the hook found. Throws when no hook of this file guards the route. */
export function callerOf(request: object): Caller {
  const { caller } = request as { caller?: Caller }
  if (!caller) throw new Error('no caller: this route has no requireRole or requireToken hook')
  return caller
}

function hook(guard: Guard, authorize: (caller: Caller) => Problem | undefined): Hook {
  return async (request, reply) => {
    const caller = await guard.checkRequest(request.raw)
    const problem = isProblem(caller) ? caller : authorize(caller)
    if (!problem) {
      Object.assign(request, { caller })
      return undefined
    }
    reply.code(problem.status)
    reply.headers(problem.headers)
    return reply.send(problem.body)
  }
}
