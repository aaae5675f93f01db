import { type Context, day, newId } from '../../context.ts'
import { isProblem, Problem } from '../../problem.ts'
import { printable } from '../../schema.ts'
import type { Transactions } from '../../store.ts'
import type { Tenant } from '../../tenant.ts'
import { type JobLogType, jobKinds, type ProvisioningTables, type StoredJob } from '../store.ts'
import { findSystem, targetNames } from '../systems/manage.ts'

export interface JobManagement {
  readonly store: Transactions<ProvisioningTables>
  readonly context: Context
}

/** So many wait for one another: more is a mistake of whoever starts them. */
const mostWaiting = 5

/** Has a job run as soon as no other of its source does. `triggeredBy`: client id. */
export async function startJob(
  tenant: Tenant,
  { system: name, kind, triggeredBy }: { system: string; kind: string; triggeredBy: string },
  { store, context }: JobManagement,
): Promise<StoredJob | Problem> {
  const known = jobKinds.find(one => one === kind)
  if (!known)
    return new Problem('invalid_input', `there is no job type ${printable(kind)}`, {
      hint: `The types are ${jobKinds.join(', ')}.`,
    })
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    if (system.role !== 'source' && known !== 'validate')
      return new Problem('invalid_input', `${system.name} is a ${system.role}: jobs are those of a source`, {
        hint: 'A target or a proxy can be looked at with --type validate.',
      })
    if (known !== 'validate' && targetNames(system.properties).length === 0)
      return new Problem('conflict', `source ${system.name} has no targets`, {
        hint: `Name them: countersign provisioning system set ${system.name} targets=NAME,...`,
      })
    const waiting = (await tables.jobs.open()).filter(job => job.systemId === system.id)
    if (waiting.length > mostWaiting)
      return new Problem('conflict', `${waiting.length} jobs of ${system.name} are open already`, {
        hint: 'See `countersign provisioning job list`.',
      })
    return insertJob(
      { systemId: system.id, tenantId: tenant.id, kind: known, trigger: 'IMMEDIATE', triggeredBy },
      tables,
      context,
    )
  })
}

/** Inside a transaction. */
export async function insertJob(
  {
    systemId,
    tenantId,
    kind,
    trigger,
    triggeredBy,
  }: Pick<StoredJob, 'systemId' | 'tenantId' | 'kind' | 'trigger' | 'triggeredBy'>,
  { jobs }: Pick<ProvisioningTables, 'jobs'>,
  context: Pick<Context, 'now' | 'random'>,
): Promise<StoredJob> {
  const job: StoredJob = {
    id: newId(context),
    tenantId,
    systemId,
    number: (await jobs.lastNumber()) + 1,
    kind,
    trigger,
    triggeredBy,
    status: 'Queued',
    createdAt: context.now(),
    startedAt: undefined,
    endedAt: undefined,
    attempt: 0,
    stopRequested: false,
    runner: undefined,
    leaseUntil: undefined,
    report: { statistics: [], outcome: [], failed: [] },
  }
  await jobs.insert(job)
  return job
}

/** Ends a job at the next moment at which everything that was begun is written down. */
export async function stopJob(
  tenant: Tenant,
  id: string,
  { store }: Pick<JobManagement, 'store'>,
): Promise<StoredJob | Problem> {
  return store.write(async ({ jobs }) => {
    const job = await jobs.find(tenant.id, id)
    if (!job) return noJob(id)
    if (job.endedAt !== undefined) return new Problem('conflict', `job ${id} has ended: ${job.status}`)
    await jobs.requestStop(job)
    return { ...job, stopRequested: true }
  })
}

/** A job with the name of its source. */
export interface JobInfo extends StoredJob {
  readonly source: string
}

export async function listJobs(
  tenant: Tenant,
  { system, limit }: { system?: string | undefined; limit: number },
  { store }: Pick<JobManagement, 'store'>,
): Promise<JobInfo[] | Problem> {
  const { systems, jobs } = store.read
  const of = system === undefined ? undefined : await findSystem(tenant, system, store.read)
  if (isProblem(of)) return of
  const names = new Map((await systems.list(tenant.id)).map(({ id, name }) => [id, name]))
  return (await jobs.list(tenant.id, limit, of?.id)).map(job => ({
    ...job,
    source: names.get(job.systemId) ?? '',
  }))
}

export async function showJob(
  tenant: Tenant,
  id: string,
  { store }: Pick<JobManagement, 'store'>,
): Promise<JobInfo | Problem> {
  const job = await store.read.jobs.find(tenant.id, id)
  if (!job) return noJob(id)
  return { ...job, source: (await store.read.systems.byId(job.systemId))?.name ?? '' }
}

export async function jobLines(
  tenant: Tenant,
  id: string,
  { log, after, limit }: { log: JobLogType; after: number; limit: number },
  { store }: Pick<JobManagement, 'store'>,
) {
  const job = await store.read.jobs.find(tenant.id, id)
  return job ? store.read.jobs.lines(id, log, after, limit) : noJob(id)
}

/** The described default. */
const keptMs = 7 * day

/** Removes the logs of jobs that ended long ago, in all tenants. */
export async function forgetOldJobs({ store, context }: JobManagement): Promise<void> {
  await store.write(({ jobs }) => jobs.deleteEndedBefore(context.now() - keptMs))
}

/** Forgets what is known of the entities of a source: the next job meets them in the targets as strangers. */
export async function resetSource(
  tenant: Tenant,
  name: string,
  { store }: Pick<JobManagement, 'store'>,
): Promise<{ readonly name: string } | Problem> {
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    if ((await tables.jobs.open()).some(job => job.systemId === system.id))
      return new Problem('conflict', `a job of ${system.name} is under way`)
    await tables.entities.reset(system.id)
    const state = await tables.sources.find(system.id)
    if (state) await tables.sources.put({ ...state, since: undefined, deltaReads: 0 })
    return { name: system.name }
  })
}

const noJob = (id: string): Problem =>
  new Problem('not_found', `there is no job ${printable(id)}`, {
    hint: 'See `countersign provisioning job list`.',
  })
