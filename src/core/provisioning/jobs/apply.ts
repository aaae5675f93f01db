import { Stopped, SystemFailure } from '../failure.ts'
import type { EntityState } from '../store.ts'
import { type EntityType, isList, isObject, type Json, type JsonObject } from '../transformation/index.ts'
import { flag } from '../types/property.ts'
import { forEachOf } from './in-parallel.ts'
import { attemptMark, type JobRun, jobMark } from './job-run.ts'
import {
  type CommonEntity,
  digestOf,
  type KnownIds,
  type Mapped,
  mapFor,
  mostUnanswered,
  referenceKey,
  type Target,
} from './target.ts'

/** What is to be done with an entity in a target. */
interface Operation {
  readonly entity: CommonEntity
  readonly before: EntityState | undefined
  readonly document: JsonObject
  readonly digest: string
}

/** What came of the entities of a page in a target. */
interface Applied {
  readonly states: EntityState[]
  /** They refer to entities that are not in the target yet. */
  readonly unresolved: readonly CommonEntity[]
}

/**
 * Brings entities of the source into all targets. A creation is noted before it is sent, so that it is found again,
 * and not made twice, if nobody hears of its end. `again`: entities that were written before what they refer to was.
 * Returns what has to be noted next, and the entities that refer to what no target has.
 */
export async function applyEntities(
  run: JobRun,
  type: EntityType,
  entities: readonly CommonEntity[],
  again = false,
): Promise<{ states: EntityState[]; unresolved: readonly CommonEntity[] }> {
  const ids = entities.map(({ id }) => id)
  const found = await run.store.read.entities.find(run.source.id, type, ids)
  const byTarget = Map.groupBy(found, state => state.targetId)
  const planned = []
  for (const target of run.targets) {
    const states = new Map((byTarget.get(target.system.id) ?? []).map(state => [state.id, state]))
    planned.push({ target, plan: await planFor(run, target, type, entities, states, again) })
  }
  const intents = planned.flatMap(({ target, plan }) =>
    plan.operations
      .filter(({ before }) => before?.idInTarget === undefined)
      .map(one => intent(target, type, one)),
  )
  if (intents.length > 0 && !run.simulated) await run.checkpoint(intents)
  const done = await Promise.all(
    planned.map(async ({ target, plan }): Promise<Applied> => {
      const written = await perform(run, target, type, plan.operations)
      return { states: [...plan.states, ...written], unresolved: plan.unresolved }
    }),
  )
  const unresolved = new Map(done.flatMap(one => one.unresolved.map(entity => [entity.id, entity])))
  return { states: done.flatMap(({ states }) => states), unresolved: [...unresolved.values()] }
}

interface Plan {
  readonly operations: readonly Operation[]
  /** Of entities with which nothing is to be done. */
  readonly states: readonly EntityState[]
  readonly unresolved: readonly CommonEntity[]
}

async function planFor(
  run: JobRun,
  target: Target,
  type: EntityType,
  entities: readonly CommonEntity[],
  states: ReadonlyMap<string, EntityState>,
  again: boolean,
): Promise<Plan> {
  const { report, job, context } = run
  const { name } = target.system
  const plan = {
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
  const mapped = await withReferences(run, target, wanted, mapOne)
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
async function withReferences(
  run: JobRun,
  target: Target,
  entities: readonly CommonEntity[],
  mapOne: (entity: CommonEntity, known: KnownIds) => Mapped,
): Promise<Mapped[]> {
  const first = entities.map(entity => mapOne(entity, new Map()))
  const keys = new Set(first.flatMap(({ references }) => [...references.keys()]))
  if (keys.size === 0) return first
  const known = new Map<string, string | undefined>()
  for (const type of ['user', 'group'] as const) {
    const prefix = referenceKey(type, '')
    const ids = [...keys].filter(key => key.startsWith(prefix)).map(key => key.slice(prefix.length))
    for (const state of await run.store.read.entities.find(run.source.id, type, ids))
      if (state.targetId === target.system.id) known.set(referenceKey(type, state.id), state.idInTarget)
  }
  return first.map((mapped, at) => (mapped.references.size === 0 ? mapped : mapOne(entities[at]!, known)))
}

const stateOf = (target: Target, entityType: EntityType, id: string): EntityState => ({
  entityType,
  targetId: target.system.id,
  id,
  idInTarget: undefined,
  digest: '',
  pending: false,
  existed: false,
  seen: 0,
})

const intent = (target: Target, type: EntityType, { entity, before }: Operation): EntityState => ({
  ...(before ?? stateOf(target, type, entity.id)),
  pending: true,
})

/** Sends what has to be sent, some at a time, and returns what came of it: also when the job is stopped meanwhile. */
async function perform(
  run: JobRun,
  target: Target,
  type: EntityType,
  operations: readonly Operation[],
): Promise<EntityState[]> {
  const states: EntityState[] = []
  const mark = attemptMark(run.job)
  const { name } = target.system
  await forEachOf(operations, target.parallel, run.signal, async operation => {
    const { entity, before } = operation
    const told = { system: name, entityType: type, id: entity.id, content: entity.document }
    if (run.simulated) {
      const what = before?.idInTarget === undefined ? 'created' : 'updated'
      run.report.count(name, 'Write', type, what)
      run.report.tell(what, { ...told, message: `would be ${what}` })
      return
    }
    try {
      if (target.down !== undefined) throw new SystemFailure(target.down)
      const { state, what } = await send(run, target, type, operation)
      target.unanswered = 0
      states.push({ ...state, seen: mark })
      run.report.count(name, 'Write', type, what)
      run.report.tell(what, { ...told, message: `${what} as ${state.idInTarget}` })
    } catch (error) {
      if (error instanceof Stopped) return
      if (!(error instanceof SystemFailure)) throw error
      noteHealth(target, error)
      run.report.count(name, 'Write', type, 'failed')
      run.report.tell('failed', { ...told, message: error.message })
      const pending = before?.idInTarget === undefined && (before?.pending === true || error.unsure)
      states.push({ ...(before ?? stateOf(target, type, entity.id)), digest: '', pending, seen: mark })
    }
  })
  return states
}

function noteHealth(target: Target, error: SystemFailure): void {
  if (target.down !== undefined) return
  target.unanswered = error.passing ? target.unanswered + 1 : 0
  if (error.fatal) target.down = error.message
  else if (target.unanswered >= mostUnanswered)
    target.down = `${error.message} (after ${mostUnanswered} in a row the rest was not tried; the next job does)`
}

/** The one call, or the few, that an entity needs. */
async function send(
  run: JobRun,
  target: Target,
  type: EntityType,
  operation: Operation,
): Promise<{ state: EntityState; what: 'created' | 'updated' }> {
  const { entity, document, digest } = operation
  const before = operation.before ?? stateOf(target, type, entity.id)
  const { writer } = target
  const known = (idInTarget: string, existed = before.existed): EntityState => ({
    ...before,
    idInTarget,
    digest,
    pending: false,
    existed,
  })
  if (before.idInTarget !== undefined) {
    if (await writer.update(type, before.idInTarget, document))
      return { state: known(before.idInTarget), what: 'updated' }
    // Somebody deleted it there.
    return create(await createdAnew())
  }
  const begun = before.pending ? await writer.find(type, document) : undefined
  if (begun === undefined) return create(document)
  await overwrite(begun)
  return { state: known(begun), what: 'created' }

  async function create(made: JsonObject): Promise<{ state: EntityState; what: 'created' | 'updated' }> {
    const { id, found } = await writer.create(type, made)
    if (!found) return { state: known(id, false), what: 'created' }
    await overwrite(id)
    return { state: known(id, true), what: 'updated' }
  }

  /** As an update: other mappings may count for it. */
  async function overwrite(id: string): Promise<void> {
    const { outcome } = await mappedAs('update', id)
    if (outcome.kind !== 'mapped') throw new SystemFailure(outcome.reason)
    if (outcome.skipOperations.has('update')) return
    const merges =
      type === 'group' && !flag(target.system.properties, 'ips.overwrite.existedbefore.assignments', true)
    const members = merges ? await writer.get(type, id) : undefined
    await writer.update(type, id, members ? withMembersOf(outcome.document, members) : outcome.document)
  }

  async function createdAnew(): Promise<JsonObject> {
    const { outcome } = await mappedAs('create', undefined)
    if (outcome.kind !== 'mapped') throw new SystemFailure(outcome.reason)
    return outcome.document
  }

  async function mappedAs(as: 'create' | 'update', id: string | undefined): Promise<Mapped> {
    const [mapped] = await withReferences(run, target, [entity], (one, ids) =>
      mapFor(target, type, one, as, id, ids, run.context),
    )
    return mapped!
  }
}

/** With the members that a group had before. */
function withMembersOf(entity: JsonObject, before: JsonObject): JsonObject {
  const own = membersOf(entity)
  const ids = new Set(own.map(idOf))
  return { ...entity, members: [...own, ...membersOf(before).filter(member => !ids.has(idOf(member)))] }
}

const membersOf = ({ members }: JsonObject): readonly Json[] => (isList(members) ? members : [])
const idOf = (member: Json): Json | undefined => (isObject(member) ? member.value : member)
