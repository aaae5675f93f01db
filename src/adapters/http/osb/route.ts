import type { z } from 'zod'
import type { Problem } from '../../../core/problem.ts'
import type { Tenant } from '../../../core/tenant.ts'
import type { Services } from '../services.ts'

/** What a handler of the service broker is given, checked. */
export interface OsbRequest<Parameters, Query, Body> {
  readonly tenant: Tenant
  /** The roles of the platform's own credential. */
  readonly roles: ReadonlySet<string>
  readonly parameters: Parameters
  readonly query: Query
  readonly body: Body
}

/** A good answer, and what was set, for the log: never a credential. */
export interface OsbAnswer {
  readonly status: 200 | 201
  readonly body: object
  readonly set?: Readonly<Record<string, unknown>>
}

/** One operation of the Open Service Broker API 2.17. A new one is an entry in the list of its resource. */
export interface OsbRoute<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/osb/v2`, with `:name` for parameters. */
  readonly path: string
  readonly parameters?: P
  readonly query?: Q
  readonly body?: B
  handle(
    request: OsbRequest<z.infer<P>, z.infer<Q>, z.infer<B>>,
    services: Services,
  ): Promise<OsbAnswer | Problem>
}

/** Keeps the types of the schemas for the handler, and lets routes of all kinds stand in one list. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  definition: OsbRoute<P, Q, B>,
): OsbRoute {
  return definition as unknown as OsbRoute
}
