import { Stopped, SystemFailure } from '../failure.ts'
import type { EntityState } from '../store.ts'
import {
  type EntityType,
  isList,
  isObject,
  type Json,
  type JsonObject,
  sameJson,
} from '../transformation/index.ts'
import { flag } from '../types/property.ts'
import { allOf, forEachOf } from './in-parallel.ts'
import { begun, begunAt, unknownState, wasThere } from './intents.ts'
import { attemptMark, type JobRun } from './job-run.ts'
import { type Operation, type Plan, withReferences } from './plan.ts'
import type { Told } from './report.ts'
import { type Mapped, mapFor, mostUnanswered, type Target } from './target.ts'

/** What came of what was sent. */
export interface Sent {
  readonly states: readonly EntityState[]
  /** Counts it and tells of it: at the moment from which on it is noted too. */
  report(): void
}

/** Sends what has to be sent to all targets, some at a time to each: also when the job is stopped meanwhile. */
export async function sendPlans(run: JobRun, type: EntityType, plans: readonly Plan[]): Promise<Sent> {
  const sent = await allOf(plans.map(plan => sendPlan(run, type, plan)))
  return {
    states: sent.flatMap(({ states }) => states),
    report() {
      for (const { report } of sent) report()
    },
  }
}

async function sendPlan(run: JobRun, type: EntityType, { target, operations }: Plan): Promise<Sent> {
  const states: EntityState[] = []
  const outcomes: [what: 'created' | 'updated' | 'failed', told: Told][] = []
  const mark = attemptMark(run.job)
  const now = run.context.now()
  const { name } = target.system
  await forEachOf(operations, target.parallel, run.signal, async operation => {
    const { entity, before } = operation
    const told = { system: name, entityType: type, id: entity.id, content: entity.document }
    if (run.simulated) {
      const what = before?.idInTarget === undefined ? 'created' : 'updated'
      outcomes.push([what, { ...told, message: `would be ${what}` }])
      return
    }
    await run.holds()
    const current = { before: before ?? unknownState(target.system.id, type, entity.id) }
    try {
      if (target.down !== undefined) throw new SystemFailure(target.down)
      const { state, what } = await send(run, target, type, operation, current)
      target.unanswered = 0
      states.push({ ...state, seen: mark })
      outcomes.push([what, { ...told, message: `${what} as ${state.idInTarget}` }])
    } catch (error) {
      const state = current.before
      const creates = state.idInTarget === undefined
      if (error instanceof Stopped) {
        // Between two tries: nobody heard how the first one ended.
        if (creates) states.push(begun(state, now))
        return
      }
      if (!(error instanceof SystemFailure)) throw error
      noteHealth(target, error)
      outcomes.push(['failed', { ...told, message: error.message }])
      const pending = creates && (state.pending || error.unsure)
      const { digest } = pending ? begun(state, now) : { digest: '' }
      states.push({ ...state, digest, pending, seen: mark })
    }
  })
  return {
    states,
    report() {
      for (const [what, told] of outcomes) {
        run.report.count(name, 'Write', type, what)
        run.report.tell(what, told)
      }
    },
  }
}

function noteHealth(target: Target, error: SystemFailure): void {
  if (target.down !== undefined) return
  target.unanswered = error.passing || error.senseless ? target.unanswered + 1 : 0
  if (error.fatal) target.down = error.message
  else if (target.unanswered >= mostUnanswered)
    target.down = `${error.message} (after ${mostUnanswered} in a row the rest was not tried; the next job does)`
}

/** The one call, or the few, that an entity needs. `current.before`: what is known of it, also when this fails. */
async function send(
  run: JobRun,
  target: Target,
  type: EntityType,
  { entity, document, digest }: Operation,
  current: { before: EntityState },
): Promise<{ state: EntityState; what: 'created' | 'updated' }> {
  const { before } = current
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
    // Somebody deleted it there. It is about to be created without an intent of its batch.
    current.before = begun({ ...before, idInTarget: undefined, existed: false }, run.context.now())
    await run.checkpoint([current.before])
    return create(await createdAnew())
  }
  const made = before.pending ? await writer.find(type, document) : undefined
  if (made === undefined) return create(document)
  const existed = wasThere(before, made.createdAt)
  // What was made by us as it is to be is not written again.
  if (existed || !hasAll(made.document, document)) await overwrite(made.id)
  return { state: known(made.id, existed), what: 'created' }

  async function create(wanted: JsonObject): Promise<{ state: EntityState; what: 'created' | 'updated' }> {
    const began = { digest: begunAt(run.context.now()) }
    const { id, found, lost } = await writer.create(type, wanted)
    if (!found && !(lost && wasThere(began, lost.createdAt)))
      return { state: known(id, false), what: 'created' }
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
    const [mapped] = await withReferences(target, [entity], run.known, (one, ids) =>
      mapFor(target, type, one, as, id, ids, run.context),
    )
    return mapped!
  }
}

/** Is everything there that was written, whatever the system has added? */
const hasAll = (found: JsonObject, written: JsonObject): boolean =>
  Object.entries(written).every(([name, value]) => sameJson(found[name], value))

/** With the members that a group had before. */
function withMembersOf(entity: JsonObject, before: JsonObject): JsonObject {
  const own = membersOf(entity)
  const ids = new Set(own.map(idOf))
  return { ...entity, members: [...own, ...membersOf(before).filter(member => !ids.has(idOf(member)))] }
}

const membersOf = ({ members }: JsonObject): readonly Json[] => (isList(members) ? members : [])
const idOf = (member: Json): Json | undefined => (isObject(member) ? member.value : member)
