import {
  addMember,
  type Container,
  type ContainerKind,
  containers,
  type Kind,
  kindOf,
  type MemberType,
  notThere,
  removeMember,
  search,
} from '../../../core/identity/index.ts'
import { isProblem, type Problem } from '../../../core/problem.ts'
import { entitiesOf, idOf, visible } from './entities.ts'
import type { IdentityAnswer, IdentityCall, IdentityRoute } from './route.ts'
import type { IdentityServices } from './services.ts'

/** How members are named in addresses, and found. */
interface Members {
  readonly plural: string
  /** Members of which more is told than their id. */
  readonly kind?: Kind
  readonly idField: string
}

const known: Readonly<Record<MemberType, Members>> = {
  user: { plural: 'users', idField: 'username' },
  client: { plural: 'clients', idField: 'clientId' },
  group: { plural: 'groups', idField: 'groupId' },
  role: { plural: 'roles', idField: 'roleId', kind: kindOf('role') },
  'mapping-rule': { plural: 'mapping-rules', idField: 'mappingRuleId', kind: kindOf('mapping-rule') },
}

/** Published searches in the other direction: what somebody is a member of. */
const reverse: readonly { readonly member: 'group'; readonly container: ContainerKind }[] = [
  { member: 'group', container: 'role' },
]

/** Who is in what: whoever may update the one that has members may change them, whoever may read it sees them. */
export const membershipRoutes: readonly IdentityRoute[] = [
  ...containers.flatMap(container => container.members.flatMap(member => ofMembers(container, member))),
  ...reverse.map(({ member, container }): IdentityRoute => {
    const [kind, others] = [kindOf(member), kindOf(container)]
    return {
      method: 'POST',
      path: `/v2/${kind.plural}/:id/${others.plural}/search`,
      handle: (call, services) =>
        found(kind, { ...others, kind: others }, call, services, id =>
          call.model.containersOf(member, id, container),
        ),
    }
  }),
]

function ofMembers(container: Container, member: MemberType): IdentityRoute[] {
  const path = `/v2/${container.plural}/:id/${known[member].plural}`
  const change =
    (make: typeof addMember): IdentityRoute['handle'] =>
    async (call, services) => {
      const containerId = idOf(container, call, services, 'UPDATE')
      if (isProblem(containerId)) return containerId
      const memberId = call.parameters.member ?? ''
      const done = await make(
        services.tenant,
        { container: container.kind, containerId, member, memberId },
        services,
      )
      return isProblem(done) ? done : { status: 204 }
    }
  return [
    { method: 'PUT', path: `${path}/:member`, changes: true, handle: change(addMember) },
    { method: 'DELETE', path: `${path}/:member`, changes: true, handle: change(removeMember) },
    {
      method: 'POST',
      path: `${path}/search`,
      handle: (call, services) =>
        found(container, known[member], call, services, id =>
          call.model.membersOf(container.kind, id, member),
        ),
    },
  ]
}

function found(
  of: Kind,
  { kind, idField }: Members,
  call: IdentityCall,
  services: IdentityServices,
  idsOf: (id: string) => Iterable<string>,
): IdentityAnswer | Problem {
  const id = idOf(of, call, services, 'READ')
  if (isProblem(id)) return id
  if (!call.model.entity(of.kind, id)) return notThere(of, id)
  const ids = idsOf(id)
  const result = kind
    ? search(visible(kind, entitiesOf(kind, ids, call.model), call, services), call.body, kind)
    : search(
        [...ids].map(one => ({ [idField]: one })),
        call.body,
        { idField, sortFields: [idField], filterFields: [] },
      )
  return isProblem(result) ? result : { status: 200, body: result }
}
