/** Everything ambient, passed in: code that takes it can be tested at any minute of any year. */
export interface Context {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Bytes from a cryptographically strong source. */
  random(bytes: number): Buffer
  readonly log: Log
}

/** A structured log: an event in words, its facts as fields. Fields never hold a secret, a token or a query. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The one clock skew that is forgiven, in either direction (design: 60 s). */
export const clockSkewMs = 60_000

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** A time for people and documents: ISO 8601, in UTC. */
export const iso = (time: number): string => new Date(time).toISOString()

/** A random identifier: 127 bits, base64url. It begins with a letter: on a command line `-` begins an option. */
export function newId(context: Pick<Context, 'random'>): string {
  const bytes = context.random(16)
  bytes[0] = bytes[0]! & 0x7f
  return bytes.toString('base64url')
}

/** A random version 4 UUID (RFC 9562 section 5.4). */
export function newUuid(context: Pick<Context, 'random'>): string {
  const bytes = context.random(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
