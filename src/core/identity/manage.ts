import type { z } from 'zod'
import type { ChosenSecrets } from '../clients/index.ts'
import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import { printable } from '../schema.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { auditRole } from './audit.ts'
import { isIndispensable } from './defaults.ts'
import { invalid } from './invalid.ts'
import type { AuthorizationContent, OwnerType } from './kinds/authorization.ts'
import { wrongCommonId } from './kinds/ids.ts'
import { containerOf, kindOf } from './kinds/index.ts'
import type { Kind } from './kinds/kind.ts'
import type {
  ContainerKind,
  EntityKind,
  IdentityTable,
  IdentityTables,
  Membership,
  MemberType,
  StoredEntity,
} from './store.ts'

export interface IdentityManagement {
  readonly store: Transactions<IdentityTables>
  readonly chosenSecrets: Pick<ChosenSecrets, 'hash'>
  readonly context: Pick<Context, 'now' | 'log'>
}

type Home = Pick<Tenant, 'id'>

/** Creates an entity; `given`: its document, with its id. */
export async function createEntity(
  { id: tenantId }: Home,
  kindName: EntityKind,
  given: Readonly<Record<string, unknown>>,
  deps: IdentityManagement,
): Promise<StoredEntity | Problem> {
  const kind = kindOf(kindName)
  const { [kind.idField]: givenId, ...rest } = given
  const isKeyed = kindName === 'authorization'
  if (isKeyed && givenId !== undefined) return invalid(`${kind.idField}: is given by the server`)
  if (!isKeyed && typeof givenId !== 'string') return invalid(`${kind.idField}: is missing`)
  const wrongId = isKeyed ? undefined : kind.wrongId(String(givenId))
  if (wrongId) return invalid(`${kind.idField}: ${wrongId}`)
  const content = await readContent(kind, kind.create, rest, deps)
  if (content instanceof Problem) return content
  return deps.store.write(async ({ identity }) => {
    const id = isKeyed ? String(await identity.nextKey(tenantId)) : String(givenId)
    if (await identity.find(tenantId, kindName, id))
      return new Problem('conflict', `there is a ${kind.title} ${printable(id)} already`)
    const refused = isKeyed
      ? await missingOwner(tenantId, content as unknown as AuthorizationContent, identity)
      : undefined
    if (refused) return refused
    const entity: StoredEntity = { tenantId, kind: kindName, id, content, createdAt: deps.context.now() }
    await identity.put(entity)
    return entity
  })
}

/** Puts other content in the place of an entity's; of a user's password only if there is a new one. */
export async function updateEntity(
  { id: tenantId }: Home,
  kindName: EntityKind,
  id: string,
  given: Readonly<Record<string, unknown>>,
  deps: IdentityManagement,
): Promise<StoredEntity | Problem> {
  const kind = kindOf(kindName)
  const content = await readContent(kind, kind.update, given, deps)
  if (content instanceof Problem) return content
  return deps.store.write(async ({ identity }) => {
    const before = await identity.find(tenantId, kindName, id)
    if (!before) return notThere(kind, id)
    const refused =
      kindName === 'authorization'
        ? await missingOwner(tenantId, content as unknown as AuthorizationContent, identity)
        : undefined
    if (refused) return refused
    const kept =
      kindName === 'user' && content.password === undefined ? { password: before.content.password } : {}
    const entity: StoredEntity = { ...before, content: { ...content, ...kept } }
    await identity.put(entity)
    return entity
  })
}

/** Deletes an entity with its memberships and the authorizations that it owns; not what nobody could make again. */
export async function deleteEntity(
  { id: tenantId }: Home,
  kindName: EntityKind,
  id: string,
  { store }: Pick<IdentityManagement, 'store'>,
): Promise<StoredEntity | Problem> {
  return store.write(async ({ identity }) => {
    const found = await identity.find(tenantId, kindName, id)
    if (!found) return notThere(kindOf(kindName), id)
    if (isIndispensable(found))
      return new Problem(
        'conflict',
        `the ${kindOf(kindName).title} ${printable(id)} is predefined, and stays`,
      )
    const ownerType = ownerTypeOf[kindName]
    if (ownerType !== undefined)
      for (const one of await identity.ownedBy(tenantId, ownerType, id)) await identity.delete(one)
    await identity.delete(found)
    return found
  })
}

/** Makes somebody a member. */
export async function addMember(
  home: Home,
  membership: Omit<Membership, 'tenantId'>,
  { store, context }: Pick<IdentityManagement, 'store' | 'context'>,
): Promise<Membership | Problem> {
  const added = await store.write(async ({ identity }) => {
    const checked = await checkMembership(home, membership, identity)
    if (checked instanceof Problem) return checked
    if (await identity.has(checked))
      return new Problem(
        'conflict',
        `${wordOf(membership.member)} ${printable(membership.memberId)} is a member of ${membership.container} ${printable(membership.containerId)} already`,
      )
    await identity.add(checked)
    return checked
  })
  if (!(added instanceof Problem) && added.container === 'role')
    auditRole(
      added.containerId,
      `${added.member} ${printable(added.memberId)}`,
      { member: added.member, memberId: added.memberId },
      context.log,
    )
  return added
}

export async function removeMember(
  home: Home,
  membership: Omit<Membership, 'tenantId'>,
  { store }: Pick<IdentityManagement, 'store'>,
): Promise<Membership | Problem> {
  return store.write(async ({ identity }) => {
    const full = { ...membership, tenantId: home.id }
    if (!(await identity.find(home.id, membership.container, membership.containerId)))
      return notThere(kindOf(membership.container), membership.containerId)
    if (!(await identity.has(full)))
      return new Problem(
        'not_found',
        `${wordOf(membership.member)} ${printable(membership.memberId)} is no member of ${membership.container} ${printable(membership.containerId)}`,
      )
    await identity.remove(full)
    return full
  })
}

async function checkMembership(
  { id: tenantId }: Home,
  membership: Omit<Membership, 'tenantId'>,
  identity: IdentityTable,
): Promise<Membership | Problem> {
  const { container, containerId, member, memberId } = membership
  if (!containerOf(container).members.includes(member))
    return invalid(`a ${wordOf(member)} is no member of a ${container}`)
  if (!(await identity.find(tenantId, container, containerId)))
    return notThere(kindOf(container), containerId)
  const foreign = foreigners[member]
  if (foreign) {
    const wrong = wrongCommonId(memberId)
    if (wrong) return invalid(`${foreign}: ${wrong}`)
  } else if (!(await identity.find(tenantId, member as EntityKind, memberId)))
    return notThere(kindOf(member as EntityKind), memberId)
  return { tenantId, ...membership }
}

/** Users of OIDC are known to those who issue tokens; only those who sign in with a password are known here. */
const foreigners: Readonly<Partial<Record<MemberType, string>>> = { user: 'username', client: 'clientId' }

const wordOf = (member: MemberType): string => (member === 'client' ? 'client' : kindOf(member).title)

const ownerTypeOf: Readonly<Partial<Record<EntityKind, OwnerType>>> = {
  user: 'USER',
  role: 'ROLE',
  group: 'GROUP',
  'mapping-rule': 'MAPPING_RULE',
}

const kindOfOwner: Readonly<Partial<Record<OwnerType, ContainerKind | 'mapping-rule'>>> = {
  ROLE: 'role',
  GROUP: 'group',
  MAPPING_RULE: 'mapping-rule',
}

/** Roles, groups and rules have to be there; users and clients may be those of others. */
async function missingOwner(
  tenantId: string,
  { ownerType, ownerId }: AuthorizationContent,
  identity: IdentityTable,
): Promise<Problem | undefined> {
  const kind = kindOfOwner[ownerType]
  if (kind === undefined || (await identity.find(tenantId, kind, ownerId))) return undefined
  return notThere(kindOf(kind), ownerId)
}

/** Reads what somebody gave by its schema; a password is hashed. */
export async function readContent(
  kind: Kind,
  schema: z.ZodType,
  given: unknown,
  { chosenSecrets }: Pick<IdentityManagement, 'chosenSecrets'>,
): Promise<Readonly<Record<string, unknown>> | Problem> {
  const read = schema.safeParse(given)
  if (!read.success) {
    const says = read.error.issues
      .slice(0, 10)
      .map(({ path, message }) => `${path.join('.') || kind.title}: ${message}`)
    return invalid(says.join('; '))
  }
  const { password, ...content } = read.data as { password?: string | null }
  if (!password) return content
  const hashed = await chosenSecrets.hash(password, 'users')
  if (hashed === 'full')
    return new Problem('unavailable', 'too many passwords are being set at the moment', { retryAfter: 1 })
  return { ...content, password: hashed }
}

export const notThere = (kind: Pick<Kind, 'title'>, id: string): Problem =>
  new Problem('not_found', `there is no ${kind.title} ${printable(id)}`)
