import { hash } from 'node:crypto'
import type { Certificate } from '../../crypto/certificate.ts'
import { buildOcspRequest, ocspStatus, readOcspResponse } from '../../crypto/ocsp/index.ts'
import { BoundedCache } from '../cache.ts'
import { type Context, clockSkewMs, minute } from '../context.ts'
import type { RevocationSource, SourceError } from './revocation-source.ts'
import {
  type Complaint,
  refreshAt,
  retryMs,
  revoked,
  type Status,
  shown,
  unknown,
} from './revocation-status.ts'

/** The OCSP responders at the addresses that the operator configured. */
export interface RevocationAnswers {
  statusOf(url: string, certificate: Certificate, issuer: Certificate, now: number): Promise<Status>
}

/** An answer is asked for again after so long. */
export const answerRefreshMs = 5 * minute

interface Held {
  readonly status: Status
  /** Until when an answer of "good" may be relied upon when there is none newer. */
  readonly nextUpdate: number
}

/**
 * Asks once for each certificate at a time, and leaves a responder alone for a while that does not answer. A "good"
 * that cannot be had anew is relied upon until its nextUpdate, and not longer.
 */
export function createRevocationAnswers(
  source: Pick<RevocationSource, 'ocsp'>,
  complain: Complaint,
  { random }: Pick<Context, 'random'>,
): RevocationAnswers {
  const answers = new BoundedCache<Held>(10_000)
  const asking = new Map<string, Promise<Status>>()
  const silent = new Map<string, { readonly why: string; readonly until: number }>()

  async function ask(url: string, certificate: Certificate, issuer: Certificate, now: number): Promise<Held> {
    const doubt = (why: string): Held => {
      complain(url, why, now)
      return { status: unknown(`${why} (${shown(url)})`, now), nextUpdate: 0 }
    }
    const wait = silent.get(url)
    if (wait && now < wait.until)
      return { status: unknown(`${wait.why} (${shown(url)})`, now), nextUpdate: 0 }
    try {
      const nonce = random(16)
      const response = readOcspResponse(
        await source.ocsp(url, buildOcspRequest({ certificate, issuer, nonce })),
      )
      silent.delete(url)
      const said = ocspStatus(response, { certificate, issuer, nonce, now, skewMs: clockSkewMs })
      if (said.status === 'unknown') return doubt(`the responder gives no answer to rely on: ${said.why}`)
      const usual = now + answerRefreshMs
      if (said.status === 'revoked') return { status: revoked(said, usual), nextUpdate: 0 }
      const until = refreshAt(usual, said.nextUpdate, now)
      return { status: { status: 'good', until }, nextUpdate: said.nextUpdate ?? 0 }
    } catch (error) {
      const why = `the responder cannot be asked: ${(error as Error).message}`
      if ((error as SourceError).unanswered) silent.set(url, { why, until: now + retryMs })
      return doubt(why)
    }
  }

  async function askAgain(
    key: string,
    url: string,
    certificate: Certificate,
    issuer: Certificate,
    now: number,
  ): Promise<Status> {
    const fresh = await ask(url, certificate, issuer, now)
    const held = answers.get(key)
    const isLast = fresh.status.status === 'unknown' && held !== undefined && now < held.nextUpdate
    const kept = isLast ? { ...held, status: { ...held.status, until: now + retryMs } } : fresh
    answers.set(key, kept)
    return kept.status
  }

  return {
    async statusOf(url, certificate, issuer, now) {
      const key = `${url} ${hash('sha256', certificate.raw, 'base64url')}`
      const held = answers.get(key)
      if (held && now < held.status.until) return held.status
      const under = asking.get(key)
      if (under) return under
      const fresh = askAgain(key, url, certificate, issuer, now).finally(() => asking.delete(key))
      asking.set(key, fresh)
      return fresh
    },
  }
}
