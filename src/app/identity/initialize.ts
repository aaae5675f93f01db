import type { Context } from '../../core/context.ts'
import {
  addMember,
  createEntity,
  type EntityKind,
  ensureIdentityDefaults,
  type IdentityManagement,
  type Membership,
  type MemberType,
} from '../../core/identity/index.ts'
import { isProblem, type Problem } from '../../core/problem.ts'
import { defaultTenantName, type Tenant } from '../../core/tenant.ts'
import type { IdentitySettings, Initialization, Members } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'

type Dependencies = IdentityManagement & { readonly context: Pick<Context, 'now' | 'log'> }

/** Makes the predefined roles, and what the configuration wants to be there. Throws ConfigError. */
export async function prepareIdentity(
  { initialization, persistentSessions }: Pick<IdentitySettings, 'initialization' | 'persistentSessions'>,
  services: Dependencies & { readonly tenants: { byName(name: string): Tenant | undefined } },
): Promise<void> {
  const tenant = services.tenants.byName(defaultTenantName)!
  await ensureIdentityDefaults(tenant, services)
  await applyInitialization(tenant, initialization, services)
  if (!persistentSessions) await services.store.write(({ sessions }) => sessions.clear(tenant.id))
}

/**
 * Makes what the configuration wants to be there from the beginning, where it is not: mapping rules, roles, groups,
 * tenants, users, authorizations and who belongs to what. What is there already stays as it is. Throws ConfigError.
 */
export async function applyInitialization(
  tenant: Tenant,
  wanted: Initialization,
  deps: Dependencies,
): Promise<void> {
  async function create(kind: EntityKind, document: Readonly<Record<string, unknown>>): Promise<void> {
    const made = await createEntity(tenant, kind, withoutUndefined(document), deps)
    if (isProblem(made) && made.code !== 'conflict') throw wrong(kind, document, made)
  }

  async function join(membership: Omit<Membership, 'tenantId'>): Promise<void> {
    const joined = await addMember(tenant, membership, deps)
    if (isProblem(joined) && joined.code !== 'conflict') throw wrong(membership.container, membership, joined)
  }

  async function joinAll(
    container: Membership['container'],
    containerId: string,
    members: Members,
  ): Promise<void> {
    for (const [member, ids] of membersOf(members))
      for (const memberId of ids) await join({ container, containerId, member, memberId })
  }

  for (const { mappingRuleId, name, claimName, claimValue } of wanted.mappingRules)
    await create('mapping-rule', { mappingRuleId, name, claimName, claimValue })
  for (const { username, password, name, email } of wanted.users)
    await create('user', { username, password, name, email })
  for (const { roleId, name, description } of wanted.roles)
    await create('role', { roleId, name, description })
  for (const { groupId, name, description } of wanted.groups)
    await create('group', { groupId, name, description })
  for (const { tenantId, name, description } of wanted.tenants)
    await create('tenant', { tenantId, name, description })
  for (const one of wanted.groups) await joinAll('group', one.groupId, one)
  for (const one of wanted.roles) await joinAll('role', one.roleId, one)
  for (const one of wanted.tenants) {
    await joinAll('tenant', one.tenantId, one)
    for (const memberId of one.roles)
      await join({ container: 'tenant', containerId: one.tenantId, member: 'role', memberId })
  }
  for (const [role, members] of Object.entries(wanted.defaultRoles)) await joinAll('role', role, members)
  await createAuthorizations()

  /** They have no name to be known by: one that says the same is the same. */
  async function createAuthorizations(): Promise<void> {
    for (const { ownerType, ownerId, resourceType, resourceId, permissions } of wanted.authorizations) {
      const held = await deps.store.read.identity.ownedBy(tenant.id, ownerType, ownerId)
      const isThere = held.some(
        ({ content }) =>
          content.resourceType === resourceType &&
          content.resourceId === resourceId &&
          permissions.every(permission => (content.permissionTypes as string[]).includes(permission)),
      )
      if (isThere) continue
      await create('authorization', {
        ownerType,
        ownerId,
        resourceType,
        resourceId,
        permissionTypes: permissions,
      })
    }
  }
}

const membersOf = ({ users, clients, groups, mappingRules }: Members): [MemberType, readonly string[]][] => [
  ['user', users],
  ['client', clients],
  ['group', groups],
  ['mapping-rule', mappingRules],
]

const withoutUndefined = (document: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined))

const wrong = (what: string, which: object, { description }: Problem): ConfigError => {
  const { password: _, ...named } = which as Record<string, unknown>
  return new ConfigError(`the initial ${what} ${JSON.stringify(named)} cannot be made: ${description}`)
}
