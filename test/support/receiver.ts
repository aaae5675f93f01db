import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** One request as the receiver of a flow got it. */
export interface ReceivedMessage {
  readonly method: string
  /** With query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Flat list of name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

/** A system behind an integration flow: an HTTP server of a few lines on loopback. */
export interface Receiver {
  /** Without a slash at the end. */
  readonly origin: string
  /** The requests whose bodies have arrived completely. */
  readonly received: readonly ReceivedMessage[]
  /** The newest of them. */
  last(): ReceivedMessage
  /** Every connection so far. */
  readonly sockets: readonly Socket[]
  /** What happens to the next requests instead of reading them and answering 200. */
  answer(handler: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void
  close(): Promise<void>
}

/** Starts a receiver that keeps what it gets and answers 200 with a short text until it is told otherwise. */
export async function startReceiver(): Promise<Receiver> {
  const received: ReceivedMessage[] = []
  const sockets: Socket[] = []
  let handler: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  const server = createServer((request, response) => {
    if (handler) return handler(request, response)
    keep(request, received, () => {
      response.setHeader('Content-Type', 'text/plain')
      response.end('taken')
    })
  })
  server.on('connection', socket => sockets.push(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    received,
    last: () => received.at(-1)!,
    sockets,
    answer(given) {
      handler = given
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function keep(request: IncomingMessage, received: ReceivedMessage[], then: () => void): void {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const { method = '', url = '', headers, rawHeaders } = request
    received.push({ method, path: url, headers, rawHeaders, body: Buffer.concat(chunks) })
    then()
  })
  request.on('error', () => {})
}
