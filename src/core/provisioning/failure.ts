/** A system could not do what it was asked for. The message names the system's address and its own words. */
export class SystemFailure extends Error {
  override readonly name = 'SystemFailure'
  /** HTTP status of its answer, if there was one. */
  readonly status: number | undefined
  /** It may work a little later. */
  readonly passing: boolean
  /** It is not known whether it was done. */
  readonly unsure: boolean
  /** It answered with something else than was agreed. */
  readonly senseless: boolean
  /** What the system asked for with Retry-After. */
  readonly retryAfterMs: number | undefined
  /** Nothing else will work either: no token, no connection. */
  readonly fatal: boolean

  constructor(message: string, more: SystemFailureDetails = {}) {
    super(message)
    this.status = more.status
    this.passing = more.passing ?? false
    this.unsure = more.unsure ?? false
    this.senseless = more.senseless ?? false
    this.retryAfterMs = more.retryAfterMs
    this.fatal = more.fatal ?? false
  }
}

export interface SystemFailureDetails {
  status?: number | undefined
  passing?: boolean
  unsure?: boolean
  senseless?: boolean
  retryAfterMs?: number | undefined
  fatal?: boolean
}

/** The job was told to stop, or its process is. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
}
