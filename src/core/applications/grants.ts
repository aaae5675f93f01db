import { limitReached } from '../broker/index.ts'
import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { applicationLimits, noApplication } from './register.ts'
import type { Application, ApplicationTable, AppRole } from './store.ts'

type Stored = { readonly store: Transactions<{ applications: ApplicationTable }> }

/** A role of one application for another one: both by client id, App ID URI or name; the role by its value. */
export interface GrantRequest {
  readonly application: string
  readonly resource: string
  readonly role: string
}

export interface Granted {
  readonly application: Application
  readonly resource: Application
  readonly role: AppRole
}

/** Grants a role, as an administrator consents to it. Tokens that are issued from now on carry it. */
export async function grantRole(
  tenant: Tenant,
  request: GrantRequest,
  { store, context }: Stored & { readonly context: Pick<Context, 'now'> },
): Promise<Granted | Problem> {
  return store.write(async ({ applications }) => {
    const found = await find(tenant, request, applications)
    if (found instanceof Problem) return found
    const { application, resource, role } = found
    if ((await applications.grants(application.id)).length >= applicationLimits.grants)
      return limitReached('grants of an application', applicationLimits.grants)
    await applications.insertGrant({
      applicationId: application.id,
      resourceId: resource.id,
      roleId: role.id,
      createdAt: context.now(),
    })
    return found
  })
}

/** Takes a role back. Tokens that are out keep it until they expire: whoever reads them asks nobody. */
export async function revokeGrant(
  tenant: Tenant,
  request: GrantRequest,
  { store }: Stored,
): Promise<Granted | Problem> {
  return store.write(async ({ applications }) => {
    const found = await find(tenant, request, applications)
    if (found instanceof Problem) return found
    const { application, resource, role } = found
    const held = await applications.grants(application.id)
    if (!held.some(one => one.resourceId === resource.id && one.roleId === role.id))
      return new Problem('not_found', `${application.name} does not hold ${role.value} of ${resource.name}`)
    await applications.deleteGrant({
      applicationId: application.id,
      resourceId: resource.id,
      roleId: role.id,
    })
    return found
  })
}

async function find(
  tenant: Tenant,
  request: GrantRequest,
  applications: ApplicationTable,
): Promise<Granted | Problem> {
  const application = await applications.find(tenant.id, request.application)
  if (!application) return noApplication(request.application)
  const resource = await applications.find(tenant.id, request.resource)
  if (!resource) return noApplication(request.resource)
  const roles = await applications.roles(resource.id)
  const role = roles.find(({ value, id }) => value === request.role || id === request.role.toLowerCase())
  return role
    ? { application, resource, role }
    : new Problem('not_found', `application ${resource.name} has no app role ${request.role}`, {
        hint: `It has ${roles.map(({ value }) => value).join(', ') || 'none'}.`,
      })
}
