// What every server here does: listen on loopback, say on which port, end when its starter does.
import { constants } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createInterface } from 'node:readline'

/** The options that the starter gave, as an object. */
export const options = JSON.parse(process.argv[2] ?? '{}')

/** With `mtls` the sender's certificate is asked for, and verified by the handshake. */
const clientCertificates = options.mtls && {
  requestCert: true,
  rejectUnauthorized: false,
  ca: options.mtls.root,
  secureOptions: constants.SSL_OP_NO_TICKET,
}

/** Listens with `listener` (a function, or later on: `setListener` of the answer). */
export const listen = async listener => {
  let current = listener
  const relay = (request, response) => current(request, response)
  const server = options.tls
    ? createTlsServer(
        { ...options.tls, ...clientCertificates, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] },
        relay,
      )
    : createServer(relay)
  server.keepAliveTimeout = 65_000
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  const url = `${options.tls ? 'https' : 'http'}://localhost:${port}`
  return {
    port,
    url,
    setListener(next) {
      current = next
    },
  }
}

/**
 * Tells the starter that requests may come. A line of input names one of `commands` to run, with JSON behind it where it
 * takes details; the end of the input is the sign to stop.
 */
export const ready = (facts, close = () => {}, commands = {}) => {
  const tell = answer => process.stdout.write(`${JSON.stringify(answer)}\n`)
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async line => {
    const [name] = line.split(' ', 1)
    const details = line.slice(name.length)
    tell(await commands[name](...(details ? [JSON.parse(details)] : [])))
  })
  lines.on('close', async () => {
    await close()
    process.exit(0)
  })
  tell(facts)
}
