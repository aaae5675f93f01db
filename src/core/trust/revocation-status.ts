import { iso, minute } from '../context.ts'

/** What is known of one certificate; `until` (milliseconds since 1970) it need not be asked again. */
export type Status = { readonly until: number } & (
  | { readonly status: 'good' }
  | { readonly status: 'revoked' | 'unknown'; readonly why: string }
)

/** What could not be found out is not asked again for so long, and neither is an address that does not answer. */
export const retryMs = 30_000

export const unknown = (why: string, now: number): Status => ({
  status: 'unknown',
  why,
  until: now + retryMs,
})

export const revoked = ({ at, reason }: { at: number; reason: string }, until: number): Status => ({
  status: 'revoked',
  why: `revoked on ${iso(at)}${reason === 'unspecified' ? '' : ` (${reason})`}`,
  until,
})

/** What is to be asked again at `usual`, but as soon as the next update is due; and not incessantly. */
export const refreshAt = (usual: number, nextUpdate: number | undefined, now: number): number =>
  Math.min(usual, Math.max(nextUpdate ?? now, now + retryMs))

/** An address for people to read: what authenticates us there is not for them. */
export function shown(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** Tells the operator that an address gives nothing to rely on. */
export type Complaint = (url: string, why: string, now: number) => void

const complainAgainMs = 5 * minute

/** Says it once in a while for each address: as many requests may run into it as there are. */
export function complaints(say: (url: string, why: string) => void): Complaint {
  const said = new Map<string, number>()
  return (url, why, now) => {
    if (now < (said.get(url) ?? 0)) return
    said.set(url, now + complainAgainMs)
    say(shown(url), why)
  }
}
