import {
  containers,
  createEntity,
  deleteEntity,
  type IdentityModel,
  type Kind,
  kinds,
  notThere,
  type StoredEntity,
  search,
  updateEntity,
} from '../../../core/identity/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import { documentOf, forbidden, type IdentityAnswer, type IdentityCall, type IdentityRoute } from './route.ts'
import type { IdentityServices } from './services.ts'

/** What the published OpenAPI answers to changes, where it is not the document. */
const otherAnswers: Readonly<Partial<Record<Kind['kind'], Changed>>> = {
  authorization: {
    created: ({ id }) => ({ status: 201, body: { authorizationKey: id } }),
    updated: () => ({ status: 204 }),
  },
}

interface Changed {
  created(entity: StoredEntity): IdentityAnswer
  updated(entity: StoredEntity): IdentityAnswer
}

/** Create, search, get, update and delete, for each kind. */
export const entityRoutes: readonly IdentityRoute[] = kinds.flatMap((kind): IdentityRoute[] => {
  const all = `/v2/${kind.plural}`
  const one = `${all}/:id`
  const { created, updated } = otherAnswers[kind.kind] ?? {
    created: entity => ({ status: 201, body: kind.view(entity) }),
    updated: entity => ({ status: 200, body: kind.view(entity) }),
  }
  return [
    {
      method: 'POST',
      path: all,
      changes: true,
      async handle(call, services) {
        const refused = forbidden(call, services, kind.resourceType, 'CREATE', '*')
        if (refused) return refused
        const given = documentOf(call)
        if (isProblem(given)) return given
        const taking = kind.kind === 'user' ? takesOver(String(given.username), call, services) : undefined
        if (taking) return taking
        const entity = await createEntity(services.tenant, kind.kind, given, services)
        return isProblem(entity) ? entity : created(entity)
      },
    },
    {
      method: 'POST',
      path: `${all}/search`,
      handle(call, services) {
        const found = search(visible(kind, call.model.all(kind.kind), call, services), call.body, kind)
        return isProblem(found) ? found : { status: 200, body: found }
      },
    },
    {
      method: 'GET',
      path: one,
      handle(call, services) {
        const id = idOf(kind, call, services, 'READ')
        if (isProblem(id)) return id
        const entity = call.model.entity(kind.kind, id)
        return entity ? { status: 200, body: kind.view(entity) } : notThere(kind, id)
      },
    },
    {
      method: 'PUT',
      path: one,
      changes: true,
      async handle(call, services) {
        const id = idOf(kind, call, services, 'UPDATE')
        if (isProblem(id)) return id
        const given = documentOf(call)
        if (isProblem(given)) return given
        const entity = await updateEntity(services.tenant, kind.kind, id, given, services)
        return isProblem(entity) ? entity : updated(entity)
      },
    },
    {
      method: 'DELETE',
      path: one,
      changes: true,
      async handle(call, services) {
        const id = idOf(kind, call, services, 'DELETE')
        if (isProblem(id)) return id
        const entity = await deleteEntity(services.tenant, kind.kind, id, services)
        return isProblem(entity) ? entity : { status: 204 }
      },
    },
  ]
})

/**
 * A name may belong to somebody before there is a user of that name here: who shows a certificate or a token, or who
 * is meant to come. Setting its password is taking it over, as with a user who is there.
 */
function takesOver(name: string, call: IdentityCall, services: IdentityServices): Problem | undefined {
  const { model } = call
  const isSomebody =
    model.authorizationsOf('USER', name).size > 0 ||
    containers.some(({ kind }) => model.containersOf('user', name, kind).size > 0)
  return isSomebody ? forbidden(call, services, 'USER', 'UPDATE', name) : undefined
}

/** The id in the address, for a caller who may do that with what it names, be it there or not. */
export function idOf(
  kind: Kind,
  call: IdentityCall,
  services: IdentityServices,
  permission: 'READ' | 'UPDATE' | 'DELETE',
): string | Problem {
  const id = call.parameters.id ?? ''
  const refused = forbidden(call, services, kind.resourceType, permission, id)
  if (refused) return refused
  const wrong = kind.wrongId(id)
  return wrong ? new Problem('invalid_input', `${kind.idField}: ${wrong}`) : id
}

/** The documents of those that the caller may read. */
export function* visible(
  kind: Kind,
  entities: Iterable<StoredEntity>,
  { caller }: Pick<IdentityCall, 'caller'>,
  { permissions }: Pick<IdentityServices, 'permissions'>,
): Generator<Readonly<Record<string, unknown>>> {
  const may = (id: string) => permissions.may(caller, kind.resourceType, 'READ', id)
  const all = may('*')
  for (const entity of entities) if (all || may(entity.id)) yield kind.view(entity)
}

/** Entities by their ids, in a model; those that are gone are left out. */
export function* entitiesOf(
  kind: Kind,
  ids: Iterable<string>,
  model: IdentityModel,
): Generator<StoredEntity> {
  for (const id of ids) {
    const entity = model.entity(kind.kind, id)
    if (entity) yield entity
  }
}
