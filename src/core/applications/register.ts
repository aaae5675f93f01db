import { limitReached } from '../broker/index.ts'
import type { AssertionReplay, ClientTable } from '../clients/index.ts'
import { newId, newUuid } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { ensureKeyLine, type KeyMaking, type TenantKeyTable } from '../tokens/index.ts'
import { checkApplicationName, checkGuid, checkIdUri, checkRoleValues } from './rules.ts'
import type { Application, ApplicationTable, AppRole } from './store.ts'

export interface ApplicationTables {
  readonly applications: ApplicationTable
  readonly clients: Pick<ClientTable, 'byClientId'>
  readonly tenantKeys: TenantKeyTable
}

export interface ManagingApplications extends KeyMaking {
  readonly store: Transactions<ApplicationTables>
}

type Stored = Pick<ManagingApplications, 'store'>

/** What one tenant, and one application, may hold. */
export const applicationLimits = {
  perTenant: 2500,
  roles: 200,
  certificates: 20,
  secrets: 20,
  grants: 500,
} as const

/** An app role as it is asked for. */
export interface NewAppRole {
  /** A GUID; that of the role of this value, else one is made. */
  readonly id?: string | undefined
  readonly value: string
  readonly displayName?: string | undefined
  readonly enabled?: boolean | undefined
}

interface Settings {
  readonly idUri?: string | undefined
  readonly tokenVersion?: 1 | 2 | undefined
  readonly assignmentRequired?: boolean | undefined
  readonly assertionReplay?: AssertionReplay | undefined
  readonly appRoles?: readonly NewAppRole[] | undefined
}

export interface NewApplication extends Settings {
  readonly name: string
  /** Its client id, a GUID; undefined: one is made. */
  readonly id?: string | undefined
}

export interface ApplicationChanges extends Omit<Settings, 'idUri'> {
  readonly name?: string | undefined
  /** null: none any more. */
  readonly idUri?: string | null | undefined
  readonly disabled?: boolean | undefined
}

/** Registers an application (Microsoft Entra). It is client and resource from the next request on. */
export async function registerApplication(
  tenant: Tenant,
  {
    name,
    id,
    idUri,
    tokenVersion = 2,
    assignmentRequired = false,
    // MSAL sends one assertion again until it ends.
    assertionReplay = 'reported',
    appRoles = [],
  }: NewApplication,
  deps: ManagingApplications,
): Promise<Application | Problem> {
  const { store, context } = deps
  const clientId = id?.toLowerCase() ?? newUuid(context)
  const now = context.now()
  const application: Application = {
    id: newId(context),
    tenantId: tenant.id,
    clientId,
    objectId: newUuid(context),
    name,
    idUri,
    tokenVersion,
    assignmentRequired,
    assertionReplay,
    disabled: false,
    generation: 1,
    createdAt: now,
    updatedAt: now,
  }
  const roles = readRoles(appRoles, [], deps)
  const wrong =
    checkGuid(clientId) ?? checkSettings(application) ?? (roles instanceof Problem ? roles : undefined)
  if (wrong) return wrong
  // Whoever reads the keys before the first token was issued must find the one that will sign it.
  await ensureKeyLine(tenant, 'rs256', deps)
  return store.write(async ({ applications, clients }) => {
    if (await clients.byClientId(tenant.id, clientId))
      return new Problem('conflict', `client id ${clientId} is taken in this tenant`)
    const taken = await clash(application, applications)
    if (taken) return taken
    if ((await applications.count(tenant.id)) >= applicationLimits.perTenant)
      return limitReached('applications of a tenant', applicationLimits.perTenant)
    await applications.insert(application)
    for (const role of roles as readonly AppRole[]) await applications.putRole(application, role)
    return application
  })
}

/** Changes an application; what is not given stays as it is. App roles that are not named any more go, with their grants. */
export async function updateApplication(
  tenant: Tenant,
  reference: string,
  { appRoles, idUri, ...changes }: ApplicationChanges,
  deps: ManagingApplications,
): Promise<Application | Problem> {
  const { store, context } = deps
  return store.write(async ({ applications }) => {
    const current = await applications.find(tenant.id, reference)
    if (!current) return noApplication(reference)
    const application: Application = {
      ...current,
      name: changes.name ?? current.name,
      idUri: idUri === undefined ? current.idUri : (idUri ?? undefined),
      tokenVersion: changes.tokenVersion ?? current.tokenVersion,
      assignmentRequired: changes.assignmentRequired ?? current.assignmentRequired,
      assertionReplay: changes.assertionReplay ?? current.assertionReplay,
      disabled: changes.disabled ?? current.disabled,
      updatedAt: context.now(),
    }
    const refused = checkSettings(application) ?? (await clash(application, applications))
    if (refused) return refused
    if (appRoles) {
      const held = await applications.roles(current.id)
      const roles = readRoles(appRoles, held, deps)
      if (roles instanceof Problem) return roles
      // Those that go first make room for their values.
      for (const { id } of held)
        if (!roles.some(role => role.id === id)) await applications.deleteRole(current, id)
      // Roles may have changed their values with each other: none keeps another from its own.
      for (const role of roles)
        if (held.some(({ id, value }) => id === role.id && value !== role.value))
          await applications.putRole(current, { ...role, value: role.id })
      for (const role of roles) await applications.putRole(current, role)
    }
    await applications.update(application)
    return application
  })
}

/** Deletes an application with its credentials, its roles, and the grants of both sides. */
export async function deleteApplication(
  tenant: Tenant,
  reference: string,
  { store }: Stored,
): Promise<Application | Problem> {
  return store.write(async ({ applications }) => {
    const application = await applications.find(tenant.id, reference)
    if (!application) return noApplication(reference)
    await applications.delete(application)
    return application
  })
}

/** By client id, App ID URI or name. */
export async function findApplication(
  tenant: Tenant,
  reference: string,
  { store }: { readonly store: Transactions<Pick<ApplicationTables, 'applications'>> },
): Promise<Application | Problem> {
  return (await store.read.applications.find(tenant.id, reference)) ?? noApplication(reference)
}

export const noApplication = (reference: string): Problem =>
  new Problem('not_found', `there is no application ${reference}`, { hint: 'See `countersign app list`.' })

const checkSettings = ({ name, idUri, clientId }: Application): Problem | undefined =>
  checkApplicationName(name) ?? (idUri === undefined ? undefined : checkIdUri(idUri, clientId))

async function clash(
  { id, tenantId, name, idUri }: Application,
  applications: ApplicationTable,
): Promise<Problem | undefined> {
  const named = await applications.find(tenantId, name)
  if (named && named.id !== id) return new Problem('conflict', `application ${name} exists already`)
  const addressed = idUri === undefined ? undefined : await applications.resource(tenantId, idUri)
  return addressed && addressed.id !== id
    ? new Problem('conflict', `application ${addressed.name} has the App ID URI ${idUri}`)
    : undefined
}

/** A role keeps its id as long as its value stays, so that grants outlive a change of the others. */
function readRoles(
  wanted: readonly NewAppRole[],
  held: readonly AppRole[],
  { context }: Pick<KeyMaking, 'context'>,
): readonly AppRole[] | Problem {
  if (wanted.length > applicationLimits.roles)
    return limitReached('app roles of an application', applicationLimits.roles)
  const wrong = checkRoleValues(wanted.map(({ value }) => value))
  if (wrong) return wrong
  const roles = wanted.map(({ id, value, displayName = value, enabled = true }) => ({
    id: id?.toLowerCase() ?? held.find(role => role.value === value)?.id ?? newUuid(context),
    value,
    displayName: displayName.slice(0, 256),
    enabled,
  }))
  const bad = roles.map(({ id }) => checkGuid(id)).find(problem => problem !== undefined)
  if (bad) return bad
  return new Set(roles.map(({ id }) => id)).size === roles.length
    ? roles
    : new Problem('invalid_input', 'two app roles have the same id')
}
