import { kindOf, search } from '../../../core/identity/index.ts'
import { isProblem } from '../../../core/problem.ts'
import type { IdentityCall, IdentityRoute } from './route.ts'
import type { IdentityServices } from './services.ts'

const fields = ['applicationId', 'clientId', 'name']

const handle: IdentityRoute['handle'] = (call, services) => {
  const result = search(applications(call, services), call.body, {
    idField: 'applicationId',
    filterFields: fields,
    sortFields: fields,
  })
  return isProblem(result) ? result : { status: 200, body: result }
}

/**
 * Applications, of which no published OpenAPI knows: clients are those of whoever issues tokens, so these are the ids
 * that are members or owners of something here.
 */
export const applicationRoutes: readonly IdentityRoute[] = [
  { method: 'GET', path: '/v2/applications', handle },
  { method: 'POST', path: '/v2/applications/search', handle },
]

/** Those that are in something which the caller may read. */
function* applications({ caller, model }: IdentityCall, { permissions }: IdentityServices) {
  for (const id of model.clients()) {
    const isVisible = model
      .placesOf(id)
      .some(place => permissions.may(caller, kindOf(place.kind).resourceType, 'READ', place.id))
    if (isVisible) yield { applicationId: id, clientId: id, name: id }
  }
}
