import { quote } from '../../terminal/quote.ts'
import { type Column, details, table } from '../../terminal/table.ts'
import { fullTime, relativeTime } from '../../terminal/time.ts'
import type { Cli } from '../support/command.ts'

const counts = ['read', 'created', 'updated', 'deleted', 'skipped', 'failed'] as const

export type StatisticsAnswer = Readonly<Record<(typeof counts)[number], number>> & {
  readonly system: string
  readonly action: 'Read' | 'Write'
  readonly entityType: string
}

export interface JobAnswer {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly trigger: 'IMMEDIATE' | 'REPEAT'
  readonly triggeredBy: string | null
  readonly status: string
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly readMode: string | null
  readonly doing: string | null
  readonly error: string | null
  readonly outcome: readonly string[]
  readonly statistics: readonly StatisticsAnswer[]
  readonly failed: readonly FailedAnswer[]
  readonly checks: readonly CheckAnswer[] | null
}

interface FailedAnswer {
  readonly system: string
  readonly entityType: string
  readonly id: string
  readonly message: string
}

interface CheckAnswer {
  readonly system: string
  readonly check: string
  readonly ok: boolean
  readonly message: string
}

type Paint = Cli['terminal']['paint']

const statusColour = ({ status }: Pick<JobAnswer, 'status'>, paint: Paint): ((text: string) => string) =>
  status === 'Success' ? paint.green : /Error|Terminated/.test(status) ? paint.red : paint.yellow

/** What has been written so far, in a few words. */
export function progressOf({ status, doing, statistics }: JobAnswer): string {
  const sums = counts.map(name => [name, statistics.reduce((sum, row) => sum + row[name], 0)] as const)
  const told = sums.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`)
  return [status, doing, told.join(', ')].filter(Boolean).join(' | ')
}

export const showJobs = (jobs: readonly JobAnswer[], { terminal, now }: Cli): string =>
  table(
    jobs,
    [
      { title: 'ID', cell: one => one.id },
      { title: 'SOURCE', cell: one => one.source },
      { title: 'TYPE', cell: one => one.type.toUpperCase() },
      { title: 'TRIGGER', cell: one => one.trigger },
      { title: 'STATUS', cell: one => one.status, colour: statusColour },
      { title: 'BEGAN', cell: one => (one.startedAt ? relativeTime(one.startedAt, now()) : '') },
      { title: 'TOOK', cell: one => duration(one), align: 'right' },
      { title: 'DONE', cell: doneOf },
    ],
    terminal.paint,
  )

/** In the targets. */
const doneOf = ({ statistics }: JobAnswer): string =>
  (['created', 'updated', 'deleted', 'failed'] as const)
    .map(name => [name, statistics.reduce((sum, row) => sum + row[name], 0)] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')

const duration = ({ startedAt, endedAt }: JobAnswer): string => {
  if (!startedAt || !endedAt) return ''
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`
}

/** The log of a job, for people. */
export function showJob(job: JobAnswer, cli: Cli): string {
  const { terminal, now } = cli
  const { paint } = terminal
  const facts = details(
    [
      ['Job', job.id],
      ['Source', job.source],
      ['Type', job.type.toUpperCase()],
      ['Trigger', job.trigger],
      ['Triggered by', job.triggeredBy ?? undefined],
      ['Status', job.status, statusColour(job, paint)],
      ['Doing', job.endedAt === null ? (job.doing ?? undefined) : undefined],
      ['Read mode', job.readMode ?? undefined],
      ['Began', job.startedAt === null ? undefined : fullTime(job.startedAt, now())],
      ['Took', duration(job)],
      ['Error', job.error ?? undefined, paint.red],
      ...job.outcome.map(line => ['Outcome', line] as const),
    ],
    paint,
  )
  const { statistics, failed, checks } = job
  return [
    facts,
    ...(checks && checks.length > 0 ? [table(checks, checkColumns(paint), paint)] : []),
    ...(statistics.length > 0 ? [table(statistics, statisticsColumns, paint)] : []),
    ...(failed.length > 0 ? [showFailed(job, cli)] : []),
  ].join('\n')
}

const statisticsColumns: readonly Column<StatisticsAnswer>[] = [
  { title: 'SYSTEM', cell: one => one.system },
  { title: 'ACTION', cell: one => one.action },
  { title: 'ENTITY', cell: one => one.entityType },
  ...counts.map(
    (name): Column<StatisticsAnswer> => ({
      title: name.toUpperCase(),
      cell: one => String(one[name]),
      align: 'right',
      colour: (one, paint) => (one[name] === 0 ? paint.dim : name === 'failed' ? paint.red : text => text),
    }),
  ),
]

const checkColumns = ({ marks }: Paint): readonly Column<CheckAnswer>[] => [
  {
    title: '',
    cell: one => (one.ok ? marks.passed : marks.failed),
    colour: (one, paint) => (one.ok ? paint.green : paint.red),
  },
  { title: 'SYSTEM', cell: one => one.system },
  { title: 'CHECK', cell: one => one.check },
  { title: 'FOUND', cell: one => one.message },
]

function showFailed({ id, failed, statistics }: JobAnswer, { terminal, next }: Cli): string {
  const shown = table(
    failed,
    [
      { title: 'FAILED IN', cell: one => one.system },
      { title: 'ENTITY', cell: one => one.entityType },
      { title: 'ID', cell: one => one.id },
      { title: 'WHY', cell: one => one.message },
    ],
    terminal.paint,
  )
  const all = statistics.reduce((sum, row) => sum + row.failed, 0)
  if (all <= failed.length) return shown
  return `${shown}The first ${failed.length} of ${all}; all: ${next(`provisioning job log ${quote(id)} --failed`)}\n`
}
