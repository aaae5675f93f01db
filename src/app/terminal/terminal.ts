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
}

export interface Streams {
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean | undefined }
  readonly stderr: NodeJS.WritableStream
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
  }
}
