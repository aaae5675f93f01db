import type { IncomingMessage } from 'node:http'
import { certificateThumbprint } from '../crypto/thumbprint.ts'

/**
 * A certificate that the peer has proven to hold, by its TLS handshake or by the word of an authenticated proxy.
 * Nothing else about it is verified: neither who issued it, nor its dates, nor whether it was revoked.
 */
export interface PresentedCertificate {
  /** DER of the leaf. */
  readonly der: Buffer
  /** `x5t#S256`: base64url(SHA-256(DER)), 43 characters (RFC 8705 section 3.1). */
  readonly thumbprint: string
  /**
   * DER of the other certificates that were sent, in the order received, at most 10. The sender chose them: they may be
   * out of order, repeated or unrelated, and prove nothing. They are material for building a path from the leaf.
   */
  readonly chain: readonly Buffer[]
}

/** Why what was presented as a certificate cannot be read: for the operator, and without repeating any of it. */
export class CertificateProblem {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** Certificates beside the leaf: more than any path needs, and few enough to be looked at. */
const mostOthers = 10

export function presentedCertificate(
  der: Buffer,
  chain: readonly Buffer[],
): PresentedCertificate | CertificateProblem {
  if (chain.length > mostOthers)
    return new CertificateProblem(`more than ${mostOthers} certificates were sent beside the client's own`)
  return { der, thumbprint: certificateThumbprint(der), chain }
}

type Presented = PresentedCertificate | CertificateProblem | undefined

/** What is used of node:crypto's X509Certificate. */
interface PeerCertificate {
  readonly raw: Buffer
  readonly issuerCertificate?: PeerCertificate | undefined
}

interface PeerSocket {
  readonly secureConnecting?: boolean
  getPeerX509Certificate?(): PeerCertificate | undefined
}

const ofSockets = new WeakMap<object, Presented>()

/**
 * The client certificate of a connection to a server of node:tls or node:https that has `requestCert: true`, also with
 * `rejectUnauthorized: false`. undefined: none was sent, the handshake has not finished, or there is no TLS.
 * A CertificateProblem: more than 10 others came with it.
 *
 * Read once per connection and remembered, so a certificate from a later renegotiation (TLS 1.2) is not taken up:
 * servers should call `disableRenegotiation()` on each connection.
 *
 * Traps, measured with Node 24.21 and 26.10 on TLS 1.2 and 1.3:
 * - `issuerCertificate` of `getPeerX509Certificate()` is no issuer but the next certificate as it was sent, whatever
 *   it is. `getPeerCertificate(true)` follows issuers instead, leaves out the rest, adds what the server itself trusts
 *   (`ca`), and ends in a cycle: it does not tell what was sent.
 * - Node 24 hands out the chain once per connection. Whoever asks the socket before this function takes it away, and
 *   Node itself asks where the certificate is `authorized`: the chain of a sender that `ca` verifies is empty then. A
 *   server that wants the chain gives `ca: []` and verifies by itself.
 * - A resumed session (`isSessionReused()`) shows the certificate of its first handshake, without its chain, with no
 *   new proof of the key, and `authorized` as it was. Refuse resumption (`SSL_OP_NO_TICKET` does, for both versions),
 *   or check on each request that the certificate still counts.
 */
export function certificateOfSocket(socket: IncomingMessage['socket']): Presented {
  const known = ofSockets.get(socket)
  if (known || ofSockets.has(socket)) return known
  const peer = socket as PeerSocket
  if (peer.secureConnecting) return undefined
  const presented = fromPeer(peer.getPeerX509Certificate?.())
  ofSockets.set(socket, presented)
  return presented
}

function fromPeer(leaf: PeerCertificate | undefined): Presented {
  if (!leaf) return undefined
  const chain: Buffer[] = []
  // The bound also ends a cycle, should there ever be one.
  for (let next = leaf.issuerCertificate; next && chain.length <= mostOthers; next = next.issuerCertificate)
    chain.push(next.raw)
  return presentedCertificate(leaf.raw, chain)
}
