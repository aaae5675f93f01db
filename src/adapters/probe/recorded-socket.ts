import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** A handshake is shorter; what comes after it is nobody's business here. */
const mostRecorded = 256 * 1024

/** A socket under a TLS connection that keeps what comes in, and is otherwise the socket. */
export function recordedSocket(socket: Socket): { stream: Duplex; received(): Buffer } {
  const chunks: Buffer[] = []
  let size = 0
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => socket.write(chunk, done),
    final: done => socket.end(done),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', chunk => {
    if (size < mostRecorded) chunks.push(chunk)
    size += chunk.length
    if (!stream.push(chunk)) socket.pause()
  })
  socket.on('end', () => stream.push(null))
  socket.on('error', error => stream.destroy(error))
  socket.on('close', () => stream.destroy())
  return { stream, received: () => Buffer.concat(chunks) }
}
