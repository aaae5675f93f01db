import { type Context, newId } from '../../context.ts'
import { isProblem, Problem } from '../../problem.ts'
import type { Transactions } from '../../store.ts'
import type { Tenant } from '../../tenant.ts'
import type { CredentialTables } from '../credentials/credential.ts'
import { beyondOwnRoles } from '../grant.ts'
import { deleteInstance, insertInstance, newInstance, updateInstance } from '../instances.ts'
import type { KeyBrokering } from '../keys.ts'
import { isNameOfPlatform } from '../limits.ts'
import { instanceParametersOf, readInstanceParameters } from '../parameters.ts'
import type { Instance, InstanceTable, RoleTable } from '../store.ts'
import { otherPlan, type PlanReference, planOf, referenceTo } from './catalog.ts'
import type { PlatformInstance, PlatformTable } from './store.ts'

type Tables = CredentialTables & { instances: InstanceTable; roles: RoleTable; platforms: PlatformTable }

/** What the operations of a platform need. */
export interface Platforming extends Omit<KeyBrokering, 'store' | 'context'> {
  readonly store: Transactions<Tables>
  readonly context: Context
}

/** Who asks: a tenant's platform, with the roles that its own credential has. */
export interface Asking {
  readonly tenant: Tenant
  readonly roles: ReadonlySet<string>
}

/** What a platform sends to have an instance. */
export interface Provision extends PlanReference {
  readonly organization: string
  readonly space: string
  /** As people call it on the platform. */
  readonly name: string | undefined
  /** As sent. */
  readonly parameters: unknown
}

/** An instance as it is after the request, and whether the request has made it. */
export interface Provisioned {
  readonly instance: Instance
  readonly created: boolean
}

/**
 * Makes an instance (section Provisioning). The same request again finds the instance there; another one with the
 * same id is a conflict.
 */
export async function provision(
  id: string,
  wanted: Provision,
  { tenant, roles }: Asking,
  { store, context }: Pick<Platforming, 'store' | 'context'>,
): Promise<Provisioned | Problem> {
  const plan = planOf(wanted)
  if (isProblem(plan)) return plan
  const parameters = readInstanceParameters(wanted.parameters)
  if (isProblem(parameters)) return parameters
  const refused = beyondOwnRoles(tenant, plan.name, parameters.roles ?? plan.defaultRoles, roles)
  if (refused) return refused
  const made = newInstance(tenant, { name: '', plan: plan.name, parameters }, { context })
  if (isProblem(made)) return made
  const { organization, space } = wanted
  return store.write(async tables => {
    const { instances, platforms } = tables
    const known = await platforms.instance(tenant.id, id)
    const existing = known && (await instances.find(tenant.id, known.instanceId))
    if (known && existing)
      return sameAs(existing, known, made, wanted) ?? { instance: existing, created: false }
    const instance = { ...made, name: await freeName([wanted.name, id], tenant, instances, context) }
    const problem = await insertInstance(tenant, instance, tables)
    if (problem) return problem
    await platforms.insertInstance({ tenantId: tenant.id, id, instanceId: instance.id, organization, space })
    return { instance, created: true }
  })
}

/** undefined: the request asks for what is there. */
function sameAs(
  existing: Instance,
  known: PlatformInstance,
  asked: Instance,
  { organization, space }: Provision,
): Problem | undefined {
  const same =
    known.organization === organization &&
    known.space === space &&
    existing.plan === asked.plan &&
    comparable(existing) === comparable(asked)
  if (same) return undefined
  return new Problem('conflict', 'a service instance with this id exists already, with other attributes')
}

const comparable = (instance: Instance): string =>
  JSON.stringify(instanceParametersOf({ ...instance, roles: instance.roles.toSorted() }))

async function freeName(
  candidates: readonly (string | undefined)[],
  tenant: Tenant,
  instances: InstanceTable,
  context: Pick<Context, 'random'>,
): Promise<string> {
  for (const name of candidates)
    if (name !== undefined && isNameOfPlatform(name) && !(await instances.find(tenant.id, name))) return name
  return `osb-${newId(context)}`
}

/** Changes the parameters of an instance (section Updating a Service Instance); without parameters, nothing. */
export async function update(
  id: string,
  { serviceId, planId, parameters }: { serviceId: string; planId: string | undefined; parameters: unknown },
  { tenant, roles }: Asking,
  { store, context }: Pick<Platforming, 'store' | 'context'>,
): Promise<Instance | Problem> {
  const found = await instanceOf(id, tenant, { store })
  if (isProblem(found)) return found
  const its = referenceTo(found.plan)
  const plan = planOf({ serviceId, planId: planId ?? its.planId })
  if (isProblem(plan)) return plan
  if (plan.name !== found.plan)
    return new Problem(
      'change_not_supported',
      `the plan of an instance cannot be changed: it is ${found.plan}`,
      { hint: 'Make an instance of the other plan.' },
    )
  if (parameters === undefined) return found
  const changes = readInstanceParameters(parameters)
  if (isProblem(changes)) return changes
  const refused = beyondOwnRoles(tenant, found.plan, changes.roles ?? [], roles)
  return refused ?? updateInstance(tenant, found.id, changes, { store, context })
}

/** Deletes an instance with its keys (section Deprovisioning). */
export async function deprovision(
  id: string,
  reference: PlanReference,
  { tenant }: Asking,
  deps: Pick<Platforming, 'store' | 'context'>,
): Promise<Instance | Problem> {
  const plan = planOf(reference)
  if (isProblem(plan)) return plan
  const found = await instanceOf(id, tenant, deps)
  if (isProblem(found)) return gone(found)
  const other = otherPlan(reference, found)
  if (other) return other
  const deleted = await deleteInstance(tenant, found.id, deps)
  return isProblem(deleted) ? gone(deleted) : deleted
}

/** The instance that a platform knows by this id. */
export async function instanceOf(
  id: string,
  tenant: Tenant,
  { store }: Pick<Platforming, 'store'>,
): Promise<Instance | Problem> {
  const { platforms, instances } = store.read
  const known = await platforms.instance(tenant.id, id)
  const found = known && (await instances.find(tenant.id, known.instanceId))
  return found ?? new Problem('not_found', 'there is no service instance with this id')
}

/** Who deletes what is not there is told so in a word of its own. */
export const gone = (problem: Problem): Problem =>
  problem.code === 'not_found' ? new Problem('gone', problem.description) : problem
