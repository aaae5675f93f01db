import { type CalendarTime, formatDate, parseDate, shifted, standardFormat, wrongFormat } from '../dates.ts'
import type { JsonObject } from '../json.ts'
import { propertyOf } from '../scope.ts'
import { Unmappable } from '../work.ts'
import { isLiteral, mappingFunction, optional, text, textFrom, type Value, whole } from './function.ts'

/** The source format of times that are told in milliseconds since 1970. */
const milliseconds = 'Date(milliseconds)'
const furthest = whole(-100_000_000, 100_000_000)
const step = {
  compile: (given, place) => (given === '' ? () => 0 : optional(furthest, 0).compile(given, place)),
} satisfies typeof furthest

export const manipulateDate = mappingFunction({
  name: 'manipulateDate',
  parameters: {
    sourceDateFormat: optional(text),
    targetDateFormat: optional(text),
    ...{ years: step, months: step, days: step, hours: step, minutes: step, seconds: step },
  },
  wrong: given => wrongIn(given, 'sourceDateFormat') ?? wrongIn(given, 'targetDateFormat'),
  apply: (value, given, scope) => {
    const source = given.sourceDateFormat ?? propertyOf(scope, 'ips.date.variable.format') ?? standardFormat
    const target = given.targetDateFormat ?? (source === milliseconds ? standardFormat : source)
    const time = source === milliseconds ? epochTime(value) : parseDate(textFrom(value), source)
    return formatDate(shifted(time, given), target)
  },
})

function wrongIn(given: JsonObject, name: string): string | undefined {
  const format = given[name]
  if (!isLiteral(format) || (name === 'sourceDateFormat' && format === milliseconds)) return undefined
  const why = wrongFormat(format)
  return why === undefined ? undefined : `${name} ${why}`
}

/** `1519809649123`, `Date(1519809649123-0240)`, `/Date(1519809649123)/`: the offset is kept beside the time, as it was. */
function epochTime(value: Value | undefined): CalendarTime {
  const found = /^(?:\/?Date\()?(-?\d{1,15})(?:([+-])(\d{2}):?(\d{2}))?\)?\/?$/.exec(textFrom(value).trim())
  if (!found) throw new Unmappable('the date is no number of milliseconds')
  const [, time, sign, hours = '0', minutes = '0'] = found
  const offset = Number(hours) * 60 + Number(minutes)
  return { time: Number(time), offsetMinutes: sign === '-' ? -offset : offset }
}
