import { endingAuthorities, maintainAuthorities } from '../core/authority/index.ts'
import { endingKeyCertificates } from '../core/broker/index.ts'
import { type Context, hour } from '../core/context.ts'
import { createExpiryWatch, watchedMs } from '../core/expiry.ts'
import { maintainKeys } from '../core/tokens/index.ts'
import { endingTrust } from '../core/trust/index.ts'
import type { Server } from './compose.ts'
import type { Config } from './config.ts'
import { endingServerCertificates } from './server-identity.ts'

/** Something that time asks for. Safe to run on several nodes at once. */
interface Task {
  readonly name: string
  run(): Promise<void>
}

/**
 * Runs what time asks for, at once and then every hour: keys and authorities get their successors, and certificates
 * that end are told of. One process of a machine does it. Returns what stops it.
 */
export function startMaintenance(
  { services }: Pick<Server, 'services'>,
  config: Config,
  context: Context,
): { run(): Promise<void>; stop(): void } {
  const { log } = context
  const tasks = tasksOf(services, config, context)
  let running: Promise<void> | undefined

  async function runAll(): Promise<void> {
    for (const { name, run } of tasks) {
      try {
        await run()
      } catch (error) {
        log.error({ error: (error as Error).message }, `${name} failed; it is tried again in an hour`)
      }
    }
  }

  function run(): Promise<void> {
    running ??= runAll().finally(() => {
      running = undefined
    })
    return running
  }

  void run()
  const timer = setInterval(run, hour).unref()
  return { run, stop: () => clearInterval(timer) }
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
      name: 'the watch for certificates that end',
      async run() {
        const until = context.now() + watchedMs
        watch([
          ...(await endingKeyCertificates(until, services)),
          ...(await endingAuthorities(until, services)),
          ...(await endingTrust(until, services)),
          ...endingServerCertificates(until, config, context),
        ])
      },
    },
  ]
}
