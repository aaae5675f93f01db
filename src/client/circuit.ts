import { TokenError } from './errors.ts'
import { renewalPause } from './freshness.ts'

/** So many fetches in a row, each of which was retried, must have come to nothing. */
const mostFailures = 3

/** Spares a dead token server, and whoever waits for it: while it is open, nobody is asked. */
export type Circuit = {
  /** Why the server is not asked now; undefined: it is. */
  refusal(now: number): TokenError | undefined
  /** Returns whether that closed the circuit. */
  answered(): boolean
  /** Returns until when the circuit is open now; undefined: it is not. */
  failed(error: TokenError, now: number): number | undefined
}

/** `random`: 0 up to 1, stretches the pauses, so that many clients do not come back at one moment. */
export function createCircuit(host: string, random: () => number): Circuit {
  let failures = 0
  let openUntil = 0
  let last: TokenError | undefined

  return {
    refusal(now) {
      if (now >= openUntil) return undefined
      const seconds = Math.ceil((openUntil - now) / 1000)
      return new TokenError(
        'unavailable',
        `${host} has not answered ${failures} times in a row and is asked again in ${seconds} s. Its last failure is the cause.`,
        { retryAfterMs: openUntil - now, cause: last },
      )
    },
    answered() {
      const wasOpen = openUntil > 0
      failures = 0
      openUntil = 0
      last = undefined
      return wasOpen
    },
    failed(error, now) {
      if (error.code !== 'unavailable' && error.code !== 'timeout') return undefined
      failures += 1
      last = error
      if (failures < mostFailures) return undefined
      const pause = Math.max(renewalPause(failures - mostFailures + 1, random), error.retryAfterMs ?? 0)
      openUntil = now + pause
      return openUntil
    },
  }
}
