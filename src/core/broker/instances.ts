import { type IssuedCertificateTable, revokeAllIssuedTo } from '../authority/index.ts'
import { type Context, newId } from '../context.ts'
import { nearestName } from '../nearest.ts'
import { type Plan, plan, plans } from '../plans.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import { defaultTenantName, type Tenant } from '../tenant.ts'
import { apiRoles, operatorRole, predefinedRoles } from './catalog.ts'
import { checkName, limitReached, limits } from './limits.ts'
import type { InstanceParameters } from './parameters.ts'
import type { Instance, InstanceTable, RoleTable, ServiceKeyTable } from './store.ts'

type DeletionTables = { keys: ServiceKeyTable; issued: IssuedCertificateTable }
type Tables = { roles: RoleTable; instances: InstanceTable }

export interface Brokering {
  readonly store: Transactions<Tables>
  readonly context: Context
}

export interface NewInstance {
  readonly name: string
  readonly plan: string
  readonly parameters: InstanceParameters
}

/** Days for which a renewed credential is accepted beside its successor, where nothing else is said. */
const defaultOverlapDays = 7

/** Creates a service instance: the definition that its keys share. */
export async function createInstance(
  tenant: Tenant,
  wanted: NewInstance,
  deps: Brokering,
): Promise<Instance | Problem> {
  const badName = checkName('instance', wanted.name)
  if (badName) return badName
  const instance = newInstance(tenant, wanted, deps)
  if (instance instanceof Problem) return instance
  return deps.store.write(async tables => (await insertInstance(tenant, instance, tables)) ?? instance)
}

/** An instance with its defaults; nobody knows of it until it is inserted. */
export function newInstance(
  tenant: Tenant,
  { name, plan: planName, parameters }: NewInstance,
  { context }: Pick<Brokering, 'context'>,
): Instance | Problem {
  const itsPlan = plan(planName)
  if (!itsPlan)
    return new Problem(
      'invalid_input',
      `there is no plan ${planName}; plans are ${plans.map(p => p.name).join(' and ')}`,
    )
  const now = context.now()
  const instance: Instance = {
    id: newId(context),
    tenantId: tenant.id,
    name,
    plan: itsPlan.name,
    dialect: parameters.dialect ?? 'standard',
    roles: parameters.roles ?? itsPlan.defaultRoles,
    grantTypes: parameters.grantTypes ?? ['client_credentials'],
    redirectUris: parameters.redirectUris ?? [],
    tokenValidity: parameters.tokenValidity ?? itsPlan.defaultTokenValidity,
    tokenFormat: parameters.tokenFormat ?? 'jwt',
    bindTokens: parameters.bindTokens ?? false,
    assertionAudience: parameters.assertionAudience ?? 'issuer',
    assertionReplay: parameters.assertionReplay ?? 'refused',
    certificateOverlap: parameters.certificateOverlap ?? defaultOverlapDays,
    createdAt: now,
    updatedAt: now,
  }
  return cannotBind(instance) ?? instance
}

/** Inside a transaction: stores a new instance, unless its name is taken, a role is not there or a limit is reached. */
export async function insertInstance(
  tenant: Tenant,
  instance: Instance,
  { instances, roles }: Tables,
): Promise<Problem | undefined> {
  if (await instances.find(tenant.id, instance.name))
    return new Problem('conflict', `instance ${instance.name} exists already`)
  if ((await instances.count(tenant.id)) >= limits.instancesPerTenant)
    return limitReached('instances of a tenant', limits.instancesPerTenant)
  const badRole = await checkRoles(tenant, plan(instance.plan)!, instance.roles, roles)
  if (badRole) return badRole
  await instances.insert(instance)
  return undefined
}

/** Changes an instance; what is given replaces the old value. Counts from the next request on. */
export async function updateInstance(
  tenant: Tenant,
  name: string,
  parameters: InstanceParameters,
  { store, context }: Brokering,
): Promise<Instance | Problem> {
  return store.write(async tables => {
    const old = await tables.instances.find(tenant.id, name)
    if (!old) return noInstance(name)
    const updated: Instance = {
      ...old,
      roles: parameters.roles ?? old.roles,
      grantTypes: parameters.grantTypes ?? old.grantTypes,
      redirectUris: parameters.redirectUris ?? old.redirectUris,
      tokenValidity: parameters.tokenValidity ?? old.tokenValidity,
      tokenFormat: parameters.tokenFormat ?? old.tokenFormat,
      bindTokens: parameters.bindTokens ?? old.bindTokens,
      assertionAudience: parameters.assertionAudience ?? old.assertionAudience,
      assertionReplay: parameters.assertionReplay ?? old.assertionReplay,
      certificateOverlap: parameters.certificateOverlap ?? old.certificateOverlap,
      dialect: parameters.dialect ?? old.dialect,
      updatedAt: context.now(),
    }
    const unbindable = cannotBind(updated)
    if (unbindable) return unbindable
    const badRole = await checkRoles(tenant, plan(old.plan)!, updated.roles, tables.roles)
    if (badRole) return badRole
    await tables.instances.update(updated)
    return updated
  })
}

/** Deletes an instance with its keys; their tokens die with them. */
export async function deleteInstance(
  tenant: Tenant,
  name: string,
  { store, context }: Pick<Brokering, 'context'> & { readonly store: Transactions<Tables & DeletionTables> },
): Promise<Instance | Problem> {
  return store.write(async ({ instances, keys, issued }) => {
    const instance = await instances.find(tenant.id, name)
    if (!instance) return noInstance(name)
    for (const key of await keys.list(instance.id)) await revokeAllIssuedTo(key.id, context.now(), { issued })
    await instances.delete(instance)
    return instance
  })
}

export async function findInstance(
  tenant: Tenant,
  name: string,
  { store }: Pick<Brokering, 'store'>,
): Promise<Instance | Problem> {
  return (await store.read.instances.find(tenant.id, name)) ?? noInstance(name)
}

export function noInstance(name: string): Problem {
  return new Problem('not_found', `there is no instance ${name}`, {
    hint: 'See `countersign instance list`.',
  })
}

/** A bound token is good only over the connection of its certificate, and the admin API asks for none (design 2.2). */
function cannotBind({ plan: planName, bindTokens }: Instance): Problem | undefined {
  if (planName !== 'api' || !bindTokens) return undefined
  return new Problem(
    'invalid_input',
    'bind-tokens cannot be set for plan api: the admin API never asks for a client certificate, so a bound token would be refused there',
    { hint: 'Leave bind-tokens out; the token itself can still be got with a certificate.' },
  )
}

async function checkRoles(
  tenant: Tenant,
  { name: planName }: Plan,
  wanted: readonly string[],
  table: RoleTable,
): Promise<Problem | undefined> {
  const possible =
    planName === 'api'
      ? apiRoles.map(role => role.name as string)
      : [
          ...predefinedRoles.map(role => role.name as string),
          ...(await table.list(tenant.id)).map(role => role.name),
        ]
  for (const role of wanted) {
    if (role === operatorRole && tenant.name !== defaultTenantName)
      return new Problem('invalid_input', `role ${operatorRole} exists in tenant ${defaultTenantName} only`)
    if (possible.includes(role)) continue
    if (apiRoles.some(r => r.name === role))
      return new Problem('invalid_input', `role ${role} belongs to plan api`)
    const near = nearestName(role, possible)
    return new Problem('invalid_input', `there is no role ${role}${near ? `; did you mean ${near}?` : ''}`, {
      hint:
        planName === 'api'
          ? `Roles of plan api: ${possible.join(', ')}.`
          : `Create it: countersign role create ${role}`,
    })
  }
  return undefined
}
