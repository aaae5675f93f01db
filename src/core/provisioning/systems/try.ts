import { isProblem, Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import {
  applyTransformation,
  type Difference,
  type EntityType,
  explainDifference,
  type JsonObject,
  parseTransformation,
} from '../transformation/index.ts'
import { findSystem, type SystemManagement, transformationOf } from './manage.ts'

/** What is put through a transformation, to see what would come of it. */
export interface Trial {
  readonly entityType: EntityType
  readonly entity: JsonObject
  /** undefined: the one in use. */
  readonly transformation?: unknown
  /** Of writing. */
  readonly operation?: 'create' | 'update' | 'delete' | undefined
}

export interface TrialOutcome {
  readonly outcome: 'mapped' | 'skipped' | 'failed'
  readonly reason: string | undefined
  readonly document: JsonObject | undefined
  readonly variables: Readonly<Record<string, unknown>> | undefined
  readonly differences: readonly Difference[]
}

/** Applies a transformation of a system to an entity, and shows what changes. Nothing is read or written anywhere. */
export async function tryTransformation(
  tenant: Tenant,
  name: string,
  kind: 'read' | 'write',
  { entityType, entity, transformation: given, operation }: Trial,
  { store, context }: Pick<SystemManagement, 'store' | 'context'>,
): Promise<TrialOutcome | Problem> {
  const system = await findSystem(tenant, name, store.read)
  if (isProblem(system)) return system
  const transformation = parseTransformation(given ?? transformationOf(system, kind), kind)
  if (transformation instanceof Problem) return transformation
  const tried = applyTransformation(transformation, entityType, entity, {
    properties: system.properties,
    variables: kind === 'write' ? { entityIdTargetSystem: 'id-in-target' } : {},
    now: context.now(),
    random: context.random,
    // Nobody is known here: every reference shows as it would be found.
    lookup: ({ id }) => `id-in-target-of-${id}`,
    ...(kind === 'write' && { operation: operation ?? 'create' }),
  })
  if (tried.kind !== 'mapped')
    return {
      outcome: tried.kind,
      reason: tried.reason,
      document: undefined,
      variables: undefined,
      differences: [],
    }
  return {
    outcome: 'mapped',
    reason: undefined,
    document: tried.document,
    variables: tried.variables,
    differences: explainDifference(entity, tried.document),
  }
}

/** The transformation in use, and whether it is the system's own. */
export async function showTransformation(
  tenant: Tenant,
  name: string,
  kind: 'read' | 'write',
  { store }: Pick<SystemManagement, 'store'>,
): Promise<{ readonly own: boolean; readonly transformation: unknown } | Problem> {
  const system = await findSystem(tenant, name, store.read)
  if (isProblem(system)) return system
  const own = kind === 'read' ? system.readTransformation : system.writeTransformation
  return { own: own !== undefined, transformation: transformationOf(system, kind) }
}
