import { minute } from '../../context.ts'
import type { EntityState } from '../store.ts'
import type { EntityType, JsonObject } from '../transformation/index.ts'
import { attemptMark, type JobRun, jobMark } from './job-run.ts'
import type { FindStates } from './known-states.ts'
import {
  type CommonEntity,
  digestOf,
  type KnownIds,
  type Mapped,
  mapFor,
  referenceKey,
  type Target,
} from './target.ts'

/** What is to be done with an entity in a target. */
export interface Operation {
  readonly entity: CommonEntity
  readonly before: EntityState | undefined
  readonly document: JsonObject
  readonly digest: string
}

/** What is to be done with entities in a target. */
export interface Plan {
  readonly target: Target
  readonly operations: readonly Operation[]
  /** Of entities with which nothing is to be done. */
  readonly states: readonly EntityState[]
  readonly unresolved: readonly CommonEntity[]
}

/** Finds out what is to be done in all targets. `again`: entities that were written before what they refer to was. */
export async function planEntities(
  run: JobRun,
  type: EntityType,
  entities: readonly CommonEntity[],
  find: FindStates,
  again = false,
): Promise<Plan[]> {
  const found = await find(
    type,
    entities.map(({ id }) => id),
  )
  const byTarget = Map.groupBy(found, state => state.targetId)
  const plans = []
  for (const target of run.targets) {
    const states = new Map((byTarget.get(target.system.id) ?? []).map(state => [state.id, state]))
    plans.push(await planFor(run, target, type, entities, states, find, again))
  }
  return plans
}

/**
 * What has to be noted before anything is sent: a creation among it, so that it is found again, and not made twice, if
 * nobody hears of its end.
 */
export const statesAhead = (plans: readonly Plan[], type: EntityType, now: number): EntityState[] =>
  plans.flatMap(({ target, states, operations }) => [
    ...states,
    ...operations
      .filter(({ before }) => before?.idInTarget === undefined)
      .map(({ entity, before }) => intent(before ?? stateOf(target, type, entity.id), now)),
  ])

/** A creation begins. The first time counts: the entity may have been made then. */
export const intent = (state: EntityState, now: number): EntityState => ({
  ...state,
  pending: true,
  digest: state.pending ? state.digest : begunAt(now),
})

/** Of an entity of which nothing is known but that its creation began. No digest of anything looks like it. */
export const begunAt = (now: number): string => `begun ${now}`

/** Clocks of systems are not much further apart than that. */
const mostApartMs = 5 * minute

/** Was what is found after a creation whose end nobody heard there before it? What cannot be told is spared. */
export function wasThere({ digest }: Pick<EntityState, 'digest'>, createdAt: number | undefined): boolean {
  const [, begun] = /^begun (\d+)$/.exec(digest) ?? []
  return begun === undefined || createdAt === undefined || createdAt < Number(begun) - mostApartMs
}

/** Entities that refer to what is not in a target yet. */
export const unresolvedIn = (plans: readonly Plan[]): CommonEntity[] => [
  ...new Map(plans.flatMap(({ unresolved }) => unresolved.map(entity => [entity.id, entity]))).values(),
]

async function planFor(
  run: JobRun,
  target: Target,
  type: EntityType,
  entities: readonly CommonEntity[],
  states: ReadonlyMap<string, EntityState>,
  find: FindStates,
  again: boolean,
): Promise<Plan> {
  const { report, job, context } = run
  const { name } = target.system
  const plan = {
    target,
    operations: [] as Operation[],
    states: [] as EntityState[],
    unresolved: [] as CommonEntity[],
  }
  const mark = attemptMark(job)
  const wanted = entities.filter(({ id }) => again || (states.get(id)?.seen ?? 0) < jobMark(job))
  const mapOne = (entity: CommonEntity, known: KnownIds): Mapped => {
    const idInTarget = states.get(entity.id)?.idInTarget
    return mapFor(
      target,
      type,
      entity,
      idInTarget === undefined ? 'create' : 'update',
      idInTarget,
      known,
      context,
    )
  }
  const mapped = await withReferences(target, wanted, find, mapOne)
  wanted.forEach((entity, at) => {
    const { outcome, references } = mapped[at]!
    const before = states.get(entity.id)
    const operation = before?.idInTarget === undefined ? 'create' : 'update'
    if ([...references.values()].includes(undefined)) plan.unresolved.push(entity)
    if (outcome.kind === 'failed') {
      if (again) return
      report.count(name, 'Write', type, 'failed')
      report.tell('failed', {
        system: name,
        entityType: type,
        id: entity.id,
        message: outcome.reason,
        content: entity.document,
      })
      plan.states.push({ ...(before ?? stateOf(target, type, entity.id)), digest: '', seen: mark })
      return
    }
    const skippedFor =
      outcome.kind === 'skipped'
        ? outcome.reason
        : outcome.skipOperations.has(operation)
          ? `Operation [${operation}] is skipped in target transformation`
          : undefined
    if (skippedFor !== undefined) {
      if (again) return
      report.count(name, 'Write', type, 'skipped')
      report.tell('skipped', {
        system: name,
        entityType: type,
        id: entity.id,
        message: skippedFor,
        content: entity.document,
      })
      // What the target does not want any more is not read for it: a full read takes it away.
      if (outcome.kind === 'mapped' && before) plan.states.push({ ...before, seen: mark })
      return
    }
    const digest = digestOf(target, entity, references)
    if (before?.idInTarget !== undefined && before.digest === digest && (again || !run.writesAll)) {
      if (!again) report.count(name, 'Write', type, 'skipped')
      plan.states.push({ ...before, seen: mark })
      return
    }
    plan.operations.push({ entity, before, document: (outcome as { document: JsonObject }).document, digest })
  })
  return plan
}

/** Maps entities, twice where the first time showed whom they refer to. */
export async function withReferences(
  target: Target,
  entities: readonly CommonEntity[],
  find: FindStates,
  mapOne: (entity: CommonEntity, known: KnownIds) => Mapped,
): Promise<Mapped[]> {
  const first = entities.map(entity => mapOne(entity, new Map()))
  const keys = new Set(first.flatMap(({ references }) => [...references.keys()]))
  if (keys.size === 0) return first
  const known = new Map<string, string | undefined>()
  for (const type of ['user', 'group'] as const) {
    const prefix = referenceKey(type, '')
    const ids = [...keys].filter(key => key.startsWith(prefix)).map(key => key.slice(prefix.length))
    for (const state of await find(type, ids))
      if (state.targetId === target.system.id) known.set(referenceKey(type, state.id), state.idInTarget)
  }
  return first.map((mapped, at) => (mapped.references.size === 0 ? mapped : mapOne(entities[at]!, known)))
}

/** Of an entity of which nothing is known. */
export const stateOf = (target: Target, entityType: EntityType, id: string): EntityState => ({
  entityType,
  targetId: target.system.id,
  id,
  idInTarget: undefined,
  digest: '',
  pending: false,
  existed: false,
  seen: 0,
})
