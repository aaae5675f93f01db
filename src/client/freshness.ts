/** A token with less than this left, or with less than this share of its life, is not given out any more. */
const reserveMs = 30_000
const reserveShare = 0.1
/** From here on it is renewed in the background: SAP's advice to its clients is half of the life. */
const renewalShare = 0.5

/**
 * What to do with a cached token: give it out, give it out and renew it in the background, or fetch another one
 * first. All times in milliseconds since 1970.
 */
export function freshness(issuedAt: number, expiresAt: number, now: number): 'fresh' | 'renew' | 'spent' {
  const life = expiresAt - issuedAt
  if (expiresAt - now < Math.min(reserveMs, life * reserveShare)) return 'spent'
  return now >= issuedAt + life * renewalShare ? 'renew' : 'fresh'
}

const firstPauseMs = 5_000
const longestPauseMs = 300_000

/** Pause after so many failed fetches before the background tries again; doubles, with up to a quarter more. */
export function renewalPause(failures: number, random: () => number): number {
  return Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs) * (1 + 0.25 * random())
}
