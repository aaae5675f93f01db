import { endingApplications } from '../core/applications/index.ts'
import { endingAuthorities, maintainAuthorities } from '../core/authority/index.ts'
import { endingKeyCertificates } from '../core/broker/index.ts'
import { forgetAnswers } from '../core/broker/osb/index.ts'
import { type Context, hour, minute, second } from '../core/context.ts'
import { createExpiryWatch, watchedMs } from '../core/expiry.ts'
import { endingKeystore } from '../core/keystore/index.ts'
import {
  endingSystemCertificates,
  forgetOldJobs,
  maintainSystemCertificates,
} from '../core/provisioning/index.ts'
import type { Change } from '../core/store.ts'
import { maintainKeys } from '../core/tokens/index.ts'
import { endingTrust } from '../core/trust/index.ts'
import { runAfterChanges } from './after-changes.ts'
import type { Server } from './compose.ts'
import type { Config } from './config.ts'
import { endingServerCertificates } from './server-identity.ts'

/** Something that time asks for. Safe to run on several nodes at once. */
interface Task {
  readonly name: string
  /** Every minute, not only every hour. */
  readonly often?: true
  /** Also within seconds of a change of these kinds. */
  readonly after?: readonly Change['kind'][]
  run(): Promise<void>
}

/** So often jobs are looked after, beside each change that concerns them. */
const jobsMs = 5 * second

/**
 * Runs what time asks for, at once and then every hour or minute: keys and authorities get their successors, and
 * certificates that end are told of. One process of a machine does it. Returns what stops it.
 */
export function startMaintenance(
  { services, store, jobs }: Pick<Server, 'services' | 'store' | 'jobs'>,
  config: Config,
  context: Context,
): { run(): Promise<void>; stop(): void } {
  const { log } = context
  const tasks = tasksOf(services, config, context)
  let running: Promise<void> | undefined
  let stopped = false

  async function runAll(chosen: readonly Task[]): Promise<void> {
    for (const { name, often, run } of chosen) {
      try {
        if (!stopped) await run()
      } catch (error) {
        // Its store may have been closed meanwhile; nobody can do anything about that, or has to.
        if (stopped) return
        const next = often ? 'a minute' : 'an hour'
        log.error({ error: (error as Error).message }, `${name} failed; it is tried again in ${next}`)
      }
    }
  }

  function run(): Promise<void> {
    running ??= runAll(tasks).finally(() => {
      running = undefined
    })
    return running
  }

  void run()
  void jobs.tick()
  const often = tasks.filter(task => task.often)
  const timers = [
    setInterval(run, hour),
    setInterval(() => void runAll(often), minute),
    setInterval(() => void jobs.tick(), jobsMs),
    runAfterChanges(store.changes, tasks, runAll, log),
  ]
  for (const timer of timers) timer.unref()
  return {
    run,
    stop() {
      stopped = true
      for (const timer of timers) clearInterval(timer)
    },
  }
}

/** THE LIST of what is done. */
function tasksOf(services: Server['services'], config: Config, context: Context): readonly Task[] {
  const watch = createExpiryWatch(context, services.meter)
  return [
    {
      name: 'maintenance of the tenant keys',
      async run() {
        const { made, removed } = await maintainKeys(services)
        if (made + removed > 0) context.log.info({ made, removed }, 'tenant keys maintained')
      },
    },
    {
      name: 'maintenance of the authorities',
      async run() {
        const made = await maintainAuthorities(services)
        if (made > 0) context.log.info({ made }, 'authorities maintained')
      },
    },
    {
      name: 'renewal of the certificates of systems',
      async run() {
        const renewed = await maintainSystemCertificates(services)
        if (renewed > 0) context.log.info({ renewed }, 'certificates of systems renewed')
      },
    },
    {
      name: 'forgetting old provisioning jobs',
      run: () => forgetOldJobs(services),
    },
    {
      name: 'forgetting sessions that have ended',
      run: () => services.store.write(({ sessions }) => sessions.deleteExpired(context.now())),
    },
    {
      name: 'forgetting what platforms were answered',
      often: true,
      run: () => forgetAnswers(services),
    },
    {
      name: 'the watch for certificates that end',
      after: ['credential', 'instance', 'authority', 'trust', 'keystore', 'provisioning', 'tenant'],
      async run() {
        const until = context.now() + watchedMs
        watch([
          ...(await endingKeyCertificates(until, services)),
          ...(await endingApplications(until, services)),
          ...(await endingKeystore(until, services)),
          ...(await endingSystemCertificates(until, services)),
          ...(services.identity?.endings(until) ?? []),
          ...(await endingAuthorities(until, services)),
          ...(await endingTrust(until, services)),
          ...endingServerCertificates(until, config, context),
        ])
      },
    },
  ]
}
