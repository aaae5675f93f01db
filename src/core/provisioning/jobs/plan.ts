import type { EntityState, Intent } from '../store.ts'
import type { EntityType, JsonObject } from '../transformation/index.ts'
import { unknownState } from './intents.ts'
import { attemptMark, type JobRun, jobMark } from './job-run.ts'
import type { Known } from './known-states.ts'
import { type CommonEntity, digestOf, type KnownIds, type Mapped, mapFor, type Target } from './target.ts'

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
  known: Known,
  again = false,
): Promise<Plan[]> {
  const found = await known.find(
    type,
    entities.map(({ id }) => id),
  )
  const byTarget = Map.groupBy(found, state => state.targetId)
  const plans = []
  for (const target of run.targets) {
    const states = new Map((byTarget.get(target.system.id) ?? []).map(state => [state.id, state]))
    plans.push(await planFor(run, target, type, entities, states, known, again))
  }
  return plans
}

/**
 * What has to be noted before anything is sent: what is created is found again, and not made twice, if nobody hears of
 * its end.
 */
export const intentsOf = (plans: readonly Plan[], type: EntityType, now: number): Intent[] =>
  plans.flatMap(({ target, operations }) => {
    const ids = operations.flatMap(({ before, entity }) =>
      before?.idInTarget === undefined ? [entity.id] : [],
    )
    return ids.length === 0 ? [] : [{ targetId: target.system.id, entityType: type, begunAt: now, ids }]
  })

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
  known: Known,
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
  const isDone = ({ id }: CommonEntity) => !again && (states.get(id)?.seen ?? 0) >= jobMark(job)
  // What failed the first time is told of, and waits for the next job.
  const hasFailed = ({ id }: CommonEntity) => {
    const { idInTarget, digest } = states.get(id) ?? {}
    return again && (idInTarget === undefined || digest === '')
  }
  const wanted = entities.filter(entity => !isDone(entity) && !hasFailed(entity))
  const mapOne = (entity: CommonEntity, ids: KnownIds): Mapped => {
    const idInTarget = states.get(entity.id)?.idInTarget
    return mapFor(
      target,
      type,
      entity,
      idInTarget === undefined ? 'create' : 'update',
      idInTarget,
      ids,
      context,
    )
  }
  if (job.attempt > 1) {
    // What an earlier attempt has written, it may have written before what that refers to.
    const done = entities.filter(isDone)
    const mapped = await withReferences(target, done, known, mapOne)
    done.forEach((entity, at) => {
      const { references } = mapped[at]!
      const isOpen =
        references.some(({ found }) => found === undefined) ||
        states.get(entity.id)!.digest !== digestOf(target, entity, references)
      if (references.length > 0 && isOpen) plan.unresolved.push(entity)
    })
  }
  const mapped = await withReferences(target, wanted, known, mapOne)
  wanted.forEach((entity, at) => {
    const { outcome, references } = mapped[at]!
    const before = states.get(entity.id)
    const operation = before?.idInTarget === undefined ? 'create' : 'update'
    if (references.some(({ found }) => found === undefined)) plan.unresolved.push(entity)
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
      plan.states.push({
        ...(before ?? unknownState(target.system.id, type, entity.id)),
        digest: '',
        seen: mark,
      })
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
  known: Known,
  mapOne: (entity: CommonEntity, ids: KnownIds) => Mapped,
): Promise<Mapped[]> {
  const first = entities.map(entity => mapOne(entity, {}))
  const wanted = { user: new Set<string>(), group: new Set<string>() }
  for (const { references } of first) for (const { entityType, id } of references) wanted[entityType].add(id)
  if (wanted.user.size + wanted.group.size === 0) return first
  const ids = {
    user: await known.idsIn(target.system.id, 'user', [...wanted.user]),
    group: await known.idsIn(target.system.id, 'group', [...wanted.group]),
  }
  return first.map((mapped, at) => (mapped.references.length === 0 ? mapped : mapOne(entities[at]!, ids)))
}
