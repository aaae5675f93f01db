/** A token can be neither accepted nor refused just now: what is needed for that cannot be reached. */
export class Unavailable {
  /** For the operator. */
  readonly reason: string
  readonly retryAfterSeconds: number

  constructor(reason: string, retryAfterSeconds: number) {
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
  }
}
