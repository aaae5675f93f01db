import { isProblem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import { Stopped, SystemFailure } from '../failure.ts'
import type { EntityState, JobStatus, StoredJob } from '../store.ts'
import { findSystem, targetNames, transformationOf, typeOf } from '../systems/manage.ts'
import { openSystem } from '../systems/open.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import { parseTransformation, type Transformation } from '../transformation/index.ts'
import type { Connector } from '../types/type.ts'
import { leaseMs, type RunnerDependencies } from './dependencies.ts'
import type { JobRun } from './job-run.ts'
import { createKnownStates } from './known-states.ts'
import { notifyOfFirstFailure } from './notify.ts'
import { provision } from './provision.ts'
import { createReportWriter, type ReportWriter } from './report.ts'
import { createTarget, type Target } from './target.ts'
import { validate } from './validate.ts'

/** How a job, or this attempt of it, ended. */
export interface JobEnd {
  readonly status: JobStatus
  readonly report: ReportWriter
  /** Where the next delta read begins; undefined: where it began before. */
  readonly since: string | undefined
}

/** Runs one job to its end, or until the signal fires. `since`: where a delta read begins. */
export async function runJob(
  job: StoredJob,
  tenant: Tenant,
  since: string | undefined,
  signal: AbortSignal,
  deps: RunnerDependencies,
): Promise<JobEnd> {
  const stored = await deps.store.read.systems.byId(job.systemId)
  const report = createReportWriter(job, stored?.properties ?? {})
  const connectors: Connector[] = []
  // What failed in an earlier attempt was said there.
  report.set({ error: undefined })
  try {
    if (!stored) throw new SystemFailure('the source was deleted')
    const source = await openSystem(tenant, stored, deps)
    const run = await prepare(source)
    const next = job.kind === 'validate' ? await validate(run) : await provision(run, since)
    return {
      status: report.hasErrors() ? 'Finished with Error' : 'Success',
      report,
      since: next ?? undefined,
    }
  } catch (error) {
    if (error instanceof Stopped) return { status: 'Pending Restart', report, since: undefined }
    if (!(error instanceof SystemFailure)) {
      const { message } = error as Error
      deps.context.log.error(
        { job: job.id, error: message },
        'a provisioning job failed for a reason of ours',
      )
      report.set({ error: 'the job failed inside Countersign: see its log' })
    } else report.set({ error: error.message })
    return { status: 'Finished with Error', report, since: undefined }
  } finally {
    for (const connector of connectors) connector.close()
  }

  async function prepare(source: OpenedSystem): Promise<JobRun> {
    const connector = connect(source)
    const targets: Target[] = []
    const names = targetNames(source.properties)
    if (names.length === 0 && job.kind !== 'validate')
      throw new SystemFailure(
        `${source.name} has no targets: countersign provisioning system set ${source.name} targets=NAME,...`,
      )
    for (const name of names) targets.push(await openTarget(name))
    let tellsOfFailure = job.kind !== 'simulate' && job.kind !== 'validate'
    const known = createKnownStates(deps.store, source.id)
    let heldUntil = job.leaseUntil ?? 0
    const run: JobRun = {
      known,
      job,
      source,
      connector,
      transformation: transformation(source, 'read'),
      targets,
      report,
      store: deps.store,
      context: deps.context,
      simulated: job.kind === 'simulate',
      writesAll: job.kind === 'resync',
      signal,
      async holds() {
        if (deps.context.now() >= heldUntil) await run.checkpoint([])
      },
      async checkpoint(states, more) {
        await known.note(states, all => write(all, more))
        if (tellsOfFailure && report.hasErrors()) {
          tellsOfFailure = false
          notifyOfFirstFailure(source, deps.context)
        }
        if (signal.aborted) throw new Stopped('stopped')
      },
    }
    return run

    async function write(
      states: readonly EntityState[],
      more: Parameters<JobRun['checkpoint']>[1],
    ): Promise<void> {
      const now = deps.context.now()
      await deps.store.write(async tables => {
        const current = await tables.jobs.byId(job.id)
        if (!current || current.runner !== deps.runner || current.attempt !== job.attempt)
          throw new Stopped('somebody else runs this job')
        const writes = job.kind !== 'simulate' && job.kind !== 'validate'
        if (writes && states.length > 0) await tables.entities.put(source.id, states)
        if (writes) await more?.(tables)
        await tables.jobs.addLines(report.takeLines())
        await tables.jobs.update({
          ...current,
          status: report.hasErrors() ? 'Running with Error' : 'Running',
          leaseUntil: now + leaseMs,
          report: report.report(),
        })
      })
      heldUntil = now + leaseMs
    }
  }

  function connect(system: OpenedSystem): Connector {
    const { missing, connect: open } = typeOf(system)
    const absent = missing({ ...system.properties, ...system.credentials })
    // A job of kind validate says it of all systems, one by one.
    if (absent.length > 0 && (job.kind !== 'validate' || absent.includes('URL')))
      throw new SystemFailure(`${system.name}: set ${absent.join(', ')}`, { fatal: true })
    // Somebody waits for what a validation says.
    const properties = { ...system.properties, 'ips.failed.request.retry.attempts': '0' }
    const opened = job.kind === 'validate' ? { ...system, properties } : system
    const connector = open(opened, { ...deps, signal })
    connectors.push(connector)
    return connector
  }

  async function openTarget(name: string): Promise<Target> {
    const found = await findSystem(tenant, name, deps.store.read)
    if (isProblem(found)) throw new SystemFailure(`targets: ${found.description}`)
    const system = await openSystem(tenant, found, deps)
    const connector = connect(system)
    if (!connector.writer)
      throw new SystemFailure(`${name}: a system of type ${system.type} cannot be written to`)
    return createTarget(system, connector, transformation(system, 'write'), transformationOf(system, 'write'))
  }

  function transformation(system: OpenedSystem, kind: 'read' | 'write'): Transformation {
    const parsed = parseTransformation(transformationOf(system, kind), kind)
    if (isProblem(parsed))
      throw new SystemFailure(`${system.name}: its ${kind} transformation: ${parsed.description}`)
    return parsed
  }
}
