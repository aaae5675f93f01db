import { quote } from '../../terminal/quote.ts'
import { table } from '../../terminal/table.ts'
import { type AdminApi, path } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import type { JobAnswer } from './job-answer.ts'

export const logNames = ['failed', 'skipped', 'created', 'updated', 'deleted'] as const
export type LogName = (typeof logNames)[number]

export interface LineAnswer {
  readonly position: number
  readonly system: string
  readonly entityType: string
  readonly entityId: string
  readonly message: string
  readonly content: string | null
}

const atOnce = 1000

/** All lines of a log of a job. */
export async function fetchLines(id: string, log: LogName, api: AdminApi): Promise<LineAnswer[]> {
  const all: LineAnswer[] = []
  for (;;) {
    const query = new URLSearchParams({
      log,
      after: String(all.at(-1)?.position ?? 0),
      limit: String(atOnce),
    })
    const { lines } = await api.get<{ lines: LineAnswer[] }>(
      `${path`/provisioning/jobs/${id}/lines`}?${query}`,
    )
    all.push(...lines)
    if (lines.length < atOnce) return all
  }
}

export function showLines(
  lines: readonly LineAnswer[],
  log: LogName,
  { source }: JobAnswer,
  { terminal, next }: Cli,
): string {
  if (lines.length === 0) return nothing(log, source, next)
  return table(
    lines,
    [
      { title: 'SYSTEM', cell: one => one.system },
      { title: 'ENTITY', cell: one => one.entityType },
      { title: 'ID', cell: one => one.entityId },
      { title: 'WHAT', cell: one => one.message },
      { title: 'CONTENT', cell: one => one.content ?? '' },
    ],
    terminal.paint,
  )
}

function nothing(log: LogName, source: string, next: Cli['next']): string {
  if (log === 'failed') return 'Nothing failed.\n'
  const property = `ips.trace.${log}.entity=true`
  return `No line. Jobs log what was ${log} with ${property}: ${next(`provisioning system set ${quote(source)} ${property}`)}\n`
}
