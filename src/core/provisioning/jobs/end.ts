import type { ProvisioningTables, SourceState, StoredJob } from '../store.ts'
import type { RunnerDependencies } from './dependencies.ts'
import { notifyOfEnd } from './notify.ts'
import type { JobEnd } from './run.ts'

/** Writes down how a job ended, or how far it is; what the source's next read needs; and whether anybody is told. */
export async function endJob(
  job: StoredJob,
  { status, report, since }: JobEnd,
  began: string | undefined,
  { store, context, runner, tenants }: RunnerDependencies,
): Promise<void> {
  const now = context.now()
  const ended = await store.write(async tables => {
    const current = await tables.jobs.byId(job.id)
    if (!current || current.runner !== runner || current.attempt !== job.attempt) return undefined
    const { doing: _, ...found } = report.report()
    const interrupted = status === 'Pending Restart'
    const final: StoredJob = {
      ...current,
      status: interrupted && current.stopRequested ? 'Manually Terminated' : status,
      endedAt: interrupted && !current.stopRequested ? undefined : now,
      runner: undefined,
      leaseUntil: undefined,
      report: found,
    }
    await tables.jobs.addLines(report.takeLines())
    await tables.jobs.update(final)
    if (final.endedAt === undefined) return undefined
    const failures = await endOfSource(final, since, began !== undefined, tables)
    const system = await resetTraces(final, now, tables)
    return { final, failures, system }
  })
  if (!ended) return
  const { final, failures, system } = ended
  const tenant = tenants.all().find(({ id }) => id === job.tenantId)?.name
  context.log.info(
    { tenant, job: job.id, status: final.status, statistics: final.report.statistics },
    'a provisioning job ended',
  )
  const told = job.kind === 'read' || job.kind === 'delta' || job.kind === 'resync'
  if (told && system && final.status !== 'Manually Terminated')
    notifyOfEnd(system, final, tenant, final.status, failures, context)
}

/** Returns how many jobs in a row had failed before. */
async function endOfSource(
  job: StoredJob,
  since: string | undefined,
  wasDelta: boolean,
  { sources }: ProvisioningTables,
): Promise<number> {
  if (job.kind === 'simulate' || job.kind === 'validate') return 0
  const state: SourceState = (await sources.find(job.systemId)) ?? {
    systemId: job.systemId,
    tenantId: job.tenantId,
    everyMinutes: undefined,
    nextRunAt: undefined,
    since: undefined,
    deltaReads: 0,
    failures: 0,
  }
  const succeeded = job.status === 'Success'
  const scheduled = job.trigger === 'REPEAT'
  await sources.put({
    ...state,
    since: since ?? state.since,
    // A full read that failed has not taken the place of a delta read: the next one is full again.
    deltaReads: wasDelta ? state.deltaReads + Number(scheduled) : succeeded ? 0 : state.deltaReads,
    failures: succeeded ? 0 : state.failures + 1,
  })
  return state.failures
}

const tracedOnce = ['failed', 'skipped', 'created', 'updated'].map(what => `ips.trace.${what}.entity.content`)

/** The content of entities is logged for one job: then the property is false again. */
async function resetTraces(job: StoredJob, now: number, { systems }: ProvisioningTables) {
  const system = await systems.byId(job.systemId)
  if (!system) return undefined
  const on = tracedOnce.filter(name => system.properties[name] === 'true')
  if (on.length === 0) return system
  const properties = { ...system.properties, ...Object.fromEntries(on.map(name => [name, 'false'])) }
  await systems.update({ ...system, properties, updatedAt: now })
  return system
}
