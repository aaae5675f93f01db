import { minute } from '../context.ts'

/**
 * Back-off for wrong credentials: counts failures of one source for one client id. It locks nobody out: a right
 * generated secret is always accepted, a further wrong one is answered with 429 (RFC 6749 section 2.3.1).
 */
export interface FailureCounter {
  /** Counts one failure; returns the seconds to wait when there were too many within a minute. */
  failed(source: string, clientId: string, now: number): number | undefined
  /** Would a further failure be one too many? The seconds to wait, then. */
  waitsFor(source: string, clientId: string, now: number): number | undefined
  /** Failures counted by another process of this node. */
  add(key: string, count: number, now: number): void
}

export const failuresPerMinute = 20
const most = 20_000

/** `onFailure` is told each failure's key, so that the processes of a node can count together. */
export function createFailureCounter(onFailure?: (key: string) => void): FailureCounter {
  let windows = new Map<string, { count: number; since: number }>()

  function count(key: string, by: number, now: number): { count: number; since: number } {
    let window = windows.get(key)
    if (!window || now - window.since >= minute) {
      if (windows.size >= most) windows = new Map([...windows].slice(most / 2))
      window = { count: 0, since: now }
      windows.delete(key)
      windows.set(key, window)
    }
    window.count += by
    return window
  }

  const keyOf = (source: string, clientId: string) => `${source} ${clientId.slice(0, 200)}`
  const secondsLeft = ({ since }: { since: number }, now: number) =>
    Math.max(1, Math.ceil((since + minute - now) / 1000))

  return {
    failed(source, clientId, now) {
      const key = keyOf(source, clientId)
      onFailure?.(key)
      const window = count(key, 1, now)
      return window.count <= failuresPerMinute ? undefined : secondsLeft(window, now)
    },
    waitsFor(source, clientId, now) {
      const window = windows.get(keyOf(source, clientId))
      const over = window && window.count >= failuresPerMinute && now - window.since < minute
      return over ? secondsLeft(window, now) : undefined
    },
    add(key, by, now) {
      count(key, by, now)
    },
  }
}
