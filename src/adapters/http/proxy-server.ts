import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { anchorOf } from '../../crypto/path/index.ts'
import { decodePem, PemError } from '../../crypto/pem.ts'
import { hangUpAfter } from './request.ts'
import {
  mostProxiedHeaderBytes,
  presentIdentity,
  type RequestListener,
  type ServerIdentity,
  tlsServerWith,
} from './server.ts'
import { vouchFor } from './vouching.ts'

/** Who vouches for the proxies: the certificates of a PEM file. */
export interface ProxyAuthority {
  readonly pem: string
  readonly certificates: readonly Certificate[]
}

/** Reads the authority of proxies. Throws a PemError or DerError: with none, or half of one, every proxy is refused. */
export function readProxyAuthority(pem: string): ProxyAuthority {
  const certificates = decodePem(pem).map(({ label, der }) => {
    if (label !== 'CERTIFICATE') throw new PemError(`holds ${label}: certificates alone are wanted`)
    return parseCertificate(der)
  })
  return { pem, certificates }
}

export interface ProxyServer {
  readonly server: Server
  /** Shows another server certificate from the next handshake on. */
  present(identity: ServerIdentity): void
  /**
   * Replaces the authority from the next handshake on. Connections of proxies that the new one does not vouch for end
   * as well: each after the answer that is under way, and without taking another request.
   */
  trust(authority: ProxyAuthority): void
}

/**
 * An HTTPS server for proxies that show a certificate of this authority; others do not get past the handshake. No
 * session is resumed, so that each connection proves the key and is looked at with the authority of the day.
 */
export function proxyServer(
  first: { readonly identity: ServerIdentity; readonly authority: ProxyAuthority },
  listener: RequestListener,
  {
    now,
    refused,
  }: {
    readonly now: () => number
    /** Told why a peer was refused in the handshake. */
    readonly refused: (reason: string) => void
  },
): ProxyServer {
  let { identity, authority } = first
  const options = {
    requestCert: true,
    rejectUnauthorized: true,
    ca: authority.pem,
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
  const server = tlsServerWith(identity, listener, options, mostProxiedHeaderBytes)
  const open = new Set<TLSSocket>()
  const answering = new WeakMap<object, ServerResponse>()
  server.on('secureConnection', socket => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    answering.set(socket, response)
  })
  server.on('tlsClientError', (error, { authorizationError }) =>
    refused(String(authorizationError || error.message)),
  )

  function end(socket: TLSSocket): void {
    const response = answering.get(socket)
    if (!response || response.closed) return void socket.destroy()
    hangUpAfter(response)
    response.once('close', () => socket.destroySoon())
  }

  return {
    server,
    present(renewed) {
      presentIdentity(server, renewed, authority.pem)
      identity = renewed
    },
    trust(renewed) {
      presentIdentity(server, identity, renewed.pem)
      authority = renewed
      for (const socket of open) if (!vouchesFor(authority, socket, now())) end(socket)
    },
  }
}

function vouchesFor({ certificates }: ProxyAuthority, socket: TLSSocket, now: number): boolean {
  const [leaf, ...others] = sentBy(socket)
  return leaf !== undefined && vouchFor(certificates.map(anchorOf), leaf, others, now)
}

/**
 * The path that was verified in the handshake; it ends in a cycle. Node 24 keeps the leaf alone: there a connection
 * ends, to be made again, unless the authority holds the intermediates as well.
 */
function sentBy(socket: TLSSocket): Buffer[] {
  const found: Buffer[] = []
  let next = socket.getPeerCertificate(true)
  while (next?.raw && !found.some(der => der.equals(next.raw))) {
    found.push(next.raw)
    next = next.issuerCertificate
  }
  return found
}
