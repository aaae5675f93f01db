import { newId } from '../../context.ts'
import type { ChangeFeed } from '../../store.ts'
import type { StoredJob } from '../store.ts'
import { leaseMs, type RunnerDependencies } from './dependencies.ts'
import { endJob } from './end.ts'
import { isFirst, nextSince } from './mode.ts'
import { runJob } from './run.ts'
import { scheduleDue } from './schedule.ts'

/** Runs the jobs of all tenants, one at a time for each source, in the one process of a machine that does so. */
export interface JobRunner {
  /** Takes over what waits, what somebody left behind, and what is due. Safe to call at any time, and often. */
  tick(): Promise<void>
  /** Interrupts what runs, writes down how far it is, and begins nothing more. */
  stop(): Promise<void>
}

/** Long before it ends. */
const renewedAfterMs = leaseMs / 5

/** A job that ends its process each time is not begun for ever. */
const mostAttempts = 50

interface Under {
  readonly job: StoredJob
  readonly abort: AbortController
  readonly done: Promise<void>
  renewedAt: number
}

export function createJobRunner(
  given: Omit<RunnerDependencies, 'runner'>,
  changes: Pick<ChangeFeed, 'onChange'>,
): JobRunner {
  const deps: RunnerDependencies = { ...given, runner: newId(given.context) }
  const { store, context } = deps
  const under = new Map<string, Under>()
  let ticking: Promise<void> | undefined
  let again = false
  let started = false
  let stopped = false
  /** What a process that has ended was at work on. */
  const orphans = new Set<string>()
  let inherited = false
  changes.onChange(change => {
    if (started && (!change || change.kind === 'provisioning')) void tick().catch(() => {})
  })

  function tick(): Promise<void> {
    started = true
    if (stopped) return Promise.resolve()
    if (ticking) {
      again = true
      return ticking
    }
    ticking = look()
      .catch((error: Error) => {
        if (!stopped) context.log.error({ error: error.message }, 'provisioning jobs cannot be looked after')
      })
      .finally(() => {
        ticking = undefined
        if (again) {
          again = false
          void tick()
        }
      })
    return ticking
  }

  async function look(): Promise<void> {
    await scheduleDue(deps)
    const open = await store.read.jobs.open()
    if (deps.alone && !inherited) for (const job of open) if (!under.has(job.id)) orphans.add(job.id)
    inherited = true
    for (const job of open) {
      const mine = under.get(job.id)
      if (mine) await keep(mine, job)
      else if (!stopped && canBegin(job, open)) await begin(job)
    }
  }

  async function keep(mine: Under, job: StoredJob): Promise<void> {
    if (job.stopRequested || job.runner !== deps.runner) mine.abort.abort()
    const now = context.now()
    if (now - mine.renewedAt < renewedAfterMs) return
    mine.renewedAt = now
    await store.write(async ({ jobs }) => {
      const current = await jobs.byId(job.id)
      if (current?.runner === deps.runner) await jobs.update({ ...current, leaseUntil: now + leaseMs })
    })
  }

  /** It waits for its turn, or whoever ran it has not been heard of. */
  function canBegin(job: StoredJob, open: readonly StoredJob[]): boolean {
    const held = job.runner !== undefined && (job.leaseUntil ?? 0) > context.now() && !orphans.has(job.id)
    return !held && isFirst(job, open)
  }

  async function begin(found: StoredJob): Promise<void> {
    const claimed = await store.write(async ({ jobs }) => {
      const open = await jobs.open()
      const current = open.find(({ id }) => id === found.id)
      const now = context.now()
      if (!current || !canBegin(current, open)) return undefined
      if (current.stopRequested) {
        await jobs.update({ ...current, status: 'Manually Terminated', endedAt: now, runner: undefined })
        return undefined
      }
      if (current.attempt >= mostAttempts) {
        const report = {
          ...current.report,
          error: `interrupted ${mostAttempts} times: see the log of the server`,
        }
        await jobs.update({
          ...current,
          status: 'Finished with Error',
          endedAt: now,
          runner: undefined,
          report,
        })
        return undefined
      }
      const job: StoredJob = {
        ...current,
        status: 'Running',
        startedAt: current.startedAt ?? now,
        attempt: current.attempt + 1,
        runner: deps.runner,
        leaseUntil: now + leaseMs,
      }
      await jobs.update(job)
      return job
    })
    if (!claimed) return
    orphans.delete(claimed.id)
    const abort = new AbortController()
    const done = run(claimed, abort.signal).finally(() => {
      under.delete(claimed.id)
      // Another job of the same source may have waited for this one.
      if (!stopped) void tick()
    })
    under.set(claimed.id, { job: claimed, abort, done, renewedAt: context.now() })
  }

  async function run(job: StoredJob, signal: AbortSignal): Promise<void> {
    try {
      const tenant = deps.tenants.all().find(({ id }) => id === job.tenantId)
      if (!tenant) return
      const since = await nextSince(job, store.read)
      context.log.info(
        { tenant: tenant.name, job: job.id, kind: job.kind, attempt: job.attempt },
        job.attempt === 1 ? 'a provisioning job begins' : 'a provisioning job goes on',
      )
      const end = await runJob(job, tenant, since, signal, deps)
      await endJob(job, end, since, deps)
    } catch (error) {
      // Its lease ends, and then somebody goes on with it.
      context.log.error(
        { job: job.id, error: (error as Error).message },
        'a provisioning job was interrupted',
      )
    }
  }

  return {
    tick,
    async stop() {
      stopped = true
      for (const { abort } of under.values()) abort.abort()
      await ticking
      // One may have been begun meanwhile.
      for (const { abort } of under.values()) abort.abort()
      await Promise.all([...under.values()].map(({ done }) => done))
    },
  }
}
