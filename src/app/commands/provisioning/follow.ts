import { type AdminApi, path } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import { Refused } from '../support/errors.ts'
import { type JobAnswer, progressOf } from './job-answer.ts'

const firstLookMs = 200
const everyMs = 1000
/** A server that is restarted goes on with its jobs. */
const patienceMs = 60_000

/** Starts a job and waits until it has ended; tells meanwhile what it does. Throws Refused at Ctrl-C: the job goes on. */
export async function followJob(
  start: () => Promise<JobAnswer>,
  api: AdminApi,
  cli: Cli,
): Promise<JobAnswer> {
  let release = () => {}
  const interrupted = new Promise<undefined>(resolve => {
    release = cli.onInterrupt(() => resolve(undefined))
  })
  try {
    let current = await start()
    const { id } = current
    let waitMs = firstLookMs
    while (current.endedAt === null) {
      cli.terminal.progress(progressOf(current))
      const seen = await Promise.race([interrupted, cli.wait(waitMs).then(() => look(id, api, cli))])
      if (!seen) throw goesOn(current, cli)
      current = seen
      waitMs = everyMs
    }
    return current
  } finally {
    release()
    cli.terminal.progress('')
  }
}

/** Passes over the time in which nobody answers. */
async function look(id: string, api: AdminApi, cli: Cli): Promise<JobAnswer> {
  const until = cli.now() + patienceMs
  for (;;) {
    try {
      return await api.get<JobAnswer>(path`/provisioning/jobs/${id}`)
    } catch (error) {
      const said = error instanceof Refused && error.correlationId !== undefined
      if (said || cli.now() >= until) throw error
      cli.terminal.progress('The server does not answer; its jobs go on when it does')
      await cli.wait(everyMs)
    }
  }
}

const goesOn = ({ id }: JobAnswer, cli: Cli): Refused =>
  new Refused(`not waited for: job ${id} goes on`, {
    hint: `See ${cli.next(`provisioning job log ${id}`)}, or stop it: ${cli.next(`provisioning job stop ${id}`)}`,
  })
