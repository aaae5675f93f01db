import { type Context, day, iso } from './context.ts'
import type { Meter } from './meter.ts'

/** How near an end is, the nearest first: a certificate is in the first state whose days reach to its end. */
export const expiryStates = [
  { name: 'expired', days: 0, level: 'error' },
  { name: '3d', days: 3, level: 'warn' },
  { name: '14d', days: 14, level: 'warn' },
  { name: '30d', days: 30, level: 'info' },
  { name: '60d', days: 60, level: 'info' },
] as const

type ExpiryState = (typeof expiryStates)[number]
export type ExpiryStateName = ExpiryState['name']

/** From so long before its end on, a certificate is watched. */
export const watchedMs = 60 * day

/** What a certificate that ends is for. */
export const watchedKinds = [
  'key',
  'app',
  'keystore',
  'provisioning',
  'identity',
  'authority',
  'trusted',
  'server',
] as const

/** A certificate that ends soon, or has ended, and that somebody should replace. */
export interface Ending {
  readonly of: (typeof watchedKinds)[number]
  /** Tells it from all others: its thumbprint or fingerprint. */
  readonly id: string
  /** Whose it is, in words for the log: tenant, instance, key, subject. */
  readonly names: Readonly<Record<string, string>>
  readonly notAfter: number
  /** What to do about it. */
  readonly hint: string
}

/** A key that nobody has replaced for so long after its end is missed by nobody. */
const toldAfterEndMs = 30 * day
/** So many lines a day, and so many keys on the page of metrics: more would tell less. */
const mostTold = 1000

/**
 * Tells of certificates that end: in the log once a day for each, and again when it comes to be in a nearer state;
 * in the metrics with every call. What can still be prevented comes first where there is too much to tell.
 */
export function createExpiryWatch(
  { now, log }: Pick<Context, 'now' | 'log'>,
  meter: Pick<Meter, 'certificatesEnding'>,
): (endings: readonly Ending[]) => void {
  let today = -1
  const told = new Set<string>()

  function tell({ of, id, names, notAfter, hint }: Ending, state: ExpiryState): void {
    const line = `${names.tenant} ${id} ${state.name}`
    if (told.has(line) || told.size >= mostTold) return
    told.add(line)
    const left = Math.floor((notAfter - now()) / day)
    log[state.level](
      { of, ...names, id, notAfter: iso(notAfter), daysLeft: left, hint },
      state.days === 0 ? 'a certificate has ended' : 'a certificate ends soon',
    )
    if (told.size === mostTold) log.warn({ limit: mostTold }, 'more certificates end; no more lines today')
  }

  return endings => {
    const time = now()
    if (Math.floor(time / day) !== today) told.clear()
    today = Math.floor(time / day)
    const sorted = endings
      .flatMap(ending => {
        const state = stateAt(ending.notAfter - time)
        return state ? [{ ending, state }] : []
      })
      .toSorted((a, b) => urgency(a.ending, time) - urgency(b.ending, time))
    for (const { ending, state } of sorted) if (ending.notAfter > time - toldAfterEndMs) tell(ending, state)
    meter.certificatesEnding(
      sorted
        .filter(({ ending }) => ending.of === 'key')
        .slice(0, mostTold)
        .map(({ ending: { names, notAfter } }) => ({ names, notAfter })),
      watchedKinds.flatMap(of =>
        expiryStates.map(state => ({
          of,
          state: state.name,
          count: sorted.filter(one => one.ending.of === of && one.state === state).length,
        })),
      ),
    )
  }
}

/** How near an end is; undefined: not within 60 days. */
export const expiryStateOf = (notAfter: number, now: number): ExpiryStateName | undefined =>
  stateAt(notAfter - now)?.name

const stateAt = (leftMs: number): ExpiryState | undefined =>
  expiryStates.find(({ days }) => (days === 0 ? leftMs <= 0 : leftMs <= days * day))

/** First those to come, the nearest first; then those that have ended, the latest first. */
const urgency = ({ notAfter }: Ending, now: number): number =>
  notAfter > now ? notAfter - now : Number.MAX_SAFE_INTEGER / 2 + (now - notAfter)
