import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server as PlainServer,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'

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
  return createPlainServer({ ...timeouts, maxHeaderSize: mostHeaderBytes }, listener)
}

/** An HTTPS server that speaks HTTP/1.1 only and asks for no client certificate. */
export function tlsServer(identity: ServerIdentity, listener: RequestListener): TlsServer {
  return createTlsServer(
    {
      ...timeouts,
      ...identity,
      maxHeaderSize: mostHeaderBytes,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      honorCipherOrder: true,
      handshakeTimeout: 10_000,
    },
    listener,
  )
}
