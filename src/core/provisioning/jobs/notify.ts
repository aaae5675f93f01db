import type { Context } from '../../context.ts'
import type { JobStatus, StoredJob } from '../store.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import { flag, numeric } from '../types/property.ts'

/**
 * The described notifications, as lines of the log that name their subject in `notification`: whoever collects logs
 * sends them on. Only of jobs that read and resync.
 */
export function notifyOfFirstFailure(
  { name, tenantName, properties }: OpenedSystem,
  { log }: Pick<Context, 'log'>,
): void {
  if (flag(properties, 'ips.job.notification.skip.intermediate.notifications', false)) return
  log.warn(
    {
      tenant: tenantName,
      source: name,
      notification: `Provisioning Running with Error. Source System: ${name}`,
    },
    'an entity could not be provisioned; the job goes on',
  )
}

/** `before`: how many jobs in a row had failed before this one. */
export function notifyOfEnd(
  { name, properties }: { readonly name: string; readonly properties: Readonly<Record<string, string>> },
  job: Pick<StoredJob, 'id' | 'kind' | 'report'>,
  tenant: string | undefined,
  status: JobStatus,
  before: number,
  { log }: Pick<Context, 'log'>,
): void {
  const facts = { tenant, source: name, job: job.id, error: job.report.error }
  if (status === 'Success') {
    if (before > 0)
      log.info(
        { ...facts, notification: `Provisioning Success. Source System: ${name}` },
        'a source is provisioned again',
      )
    return
  }
  const ignored = numeric(properties, 'ips.job.notification.ignored.consecutive.failures', 0)
  const repeats = flag(properties, 'ips.job.notification.repeat.on.failure', false)
  const tells = before === ignored || (repeats && before > ignored)
  if (tells)
    log.error(
      { ...facts, notification: `Provisioning Finished with Error. Source System: ${name}` },
      'a provisioning job finished with errors',
    )
}
