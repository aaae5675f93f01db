import { Stopped, SystemFailure } from '../failure.ts'
import type { EntityState } from '../store.ts'
import { applyTransformation, type EntityType, type JsonObject } from '../transformation/index.ts'
import { flag, numeric } from '../types/property.ts'
import { forEachOf } from './in-parallel.ts'
import { type JobRun, jobMark } from './job-run.ts'
import type { Told } from './report.ts'
import { mapFor, type Target } from './target.ts'

const atOnce = 200

/**
 * Takes away in the targets what a full read has not found any more: only what Countersign brought there, and only
 * when the source was read to its end. `seen`: of a simulation, which marks nothing.
 */
export async function removeVanished(
  run: JobRun,
  type: EntityType,
  { readSome, seen }: { readonly readSome: boolean; readonly seen: ReadonlySet<string> | undefined },
): Promise<void> {
  for (const target of run.targets) {
    const planned = await countVanished(run, target, type, seen)
    if (planned === 0) continue
    const { name } = target.system
    if (!readSome && !flag(run.source.properties, 'ips.delete.after.empty.read', false)) {
      const word = `${run.source.name} reported no ${type} at all, so none of the ${planned} ${type}s in ${name} was deleted. If it is really empty, set ips.delete.after.empty.read=true there.`
      run.report.note(word)
      run.report.set({ error: word })
      continue
    }
    const threshold = numeric(
      target.system.properties,
      `ips.delete.threshold.${type}s`,
      Number.MAX_SAFE_INTEGER,
    )
    if (planned > threshold) {
      const word = `${planned} ${type}s would be deleted in ${name}, more than ips.delete.threshold.${type}s=${threshold} allows: none was deleted. Is a filter or condition wrong?`
      run.report.note(word)
      run.report.count(name, 'Write', type, 'failed', planned)
      run.report.tell('failed', { system: name, entityType: type, id: '', message: word })
      continue
    }
    await removeAll(run, target, type, seen)
  }
}

async function countVanished(
  run: JobRun,
  target: Target,
  type: EntityType,
  seen: ReadonlySet<string> | undefined,
): Promise<number> {
  const { entities } = run.store.read
  if (!seen) return entities.countUnseen(run.source.id, target.system.id, type, jobMark(run.job))
  let count = 0
  for await (const states of vanished(run, target, type, seen))
    count += states.filter(({ idInTarget, pending }) => idInTarget !== undefined || pending).length
  return count
}

async function* vanished(
  run: JobRun,
  target: Target,
  type: EntityType,
  seen: ReadonlySet<string> | undefined,
): AsyncGenerator<EntityState[]> {
  const mark = jobMark(run.job)
  for (let after = ''; ; ) {
    const states = await run.store.read.entities.unseen(
      run.source.id,
      target.system.id,
      type,
      mark,
      after,
      atOnce,
    )
    if (states.length === 0) return
    after = states.at(-1)!.id
    yield seen ? states.filter(({ id }) => !seen.has(id)) : states
  }
}

async function removeAll(
  run: JobRun,
  target: Target,
  type: EntityType,
  seen: ReadonlySet<string> | undefined,
): Promise<void> {
  for await (const states of vanished(run, target, type, seen)) {
    const gone: string[] = []
    const kept = await stillHeld(run, target, type, states, seen)
    await forEachOf(states, target.parallel, run.signal, async state => {
      await run.holds()
      const isKept = state.idInTarget !== undefined && kept.has(state.idInTarget)
      if (isKept) tellOfKept(run, target, type, state)
      if (isKept || (await removeOne(run, target, type, state))) gone.push(state.id)
    })
    await run.checkpoint([], async ({ entities }) => {
      await entities.remove(run.source.id, target.system.id, type, gone)
      // Who was made here, and goes on under another id, is not spared as a stranger one day. As they are now:
      // a job of another source may have seen them meanwhile.
      const made = states.flatMap(({ existed, idInTarget }) =>
        !existed && idInTarget !== undefined && kept.has(idInTarget) ? [idInTarget] : [],
      )
      for (const { sourceId, ...state } of await entities.holding(target.system.id, type, made))
        if (state.existed) await entities.put(sourceId, [{ ...state, existed: false }])
    })
  }
}

/**
 * Ids in the target that another entity has too, of this source or of another: they stay. A person may come again
 * under another id, or work for two.
 */
async function stillHeld(
  run: JobRun,
  target: Target,
  type: EntityType,
  vanished: readonly EntityState[],
  seen: ReadonlySet<string> | undefined,
): Promise<ReadonlySet<string>> {
  const ids = vanished.flatMap(({ idInTarget }) => (idInTarget === undefined ? [] : [idInTarget]))
  const mark = jobMark(run.job)
  const held = (await run.store.read.entities.holding(target.system.id, type, ids)).filter(
    one => one.sourceId !== run.source.id || (seen ? seen.has(one.id) : one.seen >= mark),
  )
  return new Set(held.map(({ idInTarget }) => idInTarget!))
}

function tellOfKept(run: JobRun, target: Target, type: EntityType, { id }: EntityState): void {
  const { name } = target.system
  run.report.count(name, 'Write', type, 'skipped')
  run.report.tell('skipped', {
    system: name,
    entityType: type,
    id,
    message: 'another entity, of this source or of another, is the same one there: it stays',
  })
}

/** true: nothing has to be remembered of it any more. */
async function removeOne(
  run: JobRun,
  target: Target,
  type: EntityType,
  state: EntityState,
): Promise<boolean> {
  const { id, idInTarget, existed } = state
  const { name, properties } = target.system
  const about = { system: name, entityType: type, id }
  if (idInTarget === undefined) {
    if (state.pending) tellOfUnheard(run, target, about)
    return true
  }
  if (existed && !flag(properties, 'ips.delete.existedbefore.entities', false)) {
    run.report.count(name, 'Write', type, 'skipped')
    run.report.tell('skipped', { ...about, message: 'it was there before the first job, and stays' })
    return true
  }
  const left = target.transformation.keepsDeleted(type)
    ? mapFor(target, type, { id, document: {}, variables: {} }, 'delete', idInTarget, {}, run.context).outcome
    : undefined
  if (left?.kind === 'mapped' && left.skipOperations.has('delete')) {
    run.report.count(name, 'Write', type, 'skipped')
    run.report.tell('skipped', {
      ...about,
      message: 'Operation [delete] is skipped in target transformation',
    })
    return false
  }
  try {
    if (target.down !== undefined) throw new SystemFailure(target.down)
    if (await isStillRead(run, type, id)) return tellOfSpared(run, target, type, id)
    if (!run.simulated)
      await take(target, type, idInTarget, left?.kind === 'mapped' ? left.document : undefined)
    run.report.count(name, 'Write', type, 'deleted')
    run.report.tell('deleted', {
      ...about,
      message: `${run.simulated ? 'would be deleted' : 'deleted'}: ${idInTarget}`,
    })
    return true
  } catch (error) {
    if (error instanceof Stopped) return false
    if (!(error instanceof SystemFailure)) throw error
    if (error.fatal) target.down ??= error.message
    run.report.count(name, 'Write', type, 'failed')
    run.report.tell('failed', { ...about, message: error.message })
    return false
  }
}

/** What could be found by nothing but what the source said of it. */
function tellOfUnheard({ report }: JobRun, { system: { name } }: Target, about: Omit<Told, 'message'>): void {
  report.count(name, 'Write', about.entityType, 'failed')
  report.tell('failed', {
    ...about,
    message: `${name} was asked to create it and never answered, and the source has it no more: if ${name} has it, delete it there`,
  })
}

/** Would the source give it, if it were asked for it alone? */
async function isStillRead(
  { connector, transformation, source, context }: JobRun,
  type: EntityType,
  id: string,
): Promise<boolean> {
  const found = await connector.readOne?.(type, id)
  if (!found) return false
  const { kind } = applyTransformation(transformation, type, found, {
    properties: source.properties,
    now: context.now(),
    random: context.random,
  })
  return kind === 'mapped'
}

function tellOfSpared({ report, source }: JobRun, target: Target, type: EntityType, id: string): false {
  const word = `${source.name} has ${type}s that were on none of its pages (${id}, for one): its pages shift while they are read. They were not deleted.`
  report.note(word)
  report.set({ error: word })
  report.count(target.system.name, 'Write', type, 'skipped')
  report.tell('skipped', {
    system: target.system.name,
    entityType: type,
    id,
    message: 'the source still has it, though it was on none of its pages',
  })
  return false
}

/** Deletes it, or changes it as mappings for `deleteEntity` say. */
async function take(
  target: Target,
  type: EntityType,
  id: string,
  left: JsonObject | undefined,
): Promise<void> {
  if (!left) return target.writer.delete(type, id)
  const current = await target.writer.get(type, id)
  if (current) await target.writer.update(type, id, { ...current, ...left })
}
