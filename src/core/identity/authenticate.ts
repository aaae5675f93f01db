import { isProblem, Problem } from '../problem.ts'
import { after, type Soon } from '../soon.ts'
import type { Tenant } from '../tenant.ts'
import { type IdentityCaller, nobodyInParticular } from './caller.ts'
import type { IdentityModel, IdentityModels } from './model.ts'
import { type Memberships, type Principal, resolve } from './resolve.ts'
import type { IdentityRequest, IdentityWay, Proven } from './way.ts'

export interface IdentityAuthentication {
  readonly models: IdentityModels
  /** In order: the first that claims a request decides. */
  readonly ways: readonly IdentityWay[]
  /** CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI: whoever shows nothing is let in as nobody in particular. */
  readonly unprotectedApi: boolean
  /** What an operator can do about a request without credentials. */
  readonly hint: string
}

/** Who calls? A credential that is there and wrong is refused, whatever else would let the request in. */
export function authenticateIdentity(
  { id }: Pick<Tenant, 'id'>,
  request: IdentityRequest,
  { models, ways, unprotectedApi, hint }: IdentityAuthentication,
): Soon<IdentityCaller | Problem> {
  const way = ways.find(one => one.claims(request))
  if (way)
    return after(way.prove(request), proven =>
      isProblem(proven) ? proven : after(models.of(id), model => callerOf(proven, model)),
    )
  if (request.authorization !== undefined)
    return new Problem('bad_credentials', 'the credentials are not valid', {
      reason: 'the Authorization header is of a scheme that is not accepted here',
      hint,
    })
  return unprotectedApi
    ? nobodyInParticular
    : new Problem('no_credentials', 'credentials are needed', {
        reason: 'the request carries no credentials',
        hint,
      })
}

const callerOf = (proven: Proven, model: IdentityModel): IdentityCaller => ({
  ...proven,
  memberships: membershipsOf(proven.principal, model),
})

interface Resolved {
  readonly version: number
  readonly memberships: Memberships
}
const resolved = new WeakMap<Principal, Resolved>()

/** Found out once for a principal that is kept, until something changes: then rules cost a request nothing. */
function membershipsOf(principal: Principal, model: IdentityModel): Memberships {
  const known = resolved.get(principal)
  if (known?.version === model.version) return known.memberships
  const memberships = resolve(principal, model)
  resolved.set(principal, { version: model.version, memberships })
  return memberships
}
