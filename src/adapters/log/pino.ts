import { pino } from 'pino'
import type { Log } from '../../core/context.ts'

export interface LogOptions {
  readonly level: string
  readonly format: 'json' | 'text'
  /** File descriptor. */
  readonly fd: number
}

export interface ProcessLog extends Log {
  /** Writes what is buffered; call it before the process ends. */
  flush(): void
}

/** Lines are collected for that long, so that a request never waits for a log. */
const flushMs = 100

/** A log on a file descriptor: JSON lines, or `level  message` for people. */
export function createLog({ level, format, fd }: LogOptions): ProcessLog {
  const destination = pino.destination({ fd, sync: false, minLength: 8192 })
  const stream =
    format === 'text' ? { write: (line: string) => destination.write(asText(line)) } : destination
  const logger = pino(
    {
      level,
      base: null,
      timestamp: timestamps(),
      formatters: { level: label => ({ level: label }) },
      messageKey: 'message',
    },
    stream as typeof destination,
  )
  const timer = setInterval(() => destination.flush(), flushMs)
  timer.unref()
  return Object.assign(logger as Log, { flush: () => destination.flushSync() }) as ProcessLog
}

/** `LEVEL  message` and the fields that say more. */
function asText(line: string): string {
  const { level, time: _, message, ...fields } = JSON.parse(line) as Record<string, unknown>
  const more = Object.entries(fields).map(
    ([name, value]) =>
      ` ${name}=${typeof value === 'string' && plain.test(value) ? value : JSON.stringify(value)}`,
  )
  return `${String(level).toUpperCase()}  ${oneLine(String(message))}${more.join('')}\n`
}

/** What needs no quotes. Everything else is quoted as in JSON, so that no value can forge a line or move the cursor. */
const plain = /^[^\s"\p{C}]+$/u

function oneLine(text: string): string {
  return text.replace(/\p{C}/gu, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The time member of a line; written out once a millisecond. */
function timestamps(): () => string {
  let at = 0
  let member = ''
  return () => {
    const now = Date.now()
    if (now !== at) {
      at = now
      member = `,"time":"${new Date(now).toISOString()}"`
    }
    return member
  }
}
