import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { apiRoles, isPredefined, predefinedRoles } from './catalog.ts'
import { limitReached, limits } from './limits.ts'
import type { InstanceTable, Role, RoleAssignmentTable, RoleTable } from './store.ts'

type Tables = { roles: RoleTable; instances: InstanceTable; assignments: RoleAssignmentTable }

/** The ids of the deployed flows that ask for a role. */
export type RoleUsers = (tenant: Tenant, role: string) => Promise<string[]>

export interface RoleInfo {
  readonly name: string
  readonly description: string
  readonly owner: 'Countersign' | 'Tenant Administrator'
}

/** The roles that instances of plan `integration-flow` can have: the predefined ones and the tenant's own. */
export async function listRoles(
  tenant: Tenant,
  { read }: { readonly read: { readonly roles: RoleTable } },
): Promise<RoleInfo[]> {
  const own = (await read.roles.list(tenant.id)).map(
    ({ name, description }): RoleInfo => ({ name, description, owner: 'Tenant Administrator' }),
  )
  const predefined = predefinedRoles.map((role): RoleInfo => ({ ...role, owner: 'Countersign' }))
  return [...predefined, ...own]
}

/** Creates a role. Names are `[A-Za-z0-9_.]`, and two that differ only in case would be mistaken for each other. */
export async function createRole(
  tenant: Tenant,
  name: string,
  description: string,
  { store, context }: { store: Transactions<Pick<Tables, 'roles'>>; context: Context },
): Promise<Role | Problem> {
  if (!/^[A-Za-z0-9_.]{1,100}$/.test(name))
    return new Problem('invalid_input', 'a role name has 1 to 100 characters out of A-Z a-z 0-9 _ .')
  const reserved = [...predefinedRoles, ...apiRoles].find(r => r.name.toLowerCase() === name.toLowerCase())
  if (reserved) return new Problem('conflict', `${reserved.name} is a predefined role and cannot be created`)
  const role: Role = { tenantId: tenant.id, name, description, createdAt: context.now() }
  return store.write(async ({ roles }) => {
    const same = await roles.find(tenant.id, name)
    if (same)
      return new Problem(
        'conflict',
        same.name === name
          ? `role ${name} exists already`
          : `role ${same.name} exists already, and role names must differ in more than case`,
      )
    if ((await roles.list(tenant.id)).length >= limits.rolesPerTenant)
      return limitReached('roles of a tenant', limits.rolesPerTenant)
    await roles.insert(role)
    return role
  })
}

/** Deletes a role that nobody has and no flow asks for. */
export async function deleteRole(
  tenant: Tenant,
  name: string,
  { store, askedBy }: { store: Transactions<Tables>; askedBy: RoleUsers },
): Promise<undefined | Problem> {
  if (isPredefined(name)) return new Problem('conflict', `${name} is a predefined role and cannot be deleted`)
  return store.write(async ({ roles, instances, assignments }) => {
    const role = await roles.find(tenant.id, name)
    if (role?.name !== name) return new Problem('not_found', `there is no role ${name}`)
    const users = [
      ...(await instances.withRole(tenant.id, name)).map(instance => `instance ${instance}`),
      ...(await assignments.withRole(tenant.id, name)).map(user => `user ${user}`),
      ...(await askedBy(tenant, name)).map(flow => `flow ${flow}`),
    ]
    if (users.length > 0)
      return new Problem('conflict', `role ${name} is used by ${shorten(users)}`, {
        hint: 'Take the role away from them first.',
      })
    await roles.delete(tenant.id, name)
    return undefined
  })
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ')
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown
}
