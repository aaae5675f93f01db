import type { Paint } from './paint.ts'
import { fullTime, relativeTime } from './time.ts'

const dayMs = 86_400_000
/** From so many days before the end on it is shown in yellow, and warned of; then in red. */
const soonDays = 60
const veryShortlyDays = 14

export type Urgency = 'none' | 'soon' | 'shortly' | 'over'

/** How urgent an end is. `iso` null or undefined: there is none. `now` in milliseconds since 1970. */
export function urgencyOf(iso: string | null | undefined, now: number): Urgency {
  if (iso === null || iso === undefined) return 'none'
  const days = (Date.parse(iso) - now) / dayMs
  if (days <= 0) return 'over'
  if (days <= veryShortlyDays) return 'shortly'
  return days <= soonDays ? 'soon' : 'none'
}

/** The colour of an end. */
export function expiryColour(
  iso: string | null | undefined,
  now: number,
  paint: Paint,
): (text: string) => string {
  const colours = { none: (text: string) => text, soon: paint.yellow, shortly: paint.red, over: paint.red }
  return colours[urgencyOf(iso, now)]
}

/** `in 20 days`, `expired 2 h ago`, `never`. */
export function shortExpiry(iso: string | null | undefined, now: number): string {
  return urgencyOf(iso, now) === 'over' ? `expired ${relativeTime(iso, now)}` : relativeTime(iso, now)
}

/** `2026-11-20T21:00:00Z (in 20 days)`, with the word where it is over. */
export function fullExpiry(iso: string | null | undefined, now: number): string {
  return urgencyOf(iso, now) === 'over' ? `expired: ${fullTime(iso, now)}` : fullTime(iso, now)
}
