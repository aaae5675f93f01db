/** How words are shown: in colour on a terminal, plain everywhere else. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  /** Marks of a check list; ASCII where the locale is not UTF-8. */
  readonly marks: { readonly passed: string; readonly failed: string; readonly skipped: string }
}

type Environment = Readonly<Record<string, string | undefined>>

/** Colours only on a terminal that can show them, and never with NO_COLOR (no-color.org). */
export function createPaint(env: Environment, isTerminal: boolean): Paint {
  const coloured = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
  const wrap = (on: number, off: number) => (text: string) =>
    coloured && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    red: wrap(31, 39),
    green: wrap(32, 39),
    yellow: wrap(33, 39),
    marks: speaksUtf8(env)
      ? { passed: '✓', failed: '✗', skipped: '–' }
      : { passed: '+', failed: 'x', skipped: '-' },
  }
}

/** The first of the three that is set decides (POSIX, Environment Variables, 8.2). */
function speaksUtf8(env: Environment): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '')
}

/**
 * Text from elsewhere, safe on a terminal: control characters and those that turn the direction of writing could
 * show something that is not so.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
