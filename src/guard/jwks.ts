import { Refusal, show } from './access-token.ts'
import type { FetchJson, JsonReply } from './fetch-json.ts'
import { type KeySet, type PublishedKey, readKeySet } from './key-set.ts'
import { Unavailable } from './unavailable.ts'

export type FoundKey = PublishedKey | Refusal | Unavailable

/** Where the keys of the issuer come from. Answers at once where it can: most requests need no waiting. */
export interface KeySource {
  find(kid: string, alg: string): FoundKey | Promise<FoundKey>
}

/** Keys that are given once and never change. Throws TypeError when none of them can be used. */
export function staticKeys(json: unknown): KeySource {
  const set = readKeySet(json)
  if (typeof set === 'string') throw new TypeError(`keys: ${set}`)
  if (set.size === 0) throw new TypeError(['keys: none can be used', ...set.refused].join('; '))
  return { find: (kid, alg) => set.find(kid, alg) ?? unknownKey(kid) }
}

const second = 1000
const day = 86_400 * second
const shortestAge = 60 * second
const longestAge = day
const usualAge = 600 * second
/** So long are keys used that are old while the server cannot be reached. */
const graceMs = day
/** So long an unknown name, or a failure, causes no other fetch while there are keys. */
const cooldownMs = 30 * second
/** The same while there are none, so that an API that started before its token server soon works. */
const retryMs = 5 * second

export interface RemoteKeysOptions {
  /** Called for each fetch, so that keys may move. */
  readonly locate: () => Promise<URL>
  readonly fetchJson: FetchJson
  readonly clock: () => number
  readonly onWarning: (message: string) => void
}

/**
 * Keys from an address, kept as its Cache-Control says (60 s to 24 h), fetched anew in the background when they are
 * old, and for an unknown `kid` at most every 30 s; all who wait share one fetch. While the server is down, old keys
 * serve for 24 h more; then there is only Unavailable.
 */
export function remoteKeys({ locate, fetchJson, clock, onWarning }: RemoteKeysOptions): KeySource {
  let held: { set: KeySet; freshUntil: number } | undefined
  let flight: Promise<void> | undefined
  let lastTry = Number.NEGATIVE_INFINITY
  /** Because of an unknown name: after a fetch for another reason the keys may have been rotated the moment after. */
  let lastAsked = Number.NEGATIVE_INFINITY
  let failure: string | undefined

  async function refresh(): Promise<void> {
    lastTry = clock()
    try {
      const reply = await fetchJson(await locate())
      const set = readKeySet(reply.json)
      if (typeof set === 'string') throw new Error(`the address of the keys answered ${set}`)
      if (set.size === 0) throw new Error(['no published key can be used', ...set.refused].join('; '))
      held = { set, freshUntil: clock() + maxAge(reply) }
      failure = undefined
    } catch (error) {
      failure = (error as Error).message
      onWarning(`the keys of the issuer could not be fetched: ${failure}`)
    } finally {
      flight = undefined
    }
  }

  function sharedRefresh(): Promise<void> {
    flight ??= refresh()
    return flight
  }

  /** Also true after the clock was set back, so that a wrong clock blocks nothing for long. */
  const isOver = (now: number, since: number, pause: number) => now < since || now >= since + pause
  const mayTry = (now: number, pause: number) => isOver(now, lastTry, pause)
  const mayAsk = (now: number) =>
    isOver(now, lastAsked, cooldownMs) && (failure === undefined || mayTry(now, cooldownMs))
  const usable = (now: number) => (held && now < held.freshUntil + graceMs ? held.set : undefined)

  async function findAfterRefresh(kid: string, alg: string, pause: number, may: boolean): Promise<FoundKey> {
    if (flight || may) await sharedRefresh()
    const found = usable(clock())?.find(kid, alg)
    if (found) return found
    // Without an answer nobody knows whether the key exists.
    if (failure !== undefined) return new Unavailable(failure, (lastTry + pause - clock()) / second)
    return unknownKey(kid)
  }

  return {
    find(kid, alg) {
      const now = clock()
      const set = usable(now)
      if (!held || !set) return findAfterRefresh(kid, alg, retryMs, mayTry(now, retryMs))
      if (now >= held.freshUntil && !flight && mayTry(now, cooldownMs)) void sharedRefresh()
      const found = set.find(kid, alg)
      if (found) return found
      const may = mayAsk(now)
      if (may && !flight) lastAsked = now
      return findAfterRefresh(kid, alg, cooldownMs, may)
    },
  }
}

function unknownKey(kid: string): Refusal {
  return new Refusal('key', `no signing key with kid ${show(kid)} is published`)
}

/** Milliseconds for which an answer may be kept (RFC 9111 section 4.2), within our bounds. */
function maxAge({ headers }: JsonReply): number {
  const directives = String(headers['cache-control'] ?? '').toLowerCase()
  if (/\bno-(?:store|cache)\b/.test(directives)) return shortestAge
  const stated = /\bmax-age="?(\d{1,10})\b/.exec(directives)?.[1]
  if (stated === undefined) return usualAge
  const age = /^\d{1,10}$/.exec(String(headers.age ?? ''))?.[0] ?? '0'
  return Math.min(Math.max((Number(stated) - Number(age)) * second, shortestAge), longestAge)
}
