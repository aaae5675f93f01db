import { constants, randomUUID } from 'node:crypto'
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server as PlainServer,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions, TlsOptions } from 'node:tls'

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

/** A server certificate with its key, PEM. */
export interface ServerIdentity {
  readonly cert: string
  readonly key: string
}

/** Slow and idle peers are given that long. */
const timeouts = {
  /** For the whole head of a request. */
  headersTimeout: 10_000,
  /** For a whole request; large messages over slow lines need their time. */
  requestTimeout: 300_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
}

/** No request line is longer either. */
export const mostHeaderBytes = 16 * 1024

/** A proxy adds a certificate with its chain to the headers of the caller. */
export const mostProxiedHeaderBytes = 96 * 1024

/** A plain HTTP server: PKI addresses and health, or a composition for measuring. */
export function plainServer(listener: RequestListener, mostHeader = mostHeaderBytes): PlainServer {
  return answeringBrokenHttp(createPlainServer({ ...timeouts, maxHeaderSize: mostHeader }, listener))
}

/** An HTTPS server that speaks HTTP/1.1 only and asks for no client certificate. */
export function tlsServer(identity: ServerIdentity, listener: RequestListener): TlsServer {
  return tlsServerWith(identity, listener, {})
}

/**
 * An HTTPS server that asks for a client certificate and takes any, or none: what it is worth is decided per request,
 * with words for a refusal. It names no authorities, so that senders do not hold back the certificate that they have;
 * and resumes no session, which would prove nothing (design 3.5).
 */
export function mtlsServer(identity: ServerIdentity, listener: RequestListener): TlsServer {
  const server = tlsServerWith(identity, listener, {
    requestCert: true,
    rejectUnauthorized: false,
    ca: [],
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
  // A connection has one certificate, the one that was read first (TLS 1.2 could change it).
  return server.on('secureConnection', socket => socket.disableRenegotiation())
}

/** What stays the same when the certificate changes; `setSecureContext` would else fall back to Node's defaults. */
const contextOptions = new WeakMap<TlsServer, SecureContextOptions>()

/** An HTTPS server that speaks HTTP/1.1 only, with these TLS options beside ours. */
export function tlsServerWith(
  identity: ServerIdentity,
  listener: RequestListener,
  more: TlsOptions,
  mostHeader = mostHeaderBytes,
): TlsServer {
  const context = {
    ...more,
    // A connection keeps the certificate that it began with, and no peer makes us compute another handshake on it.
    secureOptions: (more.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION,
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
  } as const
  const server = createTlsServer(
    {
      ...timeouts,
      ...context,
      ...identity,
      maxHeaderSize: mostHeader,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: 10_000,
    },
    listener,
  )
  contextOptions.set(server, context)
  return answeringBrokenHttp(server)
}

/** Shows another certificate from the next handshake on; `ca` replaces the authority of a proxy. */
export function presentIdentity(server: TlsServer, identity: ServerIdentity, ca?: string): void {
  server.setSecureContext({ ...contextOptions.get(server), ...identity, ...(ca !== undefined && { ca }) })
}

const brokenHttp: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What cannot be read as HTTP gets a correlation id as well, and the connection ends. */
function answeringBrokenHttp<Server extends PlainServer | TlsServer>(server: Server): Server {
  // Node would drop what comes behind the 2000th: a second header of a kind, for instance. The bytes are bounded.
  server.maxHeadersCount = 0
  const answering = new WeakMap<Duplex, ServerResponse>()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answering.set(request.socket, response)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // In the middle of an answer nothing else may be written.
    const begun = answering.get(socket)?.headersSent && !answering.get(socket)?.writableFinished
    if (!socket.writable || error.code === 'ECONNRESET' || begun) return socket.destroy()
    const status = brokenHttp[error.code ?? ''] ?? '400 Bad Request'
    const id = randomUUID()
    const body = JSON.stringify({
      error: 'invalid_request',
      error_description: 'this is not a request that can be read',
      correlation_id: id,
    })
    socket.end(
      `HTTP/1.1 ${status}\r\nX-Correlation-Id: ${id}\r\nContent-Type: application/json;charset=UTF-8\r\n` +
        `Content-Length: ${body.length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
    )
  })
  return server
}
