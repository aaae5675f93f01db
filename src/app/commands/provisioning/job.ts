import { type Command, Option } from 'commander'
import { quote } from '../../terminal/quote.ts'
import { fullTime } from '../../terminal/time.ts'
import { path } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import { Refused, WrongUsage } from '../support/errors.ts'
import { wholeNumber } from '../support/key-request.ts'
import { followJob } from './follow.ts'
import { type JobAnswer, showJob, showJobs } from './job-answer.ts'
import { fetchLines, type LogName, logNames, showLines } from './job-lines.ts'

interface ScheduleAnswer {
  readonly name: string
  readonly everyMinutes: number | null
  readonly nextRunAt: string | null
}

export function defineJobs(command: Command, cli: Cli): void {
  const { terminal } = cli
  command.description('Jobs, which bring what a source has into its targets')

  command
    .command('run')
    .description('Run a job as soon as no other of this source does')
    .argument('<SYSTEM>', 'the source; with --type validate any system')
    .addOption(
      new Option('--type <TYPE>', 'what to do: see docs/provisioning.md')
        .choices(['read', 'delta', 'resync', 'simulate', 'validate'])
        .default('read'),
    )
    .option('--wait', 'until it has ended, then print its log; exit 1 unless it succeeded')
    .action(async (system: string, { type, wait }: { type: string; wait?: boolean }) => {
      const api = await cli.api()
      const start = () => api.post<JobAnswer>(path`/provisioning/systems/${system}/jobs`, { type })
      if (!wait) {
        const started = await start()
        return terminal.show(started, () => showStarted(started, cli))
      }
      const ended = await followJob(start, api, cli)
      terminal.show(ended, () => showJob(ended, cli))
      if (ended.status !== 'Success') throw new Refused(`job ${ended.id} of ${system}: ${ended.status}`)
    })

  command
    .command('stop')
    .description('Stop a job once everything that it has begun is written down')
    .argument('<ID>')
    .action(async (id: string) => {
      const answer = await (await cli.api()).post<{ id: string }>(path`/provisioning/jobs/${id}/stop`, {})
      terminal.show(answer, () => `Job ${id} ends as soon as what it has begun is written down.\n`)
    })

  command
    .command('list')
    .description('List jobs, the newest first')
    .argument('[SYSTEM]', 'of this source only')
    .option('--limit <N>', 'how many, up to 1000 (default: 100)')
    .action(async (system: string | undefined, { limit }: { limit?: string }) => {
      const query = new URLSearchParams({
        ...(system !== undefined && { system }),
        ...(limit !== undefined && { limit: String(wholeNumber(limit, '--limit')) }),
      })
      const { jobs } = await (await cli.api()).get<{ jobs: JobAnswer[] }>(`/provisioning/jobs?${query}`)
      terminal.show(jobs, () =>
        jobs.length === 0
          ? `There are none yet. Next: ${cli.next(`provisioning job run ${quote(system ?? 'SOURCE')} --wait`)}\n`
          : showJobs(jobs, cli),
      )
    })

  const log = command
    .command('log')
    .description('Show the log of a job, also while it runs; or what it says of single entities')
    .argument('<ID>')
  for (const name of logNames) log.option(`--${name}`, `the entities that ${logs[name]}`)
  log.action(async (id: string, options: Partial<Record<LogName, boolean>>) => {
    const [wanted, another] = logNames.filter(name => options[name])
    if (another) throw new WrongUsage(`--${wanted} and --${another} are two logs: give one`)
    const api = await cli.api()
    const job = await api.get<JobAnswer>(path`/provisioning/jobs/${id}`)
    if (!wanted) return terminal.show(job, () => showJob(job, cli))
    const lines = await fetchLines(id, wanted, api)
    terminal.show(lines, () => showLines(lines, wanted, job, cli))
  })

  command
    .command('schedule')
    .description('Read a source every so many minutes, or no longer')
    .argument('<SYSTEM>')
    .option('--every <MIN>', 'minutes, more than 30')
    .option('--off', 'only when somebody runs a job')
    .action(async (system: string, { every, off }: { every?: string; off?: boolean }) => {
      if ((every === undefined) === (off === undefined)) throw new WrongUsage('give --every MINUTES or --off')
      const everyMinutes = every === undefined ? null : wholeNumber(every, '--every')
      const answer = await (await cli.api()).put<ScheduleAnswer>(
        path`/provisioning/systems/${system}/schedule`,
        { everyMinutes },
      )
      terminal.show(answer, () =>
        answer.everyMinutes === null
          ? `${answer.name} is read only when somebody runs a job.\n`
          : `${answer.name} is read every ${answer.everyMinutes} min, next ${fullTime(answer.nextRunAt, cli.now())}.\n`,
      )
    })
}

const showStarted = ({ id, source }: JobAnswer, { next }: Cli): string =>
  `Job ${id} of ${source} is to run.\n` +
  `Follow it: ${next(`provisioning job log ${id}`)}\n` +
  `  Stop it: ${next(`provisioning job stop ${id}`)}\n`

const logs: Readonly<Record<LogName, string>> = {
  failed: 'failed',
  skipped: 'were not wanted (with ips.trace.skipped.entity=true)',
  created: 'were made (with ips.trace.created.entity=true)',
  updated: 'were changed (with ips.trace.updated.entity=true)',
  deleted: 'were deleted (with ips.trace.deleted.entity=true)',
}
