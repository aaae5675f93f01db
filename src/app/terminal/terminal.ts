import { createPaint, type Paint, printable } from './paint.ts'

/** Where a command's words go. Answers go to stdout, everything about them to stderr. */
export interface Terminal {
  readonly paint: Paint
  /** The result: one JSON document with `--json`, else the text for people, as it is. */
  show(document: unknown, people: () => string): void
  /** One line on stderr. */
  note(line: string): void
  /** A note that people should not overlook. */
  warn(line: string): void
  /** A line on stderr that the next one replaces, where people look on; empty: it goes away. */
  progress(line: string): void
}

export interface Streams {
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean | undefined }
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean | undefined; columns?: number | undefined }
}

export function createTerminal(
  { stdout, stderr }: Streams,
  env: Readonly<Record<string, string | undefined>>,
  asJson: () => boolean | undefined,
): Terminal {
  const note = (line: string) => void stderr.write(`${printable(line)}\n`)
  return {
    paint: createPaint(env, stdout.isTTY === true),
    show(document, people) {
      stdout.write(asJson() ? `${JSON.stringify(document, null, 2)}\n` : people())
    },
    note,
    warn: line => note(`warning: ${line}`),
    progress(line) {
      if (stderr.isTTY !== true || env.TERM === 'dumb') return
      // A line that is wrapped could not be taken back; some terminals say 0 for not knowing.
      const shown = [...printable(line)].slice(0, (stderr.columns || 80) - 1).join('')
      stderr.write(`\r\u001b[K${shown}`)
    },
  }
}
