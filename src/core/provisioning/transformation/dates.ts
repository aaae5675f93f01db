import { type Field, fields, type Parts } from './date-fields.ts'
import { Unmappable } from './work.ts'

/** The form of the variable `currentDate`, where the property `ips.date.variable.format` says no other. */
export const standardFormat = 'yyyy-MM-dd HH:mm:ss.SSS'

/** A date and time on a calendar, with the offset from UTC that was written beside it, if one was. */
export interface CalendarTime {
  /** Milliseconds, as if the calendar were that of UTC. */
  readonly time: number
  readonly offsetMinutes: number
}

type Piece = { readonly literal: string } | { readonly field: Field; readonly width: number }

const maxFormat = 100

/** The pieces of a format, or what is wrong with it. */
function piecesOf(format: string): readonly Piece[] | string {
  if (format.length > maxFormat) return `is longer than ${maxFormat} characters`
  const pieces: Piece[] = []
  const seen = new Set<string>()
  for (const [run, letters] of format.matchAll(/'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'/g)) {
    if (run === "'") return 'has a quote without its partner'
    if (letters === undefined) pieces.push({ literal: unquoted(run) })
    else if (seen.has(letters)) return `has the letter ${letters} twice`
    else if (Object.hasOwn(fields, letters)) pieces.push({ field: fields[letters]!, width: run.length })
    else return `has the letter ${letters}, which stands for nothing here`
    if (letters !== undefined) seen.add(letters)
  }
  return pieces
}

/** What stands between quotes, where two of them are one; and what stands without. */
function unquoted(run: string): string {
  if (run === "''") return "'"
  return run.startsWith("'") ? run.slice(1, -1).replaceAll("''", "'") : run
}

/** What is wrong with a format; undefined if nothing is. */
export function wrongFormat(format: string): string | undefined {
  const pieces = piecesOf(format)
  return typeof pieces === 'string' ? pieces : undefined
}

function usable(format: string): readonly Piece[] {
  const pieces = piecesOf(format)
  if (typeof pieces === 'string') throw new Unmappable(`the date format ${pieces}`)
  return pieces
}

/** A time in a format. @throws Unmappable */
export function formatDate({ time, offsetMinutes }: CalendarTime, format: string): string {
  const at = new Date(time)
  return usable(format)
    .map(piece => ('literal' in piece ? piece.literal : piece.field.write(at, piece.width, offsetMinutes)))
    .join('')
}

const maxDateText = 200

/** The time that a text tells in a format. @throws Unmappable if it tells none */
export function parseDate(text: string, format: string): CalendarTime {
  const pieces = usable(format)
  const pattern = pieces.map(piece =>
    'literal' in piece
      ? piece.literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
      : `(${piece.field.read?.(piece.width)})`,
  )
  const found = text.length <= maxDateText ? new RegExp(`^${pattern.join('')}$`).exec(text) : null
  if (!found) throw new Unmappable(`the date is not of the form ${format}`)
  const parts: Parts = {
    ...{ year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millis: 0, offset: 0, afternoon: -1 },
  }
  pieces
    .filter(piece => 'field' in piece)
    .forEach((piece, at) => {
      piece.field.take?.(found[at + 1]!, parts)
    })
  return calendarTime(parts)
}

function calendarTime(parts: Parts): CalendarTime {
  const hour = parts.afternoon < 0 ? parts.hour : (parts.hour % 12) + parts.afternoon
  const at = new Date(0)
  at.setUTCFullYear(parts.year, parts.month - 1, parts.day)
  at.setUTCHours(hour, parts.minute, parts.second, parts.millis)
  const onCalendar =
    at.getUTCMonth() === parts.month - 1 && at.getUTCDate() === parts.day && at.getUTCHours() === hour
  const onClock = parts.minute < 60 && parts.second < 60
  if (!onCalendar || !onClock) throw new Unmappable('there is no such date')
  return { time: at.getTime(), offsetMinutes: parts.offset }
}

export interface Shift {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly hours: number
  readonly minutes: number
  readonly seconds: number
}

/**
 * A time moved on the calendar. A day that the month does not have becomes its last one. @throws Unmappable beyond the
 * years 0 to 9999
 */
export function shifted({ time, offsetMinutes }: CalendarTime, by: Shift): CalendarTime {
  const at = new Date(time)
  const month = at.getUTCMonth() + by.years * 12 + by.months
  const lastDay = new Date(at)
  lastDay.setUTCFullYear(at.getUTCFullYear(), month + 1, 0)
  at.setUTCFullYear(at.getUTCFullYear(), month, Math.min(at.getUTCDate(), lastDay.getUTCDate()))
  const moved = at.getTime() + (((by.days * 24 + by.hours) * 60 + by.minutes) * 60 + by.seconds) * 1000
  const year = new Date(moved).getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new Unmappable('the date leaves the years 0 to 9999')
  return { time: moved, offsetMinutes }
}
