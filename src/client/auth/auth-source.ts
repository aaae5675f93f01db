import type { TokenError } from '../errors.ts'
import type { ClientAuth } from './client-auth.ts'

/** One credential of several. */
export type AuthCandidate = {
  /** for events and logs, such as the thumbprint of a certificate; tells candidates apart */
  readonly name: string
  readonly auth: ClientAuth
}

/** Several credentials of one client, as they are now: certificates with overlapping dates, say. */
export type AuthSource = {
  /** Those that can be used, the preferred one first. Throws TokenError `invalid_configuration` where there is none. */
  candidates(now: number): readonly AuthCandidate[]
}

/** What the server did not take is not shown again so soon: some lock a client after five failures in an hour. */
const refusedMs = 10 * 60_000

export type AuthOrder = {
  /** In the order in which they are tried. */
  candidates(now: number): readonly AuthCandidate[]
  refused(candidate: AuthCandidate, now: number): void
  isFallback(candidate: AuthCandidate): boolean
}

/** Which credential is tried when: the preferred one that was not refused lately; `fallback` when all were. */
export function createAuthOrder(auth: ClientAuth | AuthSource, fallback: ClientAuth | undefined): AuthOrder {
  const source: AuthSource =
    typeof auth === 'function' ? { candidates: () => [{ name: 'the credential', auth }] } : auth
  const last = fallback === undefined ? [] : [{ name: 'the fallback', auth: fallback }]
  const refusedUntil = new Map<string, number>()

  return {
    candidates(now) {
      const all = source.candidates(now)
      const names = new Set(all.map(({ name }) => name))
      for (const [name, until] of refusedUntil)
        if (until <= now || !names.has(name)) refusedUntil.delete(name)
      const untried = all.filter(({ name }) => !refusedUntil.has(name))
      if (untried.length === 0 && last.length === 0) return all.slice(0, 1)
      return [...untried, ...last]
    },
    refused({ name }, now) {
      refusedUntil.set(name, now + refusedMs)
    },
    isFallback: candidate => last.includes(candidate),
  }
}

/** Did the server refuse this credential, so that another one may be taken? A scope, say, is refused to all alike. */
export function isRefusedCredential({ code, status, error }: TokenError): boolean {
  if (code !== 'refused') return false
  // Without a status it was the TLS handshake that ended with an alert about the certificate.
  return status === undefined || status === 401 || error === 'invalid_client' || error === 'unauthorized'
}
