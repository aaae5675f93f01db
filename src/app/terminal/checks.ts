import { type Paint, printable } from './paint.ts'

export interface Check {
  readonly name: string
  readonly outcome: string
  /** Why it failed, where that is known of each. */
  readonly reason?: string | null
}

/** A list of checks in the order in which they ran, one line each, with a mark; below one that failed stands why. */
export function checkList(checks: readonly Check[], paint: Paint): string {
  const { passed, failed, skipped } = paint.marks
  const lines: Readonly<Record<string, (name: string) => string>> = {
    passed: name => `${paint.green(passed)} ${name}`,
    failed: name => `${paint.red(failed)} ${paint.bold(name)}`,
  }
  const notReached = (name: string) => paint.dim(`${skipped} ${name}`)
  const because = (reason: string | null | undefined) => (reason ? `    ${printable(reason)}\n` : '')
  return checks
    .map(
      ({ name, outcome, reason }) =>
        `  ${(lines[outcome] ?? notReached)(printable(name))}\n${because(reason)}`,
    )
    .join('')
}
