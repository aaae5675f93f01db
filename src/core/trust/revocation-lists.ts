import type { Certificate } from '../../crypto/certificate.ts'
import {
  type Crl,
  type CrlVerification,
  crlStatus,
  parseCrl,
  readCrlInput,
  verifyCrl,
} from '../../crypto/crl/index.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import { clockSkewMs, hour, minute } from '../context.ts'
import type { RevocationSource } from './revocation-source.ts'
import {
  type Complaint,
  refreshAt,
  retryMs,
  revoked,
  type Status,
  shown,
  unknown,
} from './revocation-status.ts'

/** The lists at the addresses that the operator configured. */
export interface RevocationLists {
  statusOf(url: string, certificate: Certificate, issuer: Certificate, now: number): Promise<Status>
}

/** A list is fetched anew after so long, ... */
export const listRefreshMs = hour
/** ... and for so long afterwards nobody waits for that. */
export const listGraceMs = 5 * minute

const longestList = 32 * 1024 * 1024
/** Of all lists together; those used last are kept. */
const mostKept = 256 * 1024 * 1024

/** A list, or why there is none. */
type Found = { readonly list: Crl } | { readonly why: string }

interface Held {
  readonly found: Found
  readonly until: number
  /** The list before, for as long as nobody has looked who signed this one. */
  readonly before?: Crl | undefined
}

/**
 * Keeps each list until it has been fetched anew. One that cannot be had again, or in whose place there is one that its
 * authority has not signed, is relied upon until its nextUpdate, and not longer.
 */
export function createRevocationLists(
  source: Pick<RevocationSource, 'crl'>,
  complain: Complaint,
): RevocationLists {
  const lists = new Map<string, Held>()
  const fetching = new Map<string, Promise<Held>>()

  function listAt(url: string, now: number): Held | Promise<Held> {
    const held = lists.get(url)
    if (held && now < held.until) return held
    const fresh = fetching.get(url) ?? fetchAgain(url, held, now)
    return held && isCurrent(held.found, now) && now < held.until + listGraceMs ? held : fresh
  }

  function fetchAgain(url: string, held: Held | undefined, now: number): Promise<Held> {
    const fresh = fetchList(url, now).then(made => {
      if ('why' in made.found) complain(url, `the revocation list cannot be had: ${made.found.why}`, now)
      const before = held && 'list' in held.found ? held.found.list : undefined
      const kept = 'why' in made.found && held ? { ...held, until: made.until } : { ...made, before }
      fetching.delete(url)
      lists.delete(url)
      lists.set(url, kept)
      forgetSome()
      return kept
    })
    fetching.set(url, fresh)
    return fresh
  }

  async function fetchList(url: string, now: number): Promise<Held> {
    try {
      const [der] = readCrlInput(await source.crl(url), { maxLength: longestList })
      const list = parseCrl(der!, { maxBytes: longestList })
      return { found: { list }, until: refreshAt(now + listRefreshMs, list.nextUpdate, now) }
    } catch (error) {
      return { found: { why: (error as Error).message }, until: now + retryMs }
    }
  }

  function forgetSome(): void {
    const sizeOf = ({ found, before }: Held) =>
      ('list' in found ? found.list.raw.length : 0) + (before?.raw.length ?? 0)
    let size = 0
    for (const held of lists.values()) size += sizeOf(held)
    for (const [url, held] of lists) {
      if (size <= mostKept) return
      lists.delete(url)
      size -= sizeOf(held)
    }
  }

  /** The list to go by: the one that was fetched, or the one before, until the next attempt, where that is not good. */
  function settle(url: string, held: Held, list: Crl, good: boolean, now: number) {
    const { before } = held
    const kept = !good && before && isCurrent({ list: before }, now) ? before : list
    const until = good ? held.until : Math.min(held.until, now + retryMs)
    if ((before || !good) && lists.get(url) === held) lists.set(url, { found: { list: kept }, until })
    return { list: kept, until }
  }

  return {
    async statusOf(url, certificate, issuer, now) {
      const held = await listAt(url, now)
      if ('why' in held.found)
        return unknown(`the revocation list at ${shown(url)} cannot be had: ${held.found.why}`, now)
      const doubt = (words: string, why: string) => {
        complain(url, `the revocation list ${words}: ${why}`, now)
        return unknown(`the revocation list at ${shown(url)} ${words}: ${why}`, now)
      }
      const fetched = verifiedBy(held.found.list, issuer)
      const { list, until } = settle(url, held, held.found.list, fetched.ok, now)
      const doubtful = fetched.ok ? undefined : doubt('is not good', fetched.why)
      const verified = verifiedBy(list, issuer)
      if (!verified.ok) return doubtful ?? doubt('is not good', verified.why)
      const said = crlStatus(verified.crl, { certificate, issuer, now, skewMs: clockSkewMs })
      if (said.status === 'unknown') return doubt('says nothing', said.why)
      return said.status === 'good' ? { status: 'good', until } : revoked(said, until)
    },
  }
}

const isCurrent = (found: Found, now: number): boolean =>
  'list' in found && found.list.nextUpdate !== undefined && now < found.list.nextUpdate

const verifications = new WeakMap<Crl, Map<string, CrlVerification>>()

/** A list is long, and its signature is looked at once for each authority. */
function verifiedBy(list: Crl, issuer: Certificate): CrlVerification {
  const known = verifications.get(list) ?? new Map<string, CrlVerification>()
  verifications.set(list, known)
  const id = certificateFingerprint(issuer.raw)
  const found = known.get(id) ?? verifyCrl(list, issuer)
  known.set(id, found)
  return found
}
