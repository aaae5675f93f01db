import type { IncomingMessage, Server as PlainServer, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'

/** Bytes that are on the wire when the end begins may still arrive; whoever is slower is cut off. */
const arrivalMs = 500

/**
 * Follows the connections of a server from its first one on. The function returned closes it: no new connections,
 * idle ones end at once, requests that do not finish arriving are cut off, what was accepted is answered. It
 * resolves when the last connection has ended; after `limitMs` none is left. With `turnAway`, which workers need
 * (see `serveWorkers`), the port stays open and every new connection ends at once.
 */
export function followConnections(
  server: TlsServer | PlainServer,
  { turnAway }: { turnAway: boolean },
): (limitMs: number) => Promise<void> {
  const sockets = new Set<Socket>()
  const exchanges = new Map<ServerResponse, { request: IncomingMessage; peer: string | Socket }>()
  let closing = false

  let allEnded = () => {}
  const follow = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0) allEnded()
    })
  }
  // On TLS, the first is the bare connection, also of a handshake that never ends.
  server.on('connection', follow)
  server.on('secureConnection', follow)
  // Before the listener that answers, which may have sent everything when it returns.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    exchanges.set(response, { request, peer: peerOf(socket) })
    if (closing) response.shouldKeepAlive = false
    response.once('close', () => {
      exchanges.delete(response)
      if (closing) socket.end()
    })
  })

  function cutOff(): void {
    const accepted = [...exchanges.values()].filter(({ request }) => request.complete)
    const keep = new Set(accepted.map(({ peer }) => peer))
    for (const socket of sockets) if (!keep.has(peerOf(socket))) socket.destroy()
  }

  return async limitMs => {
    closing = true
    const timers = [setTimeout(cutOff, arrivalMs), setTimeout(() => closeAll(sockets), limitMs)]
    if (turnAway) {
      Object.assign(server, dropAll)
      server.closeIdleConnections()
    } else server.close()
    for (const response of exchanges.keys()) response.shouldKeepAlive = false
    if (sockets.size > 0)
      await new Promise<void>(resolve => {
        allEnded = resolve
      })
    timers.forEach(clearTimeout)
  }
}

/** Not to be passed on to another worker, which is what Node does with one too many by default. */
const dropAll = { maxConnections: 0, dropMaxConnection: true }

/** The bare connection and the TLS on top of it have the same one; on a Unix socket, which has none, there is no TLS. */
const peerOf = (socket: Socket): string | Socket =>
  socket.remotePort === undefined ? socket : `${socket.remoteAddress} ${socket.remotePort}`

function closeAll(sockets: Iterable<Socket>): void {
  for (const socket of sockets) socket.destroy()
}
