import { type Paint, printable } from './paint.ts'

export interface Check {
  readonly name: string
  readonly outcome: string
}

/** A list of checks in the order in which they ran, one line each, with a mark and, where one failed, the word. */
export function checkList(checks: readonly Check[], paint: Paint): string {
  const { passed, failed, skipped } = paint.marks
  const lines: Readonly<Record<string, (name: string) => string>> = {
    passed: name => `${paint.green(passed)} ${name}`,
    failed: name => `${paint.red(failed)} ${paint.bold(name)}`,
  }
  const notReached = (name: string) => paint.dim(`${skipped} ${name}`)
  return checks.map(({ name, outcome }) => `  ${(lines[outcome] ?? notReached)(printable(name))}\n`).join('')
}
