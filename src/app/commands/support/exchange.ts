import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import type { TlsOptions } from '../../../client/index.ts'
import { isLoopback } from '../../../core/network.ts'
import { Refused, WrongUsage } from './errors.ts'
import type { Trust } from './trust.ts'

export interface Outgoing {
  readonly url: URL
  readonly method: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: string | Readable | undefined
  readonly trust: Trust
  /** The certificate that the connection shows; which roots are believed is for `trust` to say. */
  readonly tls?: TlsOptions | undefined
  /** Milliseconds until the answer begins; undefined: for as long as it takes. */
  readonly timeoutMs?: number
}

/**
 * Sends one request and resolves with the answer's head; redirects are not followed. Throws Refused when no answer
 * comes, in words that say what to do.
 */
export function exchange(outgoing: Outgoing): Promise<IncomingMessage> {
  const { url, method, body, trust, tls, timeoutMs } = outgoing
  const headers = { 'user-agent': 'countersign', ...outgoing.headers }
  // Without an agent the connection closes with the answer, and the process can end.
  const common = { method, headers, agent: false as const }
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...common, ...tls, ca: trust(url) })
        : httpRequest(url, common)
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => request.destroy(new Refused(`${url.origin} gave no answer within ${timeoutMs / 1000} s`)),
            timeoutMs,
          )
    request.on('response', response => {
      clearTimeout(timer)
      resolve(response)
    })
    request.on('error', error => {
      clearTimeout(timer)
      reject(error instanceof Refused ? error : unreachable(url, error))
    })
    if (body === undefined || typeof body === 'string') {
      request.end(body)
      return
    }
    body.on('error', error => request.destroy(new Refused(`the data cannot be read: ${error.message}`)))
    // An answer that comes before all was sent ends the sending.
    request.on('close', () => body.destroy())
    body.pipe(request)
  })
}

/** What to tell when no connection came about. */
export function unreachable(url: URL, error: Error): Refused {
  const code = errorCode(error)
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code))
    return new Refused(`cannot reach ${url.origin}: is \`countersign serve\` running?`)
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(code))
    return new Refused(`cannot reach ${url.origin}: there is no computer of this name`)
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code))
    return new Refused(`the certificate of ${url.origin} is not to be trusted (${code})`, {
      hint: "Give the root that issued it with --ca FILE: ca.pem of the server's data directory.",
    })
  return new Refused(`no answer from ${url.origin}: ${error.message || code}`)
}

/** Several tried addresses come as one error; the first speaks for all. */
function errorCode(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  if (code) return code
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  return first instanceof Error ? errorCode(first) : 'connection error'
}

/** An address that a credential may be sent to: https, or http on this machine. Throws WrongUsage. */
export function readAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new WrongUsage(`${text} is not an address such as https://localhost:8443/http/orders`)
  if (url.username || url.password) throw new WrongUsage('an address must not hold a user name or a password')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol === 'http:' && host !== 'localhost' && !isLoopback(host))
    throw new WrongUsage(`${url.origin} is plain http: the credential would travel readable; use https`)
  return url
}
