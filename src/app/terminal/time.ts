const units: readonly { readonly name: string; readonly plural: string; readonly ms: number }[] = [
  { name: 'day', plural: 'days', ms: 86_400_000 },
  { name: 'h', plural: 'h', ms: 3_600_000 },
  { name: 'min', plural: 'min', ms: 60_000 },
  { name: 's', plural: 's', ms: 1000 },
]

/** `2 h ago`, `in 3 days`, `now`. `now` in milliseconds since 1970; `iso` null or undefined: `never`. */
export function relativeTime(iso: string | null | undefined, now: number): string {
  if (iso === null || iso === undefined) return 'never'
  const distance = Date.parse(iso) - now
  const size = Math.abs(distance)
  const unit = units.find(each => size >= each.ms)
  if (!unit) return 'now'
  const count = Math.floor(size / unit.ms)
  const words = `${count} ${count === 1 ? unit.name : unit.plural}`
  return distance > 0 ? `in ${words}` : `${words} ago`
}

/** Both: `2026-11-20T21:00:00Z (2 h ago)`. */
export function fullTime(iso: string | null | undefined, now: number): string {
  const relative = relativeTime(iso, now)
  return iso === null || iso === undefined ? relative : `${iso} (${relative})`
}
