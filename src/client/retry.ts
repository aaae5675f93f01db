import { aborted, TokenError } from './errors.ts'

/** Waits so many milliseconds; rejects when the signal fires. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>

/** Tries in all, and the wait before the second; each later wait is `factor` times the one before. */
type RetryRule = {
  applies(error: TokenError): boolean
  tries: number
  firstMs: number
  factor: number
}

const noAnswer = (error: TokenError) =>
  error.status === undefined && (error.code === 'unavailable' || error.code === 'timeout')

/**
 * When to ask again, as SAP recommends to clients of its token server: a short break for what is over soon, a
 * longer one for a server in trouble, never for a refusal. What no row names is not retried.
 */
const retryRules: readonly RetryRule[] = [
  { applies: noAnswer, tries: 3, firstMs: 300, factor: 2 },
  { applies: error => [408, 502, 504].includes(error.status ?? 0), tries: 3, firstMs: 300, factor: 2 },
  { applies: error => error.status === 429, tries: 3, firstMs: 1000, factor: 3 },
  { applies: error => [500, 503].includes(error.status ?? 0), tries: 3, firstMs: 1000, factor: 3 },
]

/** A server may ask for any pause; a caller waits no longer than this for one. */
const longestWaitMs = 60_000
/** Waits are stretched at random by up to a quarter, so that many clients do not come back at one moment. */
const jitter = 0.25

/**
 * Milliseconds to wait before the next try, or undefined when there must be none. `tries` counts those already
 * made. A Retry-After of the server (429, 503) replaces a shorter wait.
 */
export function retryDelay(error: TokenError, tries: number, random: () => number): number | undefined {
  if (error.code !== 'unavailable' && error.code !== 'timeout') return undefined
  const rule = retryRules.find(row => row.applies(error))
  if (rule === undefined || tries >= rule.tries) return undefined
  const tabled = rule.firstMs * rule.factor ** (tries - 1)
  const asked = error.retryAfterMs
  const base = asked === undefined ? tabled : error.status === 429 ? asked : Math.max(asked, tabled)
  return Math.round(Math.min(base, longestWaitMs) * (1 + jitter * random()))
}

/** Retry-After in milliseconds: seconds or an HTTP date (RFC 9110 section 10.2.3); undefined if it is neither. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000
  // HTTP's own form only: Date.parse reads far more, '-5' and '1.5' among it, and local times.
  const date = /^[A-Za-z]{3,9}, .* GMT$/.test(value.trim()) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

export type Retrying = {
  wait: Wait
  random: () => number
  signal?: AbortSignal | undefined
  onRetry?: ((error: TokenError, tries: number, waitMs: number) => void) | undefined
}

/** Runs `attempt` until it succeeds, fails for good, or the rules allow no further try. */
export async function withRetry<T>(attempt: (tries: number) => Promise<T>, retrying: Retrying): Promise<T> {
  const { wait, random, signal, onRetry } = retrying
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt(tries)
    } catch (error) {
      const delay = error instanceof TokenError ? retryDelay(error, tries, random) : undefined
      if (delay === undefined) throw error
      onRetry?.(error as TokenError, tries, delay)
      await wait(delay, signal)
      if (signal?.aborted) throw aborted(signal)
    }
  }
}

/** The real wait. */
export const waitByTimer: Wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal))
    const onAbort = () => {
      clearTimeout(timer)
      reject(aborted(signal as AbortSignal))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
