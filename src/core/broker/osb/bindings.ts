import { createHash } from 'node:crypto'
import { newId } from '../../context.ts'
import { isProblem, Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import { beyondOwnRoles } from '../grant.ts'
import { deleteKey, newKey } from '../keys.ts'
import { isNameOfPlatform } from '../limits.ts'
import type { Instance, ServiceKey } from '../store.ts'
import { answerOf, type Bound, keepAnswer, repeat } from './answers.ts'
import { canonicalJson } from './canonical-json.ts'
import { otherPlan, type PlanReference, planOf } from './catalog.ts'
import { type Asking, gone, instanceOf, type Platforming } from './instances.ts'

/** What a platform sends to have a binding, or a successor of one. */
export interface Bind {
  /** A successor may leave it out. */
  readonly reference: PlanReference | undefined
  /** The binding of the same instance that the new one is to follow; its parameters count where none are given. */
  readonly predecessor: string | undefined
  readonly parameters: Readonly<Record<string, unknown>>
  /** What it is bound to, as sent; only told apart. */
  readonly boundTo: unknown
}

/**
 * Makes a service key (sections Binding and Binding Rotation). For ten minutes the same request gets the same answer;
 * after that nobody has the credentials but the platform.
 */
export async function bind(
  instanceId: string,
  id: string,
  wanted: Bind,
  { tenant, roles }: Asking,
  deps: Platforming,
): Promise<Bound | Problem> {
  const { store, context } = deps
  const instance = await instanceOf(instanceId, tenant, deps)
  if (isProblem(instance)) return instance
  const other = wanted.reference && otherPlan(wanted.reference, instance)
  if (other) return other
  // Before anything is found out: the answer to a repeated request holds the credentials too.
  const refused = beyondOwnRoles(tenant, instance.plan, instance.roles, roles)
  if (refused) return refused
  const requestDigest = digestOf(wanted)
  const known = await store.read.platforms.binding(instance.id, id)
  if (known) return repeat(known, requestDigest, tenant, store.read, deps)
  const parameters = await parametersOf(wanted, instance, deps)
  if (isProblem(parameters)) return parameters
  const name = isNameOfPlatform(id) ? id : `osb-${newId(context)}`
  const key = await newKey({ tenant, instance, name }, parameters, deps)
  if (isProblem(key)) return asInput(key)
  const credentialId = key.key.id
  const answer = answerOf(key.document, context.now())
  return store.write(async tables => {
    const { platforms, instances } = tables
    const current = await instances.find(tenant.id, instance.id)
    const meanwhile = await platforms.binding(instance.id, id)
    if (meanwhile) return repeat(meanwhile, requestDigest, tenant, tables, deps)
    // The roles that were checked may not be those that the key would have.
    if (current?.updatedAt !== instance.updatedAt) return overtaken
    const problem = await key.insert(tables)
    if (problem) return asInput(problem)
    await platforms.insertBinding({
      instanceId: instance.id,
      id,
      credentialId,
      requestDigest,
      parameters: JSON.stringify(parameters),
    })
    await keepAnswer(credentialId, answer, tenant, tables, deps)
    return { answer, created: true, warnings: key.warnings }
  })
}

const overtaken = new Problem(
  'concurrency',
  'another operation has changed the service instance meanwhile: try again',
)

/** To a platform, a conflict means that it has used this id before; what stands in the way here is something else. */
const asInput = (problem: Problem): Problem =>
  problem.code === 'conflict'
    ? new Problem(
        'invalid_input',
        problem.description,
        problem.hint === undefined ? {} : { hint: problem.hint },
      )
    : problem

const digestOf = ({ predecessor, parameters, boundTo }: Bind): string =>
  createHash('sha256')
    .update(canonicalJson([predecessor ?? null, parameters, boundTo ?? null]))
    .digest('base64url')

/** What a successor is made with: what its predecessor was, and what is given on top. */
async function parametersOf(
  { predecessor, parameters }: Bind,
  instance: Instance,
  { store, context }: Platforming,
): Promise<Readonly<Record<string, unknown>> | Problem> {
  if (predecessor === undefined) return parameters
  const { platforms, keyCertificates, keys } = store.read
  const before = await platforms.binding(instance.id, predecessor)
  const key = before && (await keys.byId(before.credentialId))
  if (!before || !key)
    return new Problem(
      'invalid_input',
      'predecessor_binding_id: the service instance has no such service binding',
    )
  const now = context.now()
  const held = await keyCertificates.list(key.id)
  const expired =
    (key.expiresAt !== undefined && key.expiresAt <= now) ||
    (held.length > 0 && held.every(({ notAfter, ended }) => ended !== undefined || notAfter <= now))
  if (expired)
    return new Problem('invalid_input', 'predecessor_binding_id: that service binding has expired', {
      hint: 'Make a new binding.',
    })
  return { ...(JSON.parse(before.parameters) as Record<string, unknown>), ...parameters }
}

/** Deletes a key (section Unbinding): it is refused from the next request on. */
export async function unbind(
  instanceId: string,
  id: string,
  reference: PlanReference,
  { tenant }: Asking,
  deps: Pick<Platforming, 'store' | 'context'>,
): Promise<ServiceKey | Problem> {
  const plan = planOf(reference)
  if (isProblem(plan)) return plan
  const found = await bindingOf(instanceId, id, tenant, deps)
  if (isProblem(found)) return gone(found)
  const other = otherPlan(reference, found.instance)
  if (other) return other
  const deleted = await deleteKey(tenant, found.instance.id, found.key.name, deps)
  return isProblem(deleted) ? gone(deleted) : deleted
}

/** The key that a platform knows by this id. */
export async function bindingOf(
  instanceId: string,
  id: string,
  tenant: Tenant,
  { store }: Pick<Platforming, 'store'>,
): Promise<{ instance: Instance; key: ServiceKey } | Problem> {
  const { platforms, keys } = store.read
  const instance = await instanceOf(instanceId, tenant, { store })
  if (isProblem(instance)) return instance
  const known = await platforms.binding(instance.id, id)
  const key = known && (await keys.byId(known.credentialId))
  return key ? { instance, key } : new Problem('not_found', 'there is no service binding with this id')
}
