import { ConfigError } from '../config.ts'

/** A value as the operator gave it. */
export interface Given {
  /** As it was written, and in which file. */
  readonly name: string
  readonly value: string
}

export function text({ value }: Given): string {
  return value
}

export function boolean({ name, value }: Given): boolean {
  if (/^true$/i.test(value)) return true
  if (/^false$/i.test(value)) return false
  throw new ConfigError(`${name} must be true or false, not ${value}`)
}

export function port({ name, value }: Given): number {
  const number = Number(value)
  if (/^\d{1,5}$/.test(value) && number <= 65_535) return number
  throw new ConfigError(`${name} must be a port number, not ${value}`)
}

export const oneOf =
  <const Name extends string>(names: readonly Name[]) =>
  ({ name, value }: Given): Name => {
    const found = names.find(one => one.toLowerCase() === value.toLowerCase())
    if (found !== undefined) return found
    throw new ConfigError(`${name} must be one of ${names.join(', ')}, not ${value}`)
  }

/** An https address, or an http one of this machine; as it was written. */
export function url({ name, value }: Given): string {
  const parsed = URL.canParse(value) ? new URL(value) : undefined
  if (parsed?.username || parsed?.password)
    throw new ConfigError(`${name} must be an address without user and password`)
  const safe =
    parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && loopback.test(parsed.hostname))
  if (safe && !parsed?.hash) return value
  throw new ConfigError(
    `${name} must be an address that begins with https:// (http:// for this machine only), not ${value}`,
  )
}

const loopback = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Path of a file; Spring also writes `file:/path`. */
export function path({ name, value }: Given): string {
  if (/^classpath\*?:/i.test(value))
    throw new ConfigError(`${name} must be the path of a file, there is no class path here: ${value}`)
  return /^file:/i.test(value) ? value.replace(/^file:(\/\/(?=\/))?/i, '') : value
}

/** PEM as it is, or the path of a file. */
export function pemOrPath(given: Given): string {
  return given.value.includes('-----BEGIN ') ? given.value : path(given)
}

/** `PT30M`, `30m`, `1800s`, `1800000`; milliseconds. */
export function duration(given: Given): number {
  const { name, value } = given
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(value)
  const simple = /^(\d+)(ms|s|m|h|d)?$/i.exec(value)
  const parts = iso?.slice(1)
  const milliseconds = parts?.some(part => part !== undefined)
    ? [86_400, 3600, 60, 1].reduce((sum, seconds, i) => sum + Number(parts[i] ?? 0) * seconds, 0) * 1000
    : simple
      ? Number(simple[1]) * units[(simple[2] ?? 'ms').toLowerCase()]!
      : Number.NaN
  if (Number.isSafeInteger(Math.round(milliseconds))) return Math.round(milliseconds)
  throw new ConfigError(`${name} must be a duration such as PT30M or 30m, not ${value}`)
}

/** A duration that ends nothing at once, and nothing never. */
export function positive(given: Given): number {
  const milliseconds = duration(given)
  if (milliseconds > 0) return milliseconds
  throw new ConfigError(`${given.name} must be longer than nothing, not ${given.value}`)
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
