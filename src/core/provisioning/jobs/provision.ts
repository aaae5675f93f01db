import { SystemFailure } from '../failure.ts'
import type { EntityType } from '../transformation/index.ts'
import { takeUpIntents } from './intents.ts'
import type { JobRun } from './job-run.ts'
import { readable, readType, resolveLater, type TypeRead } from './read.ts'
import { removeVanished } from './remove.ts'

/**
 * Reads the source and brings what it found into the targets; takes away what a full read has not found any more.
 * Returns where the next delta read begins; undefined: where it began before.
 */
export async function provision(run: JobRun, since: string | undefined): Promise<string | undefined> {
  const { report } = run
  report.set({ readMode: since === undefined ? 'Full Read' : 'Delta Read' })
  if (!run.simulated) await takeUpIntents(run)
  const types = readable(run).filter(type => run.transformation.handles(type))
  for (const type of types) {
    report.expect(run.source.name, 'Read', type)
    for (const target of run.targets) report.expect(target.system.name, 'Write', type)
  }
  const reads = new Map<EntityType, TypeRead>()
  for (const type of types) {
    try {
      reads.set(type, await readType(run, type, since))
    } catch (error) {
      if (!(error instanceof SystemFailure)) throw error
      report.set({ error: error.message })
      break
    }
  }
  for (const [type, { unresolved }] of reads) if (!run.simulated) await resolveLater(run, type, unresolved)
  await remove(run, types, reads, since !== undefined || run.job.kind === 'delta')
  // What an earlier attempt had read may have changed before this one read it, and was passed over.
  const all =
    types.every(type => reads.has(type) && reads.get(type)!.doubt === undefined) &&
    !report.hasErrors() &&
    run.job.attempt === 1
  return all ? earliest([...reads.values()]) : undefined
}

async function remove(
  run: JobRun,
  types: readonly EntityType[],
  reads: ReadonlyMap<EntityType, TypeRead>,
  isDelta: boolean,
): Promise<void> {
  const { report } = run
  if (isDelta) return report.note('A delta read deletes nothing.')
  const unread = types.filter(type => !reads.has(type))
  if (unread.length > 0)
    return report.note(
      `Nothing was deleted, because not all ${unread.map(type => `${type}s`).join(' and ')} could be read.`,
    )
  const failures = [...reads.values()].reduce((sum, read) => sum + read.failures, 0)
  if (failures > 0) return report.note(`Nothing was deleted, because ${failures} entities could not be read.`)
  // Groups refer to users.
  for (const type of types.toReversed()) {
    const { doubt, entities, seen } = reads.get(type)!
    if (doubt === undefined) await removeVanished(run, type, { readSome: entities > 0, seen })
    else {
      report.note(`No ${type} was deleted: ${doubt}.`)
      report.set({ error: doubt })
    }
  }
}

/** Everything that changes after this moment is found by the next delta read, whatever its type. */
function earliest(reads: readonly TypeRead[]): string | undefined {
  const times = reads.map(({ asOf }) => asOf)
  return times.every(time => time !== undefined) ? times.toSorted()[0] : undefined
}
