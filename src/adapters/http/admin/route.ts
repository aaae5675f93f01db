import type { z } from 'zod'
import type { ApiRole } from '../../../core/broker/index.ts'
import type { Problem } from '../../../core/problem.ts'
import type { Tenant } from '../../../core/tenant.ts'
import type { Services } from '../services.ts'

/** What a handler of the admin API is given, checked. */
export interface AdminRequest<Parameters, Query, Body> {
  readonly tenant: Tenant
  readonly parameters: Parameters
  readonly query: Query
  readonly body: Body
  readonly correlationId: string
  /** Client id of the caller, for the log. */
  readonly actor: string
  /** The roles of the caller. */
  readonly roles: ReadonlySet<string>
}

/**
 * One operation of the admin API. The schemas that validate are those that the OpenAPI document shows. A new one
 * is an entry in the list of its resource.
 */
export interface AdminRoute<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/admin/v1`, with `:name` for parameters. */
  readonly path: string
  readonly summary: string
  /** Any of these lets the caller in. */
  readonly roles: readonly ApiRole[]
  readonly parameters?: P
  readonly query?: Q
  readonly body?: B
  readonly answer?: A
  /** HTTP status of a good answer; 200 where not given. */
  readonly status?: number
  handle(
    request: AdminRequest<z.infer<P>, z.infer<Q>, z.infer<B>>,
    services: Services,
  ): Promise<unknown | Problem>
  /** What was set, for the log: the new values by name. Never a secret, a token or a query. */
  audit?(answer: z.infer<A>, body: z.infer<B>): Readonly<Record<string, unknown>>
}

/** Keeps the types of the schemas for the handler, and lets routes of all kinds stand in one list. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
  definition: AdminRoute<P, Q, B, A>,
): AdminRoute {
  return definition as unknown as AdminRoute
}
