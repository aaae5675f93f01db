// node:tls that asks for a client certificate and verifies it, and does nothing else: the handshake alone.
import { constants } from 'node:crypto'
import { createServer } from 'node:tls'
import { options, ready } from './serve.mjs'

const server = createServer({
  ...options.tls,
  ca: options.mtls.root,
  requestCert: true,
  rejectUnauthorized: true,
  secureOptions: constants.SSL_OP_NO_TICKET,
  ALPNProtocols: ['http/1.1'],
})
// A client that has gone when it is refused would not notice: then there is nothing to be measured.
server.on('tlsClientError', error => {
  console.error(error)
  process.exit(1)
})
server.on('secureConnection', socket => {
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.end())
  socket.resume()
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address()
ready({ port, url: `https://localhost:${port}` })
