import type { Certificate } from '../../crypto/certificate.ts'
import type { Context } from '../context.ts'
import { createRevocationAnswers } from './revocation-answers.ts'
import { createRevocationLists } from './revocation-lists.ts'
import type { RevocationSource } from './revocation-source.ts'
import { complaints, type Status, unknown } from './revocation-status.ts'
import { type AuthoritySettings, authorityId, type RevocationSettings } from './settings.ts'

export interface RevocationRefusal {
  readonly rule: 'revoked' | 'revocation unknown'
  readonly reason: string
  readonly hint: string
}

export interface RevocationFinding {
  /** undefined: nothing is known against the path. */
  readonly refusal: RevocationRefusal | undefined
  /** It has to be asked again then; milliseconds since 1970. */
  readonly until: number
}

/** What authorities that others run say about the certificates of a path. */
export interface RevocationChecking {
  /** undefined: nobody has to be asked. */
  check(
    chain: readonly Certificate[],
    settings: AuthoritySettings,
    now: number,
  ): Promise<RevocationFinding> | undefined
}

/**
 * Revocation by others, from configured places only: a responder is asked every five minutes, a list every hour
 * (RFC 5280 section 6.3, RFC 6960). What that means for a certificate that is revoked there: docs/revocation.md.
 */
export function createRevocationChecking(
  source: RevocationSource,
  { log, random }: Pick<Context, 'log' | 'random'>,
): RevocationChecking {
  const complain = complaints((url, reason) =>
    log.warn({ url, reason }, 'revocation of foreign certificates cannot be found out'),
  )
  const lists = createRevocationLists(source, complain)
  const answers = createRevocationAnswers(source, complain, { random })

  /** A responder decides, else the list of the direct issuer; the responder set at the root answers for all below. */
  async function statusOf(
    certificate: Certificate,
    issuer: Certificate,
    own: RevocationSettings | undefined,
    root: RevocationSettings,
    now: number,
  ): Promise<Status> {
    const ocspUrl = own?.ocspUrl ?? root.ocspUrl
    const byOcsp =
      ocspUrl === undefined ? undefined : await answers.statusOf(ocspUrl, certificate, issuer, now)
    if (byOcsp && byOcsp.status !== 'unknown') return byOcsp
    if (own?.crlUrl !== undefined) return lists.statusOf(own.crlUrl, certificate, issuer, now)
    return byOcsp ?? unknown('no revocation list and no responder is set for its issuer', now)
  }

  async function checkPath(
    chain: readonly Certificate[],
    settings: AuthoritySettings,
    root: RevocationSettings,
    now: number,
  ): Promise<RevocationFinding> {
    let until = Number.POSITIVE_INFINITY
    for (let i = 0; i + 1 < chain.length; i++) {
      const issuer = chain[i + 1]!
      const found = await statusOf(chain[i]!, issuer, settings.get(authorityId(issuer)), root, now)
      until = Math.min(until, found.until)
      const refusal = refusalOf(found, i === 0 ? 'the certificate' : 'an authority in its path', root)
      if (refusal) return { refusal, until }
    }
    return { refusal: undefined, until }
  }

  return {
    check(chain, settings, now) {
      const root = settings.get(authorityId(chain.at(-1)!))
      return root && root.revocation !== 'off' ? checkPath(chain, settings, root, now) : undefined
    },
  }
}

function refusalOf(
  found: Status,
  what: string,
  { revocation }: RevocationSettings,
): RevocationRefusal | undefined {
  if (found.status === 'revoked')
    return {
      rule: 'revoked',
      reason: `${what} was ${found.why}`,
      hint: 'The sender needs another certificate; its authority has taken this one back.',
    }
  if (found.status === 'good' || revocation === 'soft') return undefined
  return {
    rule: 'revocation unknown',
    reason: `nobody can tell whether ${what} is revoked: ${found.why}`,
    hint: 'See the addresses in `countersign trust list`; with --revocation soft such certificates are let in.',
  }
}
