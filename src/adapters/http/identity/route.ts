import type { IdentityCaller, IdentityModel } from '../../../core/identity/index.ts'
import { Problem } from '../../../core/problem.ts'
import { printable } from '../../../core/schema.ts'
import type { Soon } from '../../../core/soon.ts'
import type { IdentityServices } from './services.ts'

/** A request whose sender is known. */
export interface IdentityCall {
  readonly caller: IdentityCaller
  /** As it is now. */
  readonly model: IdentityModel
  /** Of the address, decoded. */
  readonly parameters: Readonly<Record<string, string>>
  /** undefined: there was none. */
  readonly body: unknown
}

export interface IdentityAnswer {
  readonly status: 200 | 201 | 204
  readonly body?: object
}

/** An operation of the API. Statuses and bodies are those of the published OpenAPI of Camunda 8.8. */
export interface IdentityRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As the framework writes it, with `:name` for parameters. */
  readonly path: string
  /** Leaves a line in the log. */
  readonly changes?: true
  handle(call: IdentityCall, services: IdentityServices): Soon<IdentityAnswer | Problem>
}

type Permitting = Pick<IdentityServices, 'permissions'>

/** Why the caller may not do that; undefined: he may. */
export function forbidden(
  { caller }: Pick<IdentityCall, 'caller'>,
  { permissions }: Permitting,
  resourceType: string,
  permission: string,
  id: string,
): Problem | undefined {
  if (permissions.may(caller, resourceType, permission, id)) return undefined
  const who = caller.principal ? `${caller.principal.type} ${printable(caller.principal.id)}` : 'nobody'
  return new Problem('insufficient_scope', `no permission ${permission} on ${resourceType}`, {
    check: 'permission',
    reason: `${who} has no permission ${permission} on ${resourceType} ${printable(id)}`,
    hint: 'Whoever may do so gives it with POST /v2/authorizations, or makes the caller a member of a role that has it.',
  })
}

/** The body of an operation that needs one. */
export function documentOf({
  body,
}: Pick<IdentityCall, 'body'>): Readonly<Record<string, unknown>> | Problem {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Readonly<Record<string, unknown>>
  return new Problem('invalid_input', 'the body is no JSON object')
}
