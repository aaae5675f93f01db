import { randomUUID } from 'node:crypto'
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server as PlainServer,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'

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

/** A plain HTTP server: PKI addresses and health, or a composition for measuring. */
export function plainServer(listener: RequestListener): PlainServer {
  return answeringBrokenHttp(createPlainServer({ ...timeouts, maxHeaderSize: mostHeaderBytes }, listener))
}

/** An HTTPS server that speaks HTTP/1.1 only and asks for no client certificate. */
export function tlsServer(identity: ServerIdentity, listener: RequestListener): TlsServer {
  const options = {
    ...timeouts,
    ...identity,
    maxHeaderSize: mostHeaderBytes,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    honorCipherOrder: true,
    handshakeTimeout: 10_000,
  } as const
  return answeringBrokenHttp(createTlsServer(options, listener))
}

const brokenHttp: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What cannot be read as HTTP gets a correlation id as well, and the connection ends. */
function answeringBrokenHttp<Server extends PlainServer | TlsServer>(server: Server): Server {
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
