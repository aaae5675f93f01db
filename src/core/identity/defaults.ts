import type { Context } from '../context.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { resourcePermissions } from './kinds/authorization.ts'
import type { EntityKind, IdentityTable, IdentityTables } from './store.ts'

/** The role that may do everything. */
export const administratorRole = 'admin'
const defaultTenant = '<default>'

/** Without the one nobody could administer anything, and who is in no other tenant is in the other. */
export const isIndispensable = ({ kind, id }: { readonly kind: EntityKind; readonly id: string }): boolean =>
  (kind === 'role' && id === administratorRole) || (kind === 'tenant' && id === defaultTenant)

interface PredefinedRole {
  readonly id: string
  readonly name: string
  readonly description: string
  /** Resource type -> permissions on every resource of it. */
  readonly permissions: Readonly<Record<string, readonly string[]>>
}

const ofReading = Object.fromEntries(
  Object.entries(resourcePermissions)
    .map(([type, all]) => [type, all.filter(one => /^READ(_|$)/.test(one))] as const)
    .filter(([, reading]) => reading.length > 0),
)

/** THE LIST of roles that are there from the first start on: those of Camunda 8.8 and 8.9, and `user`. */
const predefinedRoles: readonly PredefinedRole[] = [
  {
    id: administratorRole,
    name: 'Admin',
    description: 'May do everything',
    permissions: resourcePermissions,
  },
  {
    id: 'readonly-admin',
    name: 'Readonly Admin',
    description: 'May read everything, and change nothing',
    permissions: ofReading,
  },
  {
    id: 'connectors',
    name: 'Connectors',
    description: 'For the connector runtime',
    permissions: {
      PROCESS_DEFINITION: [
        'READ_PROCESS_DEFINITION',
        'READ_PROCESS_INSTANCE',
        'CREATE_PROCESS_INSTANCE',
        'UPDATE_PROCESS_INSTANCE',
      ],
      MESSAGE: ['CREATE'],
      DOCUMENT: ['CREATE', 'READ', 'DELETE'],
    },
  },
  {
    id: 'rpa',
    name: 'RPA',
    description: 'For workers of robotic process automation',
    permissions: { RESOURCE: ['READ'], PROCESS_DEFINITION: ['UPDATE_PROCESS_INSTANCE'] },
  },
  {
    id: 'app-integrations',
    name: 'App Integrations',
    description: 'For integrations of other applications',
    permissions: {
      PROCESS_DEFINITION: [
        'READ_PROCESS_DEFINITION',
        'READ_PROCESS_INSTANCE',
        'READ_USER_TASK',
        'CREATE_PROCESS_INSTANCE',
        'UPDATE_PROCESS_INSTANCE',
        'UPDATE_USER_TASK',
      ],
      DOCUMENT: ['CREATE'],
    },
  },
  {
    id: 'task-worker',
    name: 'Task Worker',
    description: 'For people who work on user tasks',
    permissions: { USER_TASK: ['READ', 'CLAIM', 'COMPLETE'] },
  },
  {
    id: 'user',
    name: 'User',
    description: 'Somebody who is known: what he may do is for the operator to say',
    permissions: {},
  },
]

/**
 * Makes the tenant `<default>` and the predefined roles with their authorizations, once: what an operator has deleted
 * since does not come back, but for what is indispensable. Nobody becomes a member of a role by it. True when something
 * was made.
 */
export async function ensureIdentityDefaults(
  { id: tenantId }: Pick<Tenant, 'id'>,
  { store, context }: { store: Transactions<IdentityTables>; context: Pick<Context, 'now'> },
): Promise<boolean> {
  const isThere = async (identity: IdentityTable, kind: EntityKind, id: string) =>
    (await identity.find(tenantId, kind, id)) !== undefined
  // Authorizations have numbers: once there was one, there was a first start.
  const hasStarted = async (identity: IdentityTable) => (await identity.lastKey(tenantId)) > 0
  const isWhole = async (identity: IdentityTable) =>
    (await isThere(identity, 'role', administratorRole)) && (await isThere(identity, 'tenant', defaultTenant))
  if ((await hasStarted(store.read.identity)) && (await isWhole(store.read.identity))) return false
  return store.write(async ({ identity }) => {
    const isFirst = !(await hasStarted(identity))
    if (!isFirst && (await isWhole(identity))) return false
    const put = (kind: EntityKind, id: string, content: Readonly<Record<string, unknown>>) =>
      putUnlessThere({ tenantId, kind, id, content, createdAt: context.now() }, identity)
    await put('tenant', defaultTenant, { name: 'Default' })
    for (const { id, name, description, permissions } of predefinedRoles) {
      if (!isFirst && (id !== administratorRole || (await isThere(identity, 'role', id)))) continue
      await put('role', id, { name, description })
      const membership = { tenantId, containerId: defaultTenant, memberId: id } as const
      const full = { ...membership, container: 'tenant', member: 'role' } as const
      if (!(await identity.has(full))) await identity.add(full)
      for (const [resourceType, permissionTypes] of Object.entries(permissions))
        await put('authorization', String(await identity.nextKey(tenantId)), {
          ownerType: 'ROLE',
          ownerId: id,
          resourceType,
          resourceId: '*',
          permissionTypes,
        })
    }
    return true
  })
}

async function putUnlessThere(
  entity: Parameters<IdentityTable['put']>[0],
  identity: IdentityTable,
): Promise<void> {
  if (!(await identity.find(entity.tenantId, entity.kind, entity.id))) await identity.put(entity)
}
