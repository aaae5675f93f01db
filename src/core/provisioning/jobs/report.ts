import { storable } from '../ids.ts'
import type { FailedEntity, JobLogLine, JobLogType, JobReport, StoredJob } from '../store.ts'
import type { EntityType, Json, JsonObject } from '../transformation/index.ts'
import { isList, isObject } from '../transformation/index.ts'
import { type Count, createCounter } from './statistics.ts'

/** What one job found and did, gathered until it is written down. */
export interface ReportWriter {
  count(system: string, action: 'Read' | 'Write', type: EntityType, what: Count, by?: number): void
  /** Makes the line, so that a type of which there was nothing shows as 0. */
  expect(system: string, action: 'Read' | 'Write', type: EntityType): void
  /** Tells of an entity, where its trace is switched on; of a failed one always. */
  tell(log: JobLogType, about: Told): void
  set(more: Partial<JobReport>): void
  note(outcome: string): void
  /** Has anything failed? */
  hasErrors(): boolean
  report(): JobReport
  /** A part of the report. */
  positions(): JobReport['positions']
  /** The lines since the last time. */
  takeLines(): JobLogLine[]
}

export interface Told {
  readonly system: string
  readonly entityType: EntityType
  readonly id: string
  readonly message: string
  readonly content?: JsonObject | undefined
}

const mostFailedShown = 10
const mostLines = 20_000
const longestContent = 150_000
const longestMessage = 2000
const longestId = 500
/** As the described log shows what it was not asked to. */
const hidden = '<hidden content>'

/** `properties`: of the source, which say what is traced. */
export function createReportWriter(
  job: StoredJob,
  properties: Readonly<Record<string, string>>,
): ReportWriter {
  const counter = createCounter(job.report.statistics)
  let rest: Omit<JobReport, 'statistics' | 'failed' | 'outcome'> = job.report
  const failed: FailedEntity[] = [...job.report.failed]
  const outcome: string[] = [...job.report.outcome]
  let lines: JobLogLine[] = []
  let told = 0

  const isOn = (name: string): boolean => properties[name] === 'true'
  const unlimited = isOn('ips.trace.entity.content.unlimited')

  function contentOf(log: JobLogType, content: JsonObject | undefined): string | undefined {
    if (content === undefined) return undefined
    if (!isOn(`ips.trace.${log}.entity.content`)) return hidden
    const text = JSON.stringify(withoutSecrets(content))
    return unlimited ? text : text.slice(0, longestContent)
  }

  return {
    count: counter.add,
    expect: counter.line,
    tell(log, { system, entityType, content, ...about }) {
      const id = storable(about.id.slice(0, longestId))
      const message = storable(about.message.slice(0, longestMessage))
      if (log === 'failed' && failed.length < mostFailedShown)
        failed.push({ system, entityType, id, message })
      if (log !== 'failed' && !isOn(`ips.trace.${log}.entity`)) return
      if (++told > mostLines) return
      lines.push({
        jobId: job.id,
        log,
        system,
        entityType,
        entityId: id,
        message,
        content: contentOf(log, content),
      })
    },
    set(more) {
      rest = { ...rest, ...more }
    },
    note(line) {
      if (!outcome.includes(line)) outcome.push(line)
    },
    hasErrors: () => rest.error !== undefined || counter.failed() > 0,
    report: () => ({ ...rest, statistics: counter.list(), failed: [...failed], outcome: [...outcome] }),
    positions: () => rest.positions,
    takeLines() {
      const taken = lines
      lines = []
      return taken
    },
  }
}

const secretName = /password|secret|token|credential/i

function withoutSecrets(value: Json): Json {
  if (isList(value)) return value.map(withoutSecrets)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretName.test(name) && typeof inner === 'string' ? '***' : withoutSecrets(inner),
    ]),
  )
}
