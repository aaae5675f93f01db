const months = 'January February March April May June July August September October November December'.split(
  ' ',
)
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

export interface Field {
  /** What a text may hold here. Absent: this letter can be written, not read. */
  readonly read?: (width: number) => string
  /** Takes what was read. */
  readonly take?: (text: string, into: Parts) => void
  readonly write: (at: Date, width: number, offsetMinutes: number) => string
}

export interface Parts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  millis: number
  offset: number
  /** 12 in the afternoon, where the hour is told on a twelve-hour clock. */
  afternoon: number
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0')
const digits = (width: number): string => (width === 1 ? '\\d{1,2}' : `\\d{${width}}`)

function numeric(part: keyof Parts, value: (at: Date) => number): Field {
  return {
    read: digits,
    take: (text, into) => {
      into[part] = Number(text)
    },
    write: (at, width) => pad(value(at), width),
  }
}

const year: Field = {
  read: width => (width === 2 ? '\\d{2}' : '\\d{4}'),
  take: (text, into) => {
    into.year = Number(text) + (text.length === 2 ? 2000 : 0)
  },
  write: (at, width) => (width === 2 ? pad(at.getUTCFullYear() % 100, 2) : pad(at.getUTCFullYear(), 4)),
}

const month: Field = {
  read: width => (width > 2 ? '[A-Za-z]{3,9}' : digits(width)),
  take: (text, into) => {
    const named = months.findIndex(name => name.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase())
    into.month = /\d/.test(text) ? Number(text) : named + 1
  },
  write: (at, width) => {
    const name = months[at.getUTCMonth()]!
    if (width > 2) return width === 3 ? name.slice(0, 3) : name
    return pad(at.getUTCMonth() + 1, width)
  },
}

/** `zero`: how no offset is written. `colonFrom`: the width from which on there is a colon. */
function offset(zero: string | undefined, shortest: number, colonFrom: number): Field {
  return {
    read: () => 'Z|[+-]\\d{2}(?::?\\d{2})?',
    take: (text, into) => {
      const found = /([+-])(\d{2}):?(\d{2})?/.exec(text)
      into.offset = found ? (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3] ?? 0)) : 0
    },
    write: (_, width, minutes) => {
      if (minutes === 0 && zero !== undefined) return zero
      const size = Math.abs(minutes)
      const left = `${width >= colonFrom ? ':' : ''}${pad(size % 60, 2)}`
      const rest = width <= shortest && size % 60 === 0 ? '' : left
      return `${minutes < 0 ? '-' : '+'}${pad(Math.trunc(size / 60), 2)}${rest}`
    },
  }
}

/** THE LIST of letters of a date format: those of Java's DateTimeFormatter that need no locale and no week. */
export const fields: Readonly<Record<string, Field>> = {
  y: year,
  u: year,
  M: month,
  L: month,
  d: numeric('day', at => at.getUTCDate()),
  H: numeric('hour', at => at.getUTCHours()),
  h: numeric('hour', at => at.getUTCHours() % 12 || 12),
  m: numeric('minute', at => at.getUTCMinutes()),
  s: numeric('second', at => at.getUTCSeconds()),
  S: {
    read: width => `\\d{${width}}`,
    take: (text, into) => {
      into.millis = Number(text.slice(0, 3).padEnd(3, '0'))
    },
    write: (at, width) => pad(at.getUTCMilliseconds(), 3).padEnd(width, '0').slice(0, width),
  },
  a: {
    read: () => '[AaPp][Mm]',
    take: (text, into) => {
      into.afternoon = /p/i.test(text) ? 12 : 0
    },
    write: at => (at.getUTCHours() < 12 ? 'AM' : 'PM'),
  },
  E: {
    read: () => '[A-Za-z]{3,9}',
    take: () => {},
    write: (at, width) => {
      const name = days[at.getUTCDay()]!
      return width > 3 ? name : name.slice(0, 3)
    },
  },
  X: offset('Z', 1, 3),
  x: offset(undefined, 1, 3),
  Z: offset(undefined, 0, 5),
}
