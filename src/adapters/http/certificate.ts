import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { Problem } from '../../core/problem.ts'
import {
  CertificateProblem,
  certificateOfSocket,
  type PresentedCertificate,
  readForwardedCertificate,
} from '../../guard/index.ts'
import type { Listener } from './request.ts'

/**
 * The certificate that comes with a request: of the connection where the port asks for one, of the one configured
 * header where a proxy forwards it. Nowhere else does a header mean anything.
 */
export function certificateOf(
  { name, certificateHeader }: Listener,
  request: IncomingMessage,
): PresentedCertificate | Problem | undefined {
  if (name === 'mtls' || name === 'identity') return fit(certificateOfSocket(request.socket))
  if (name === 'proxy' && certificateHeader !== undefined) {
    const values = request.headersDistinct[certificateHeader] ?? []
    return fit(readForwardedCertificate(values, request.headersDistinct[`${certificateHeader}-chain`]))
  }
  return undefined
}

function fit(found: PresentedCertificate | CertificateProblem | undefined) {
  return found instanceof CertificateProblem
    ? new Problem('invalid_request', 'the client certificate cannot be read', {
        check: 'client certificate form',
        reason: found.reason,
      })
    : found
}

/**
 * Was the connection made for another host than the request names? A certificate was asked for under one name and
 * would be used under another (RFC 9110 section 15.5.20).
 */
export function isMisdirected(request: IncomingMessage): boolean {
  const { servername } = request.socket as TLSSocket
  const { host } = request.headers
  if (!servername || host === undefined) return false
  return host.replace(/:\d*$/, '').toLowerCase() !== servername.toLowerCase()
}
