import { minute } from '../../context.ts'
import { isProblem, Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import type { SourceState } from '../store.ts'
import { findSystem } from '../systems/manage.ts'
import type { RunnerDependencies } from './dependencies.ts'
import { insertJob, type JobManagement } from './manage.ts'

/** As described: more than 30 minutes apart. */
const leastMinutes = 31
const mostMinutes = 31 * 24 * 60

/** Reads a source every so many minutes from now on; undefined: no longer. */
export async function scheduleJobs(
  tenant: Tenant,
  name: string,
  everyMinutes: number | undefined,
  { store, context }: JobManagement,
): Promise<SourceState | Problem> {
  if (
    everyMinutes !== undefined &&
    !(Number.isSafeInteger(everyMinutes) && everyMinutes >= leastMinutes && everyMinutes <= mostMinutes)
  )
    return new Problem(
      'invalid_input',
      `a schedule is a whole number of minutes, more than 30 and at most ${mostMinutes}`,
    )
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    if (system.role !== 'source')
      return new Problem('invalid_input', `${system.name} is a ${system.role}: only sources have jobs`)
    const before = await tables.sources.find(system.id)
    const state: SourceState = {
      systemId: system.id,
      tenantId: tenant.id,
      since: before?.since,
      deltaReads: before?.deltaReads ?? 0,
      failures: before?.failures ?? 0,
      everyMinutes,
      nextRunAt: everyMinutes === undefined ? undefined : context.now() + everyMinutes * minute,
    }
    await tables.sources.put(state)
    return state
  })
}

/** Makes the jobs whose time has come. A time at which the last one is still open is passed over, as described. */
export async function scheduleDue({
  store,
  context,
}: Pick<RunnerDependencies, 'store' | 'context'>): Promise<void> {
  const now = context.now()
  if ((await store.read.sources.due(now)).length === 0) return
  await store.write(async tables => {
    const open = await tables.jobs.open()
    for (const state of await tables.sources.due(now)) {
      const everyMs = state.everyMinutes! * minute
      const missed = Math.floor((now - state.nextRunAt!) / everyMs)
      await tables.sources.put({ ...state, nextRunAt: state.nextRunAt! + (missed + 1) * everyMs })
      if (open.some(job => job.systemId === state.systemId)) continue
      await insertJob({ ...state, kind: 'read', trigger: 'REPEAT', triggeredBy: undefined }, tables, context)
    }
  })
}
