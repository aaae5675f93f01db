import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { mtlsServer, presentIdentity } from '../../../src/adapters/http/server.ts'
import { deleteKey } from '../../../src/core/broker/index.ts'
import { issueServerCertificate, makeRoot } from '../../../src/crypto/server-certificate.ts'
import { issued } from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders } from '../token-server/world.ts'
import { until } from '../worker/world.ts'

let server: TestServer
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  endReceiver = await deployOrders(server)
})
after(async () => {
  endReceiver()
  await server.close()
})

const versions = ['TLSv1.2', 'TLSv1.3'] as const
type Version = (typeof versions)[number]
const speaking = (version: Version) => ({ minVersion: version, maxVersion: version })

interface Opened {
  readonly socket: TLSSocket
  readonly sessions: readonly Buffer[]
  /** The status of one request that is written as it stands. */
  status(head: string): Promise<number>
}

async function open(port: string, options: ConnectionOptions): Promise<Opened> {
  const socket = connect({ host: 'localhost', port: Number(port), servername: 'localhost', ...options })
  const sessions: Buffer[] = []
  socket.on('session', session => sessions.push(session))
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', chunk => {
    text += chunk
  })
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    sessions,
    async status(head) {
      text = ''
      socket.write(`${head}\r\n\r\n`)
      return until(() => {
        const found = /^HTTP\/1\.1 (\d{3}) /.exec(text)
        return found ? Number(found[1]) : undefined
      })
    },
  }
}

const portOf = (url: string) => new URL(url).port
const toFlow = (host: string) => `POST /http/orders HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0`

/** What `openssl` prints. */
async function openssl(args: readonly string[]): Promise<string> {
  const child = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let stdout = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) stdout += chunk
  return stdout
}

for (const version of versions)
  test(`a session is not resumed (${version}): neither by ticket nor by id`, async () => {
    const port = portOf(server.mtlsUrl)
    const sender = await issued(server)
    const options = { ca: server.ca, ...speaking(version), ...sender.credential }
    const first = await open(port, options)
    assert.equal(await first.status(toFlow('localhost')), 200)
    // In TLS 1.3 a session comes with the first data.
    const session = first.sessions.at(-1) ?? first.socket.getSession()
    first.socket.destroy()
    assert.ok(session)

    // Without a certificate: what the session would still know is all that there is.
    for (const more of [{}, { cert: undefined, key: undefined }]) {
      const again = await open(port, { ...options, ...more, session })
      assert.equal(again.socket.isSessionReused(), false)
      assert.equal(await again.status(toFlow('localhost')), 'cert' in more ? 401 : 200)
      again.socket.destroy()
    }
    orThrow(await deleteKey(server.tenant, sender.instance, 'key', server.server.services))
    const deleted = await open(port, { ...options, session })
    assert.equal(await deleted.status(toFlow('localhost')), 401)
    deleted.socket.destroy()
  })

for (const version of versions)
  test(`nor after the server certificate was replaced (${version})`, async t => {
    const now = Date.now()
    const root = makeRoot({ commonName: 'root', now, random: randomBytes })
    const identity = () => {
      const made = issueServerCertificate({ root, hosts: ['localhost'], now, days: 30, random: randomBytes })
      return { cert: made.pem, key: made.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string }
    }
    const replaced = mtlsServer(identity(), (_request, response) => response.end('x'))
    await new Promise<void>(resolve => replaced.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      replaced.close()
      replaced.closeAllConnections()
    })
    const port = String((replaced.address() as AddressInfo).port)
    const options = { ca: root.pem, ...speaking(version) }
    presentIdentity(replaced, identity())
    const first = await open(port, options)
    assert.equal(await first.status(toFlow('localhost')), 200)
    const session = first.sessions.at(-1) ?? first.socket.getSession()
    first.socket.destroy()
    const again = await open(port, { ...options, session })
    assert.equal(again.socket.isSessionReused(), false)
    again.socket.destroy()
  })

test('the check of this file sees a resumed session where there is one', async t => {
  const now = Date.now()
  const root = makeRoot({ commonName: 'root', now, random: randomBytes })
  const made = issueServerCertificate({ root, hosts: ['localhost'], now, days: 30, random: randomBytes })
  const key = made.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  const plain = createServer({ cert: made.pem, key }, (_request, response) => response.end('x'))
  await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    plain.close()
    plain.closeAllConnections()
  })
  const port = String((plain.address() as AddressInfo).port)
  for (const version of versions) {
    const options = { ca: root.pem, ...speaking(version) }
    const first = await open(port, options)
    await first.status(toFlow('localhost'))
    const session = first.sessions.at(-1) ?? first.socket.getSession()
    first.socket.destroy()
    const again = await open(port, { ...options, session })
    assert.equal(again.socket.isSessionReused(), true)
    again.socket.destroy()
  }
})

test('a certificate cannot be exchanged by renegotiation (TLS 1.2)', async () => {
  const sender = await issued(server)
  const options = { ca: server.ca, ...speaking('TLSv1.2'), ...sender.credential }
  const { socket, status } = await open(portOf(server.mtlsUrl), options)
  assert.equal(await status(toFlow('localhost')), 200)
  const ended = new Promise<string>(resolve => {
    socket.once('error', error => resolve(error.message))
    socket.once('close', () => resolve('closed'))
  })
  const outcome = new Promise<string>(resolve =>
    socket.renegotiate({ rejectUnauthorized: true }, error =>
      resolve(error ? error.message : 'renegotiated'),
    ),
  )
  assert.notEqual(await Promise.race([outcome, ended]), 'renegotiated')
})

test('a Host other than the one that the connection was made for gets 421', async () => {
  const sender = await issued(server)
  const options = { ca: server.ca, ...sender.credential }
  const port = portOf(server.mtlsUrl)
  const hosts: readonly [string, number][] = [
    ['localhost', 200],
    [`localhost:${port}`, 200],
    ['LOCALHOST', 200],
    ['127.0.0.1', 421],
    ['other.example', 421],
    ['localhost.evil', 421],
    ['localhost@other.example', 421],
    [`other.example:${port}`, 421],
    ['[::1]', 421],
    ['', 421],
  ]
  for (const [host, status] of hosts) {
    const one = await open(port, options)
    assert.equal(await one.status(toFlow(host)), status, host)
    one.socket.destroy()
  }
})

test('on one connection each Host is looked at, and 421 does not end it', async () => {
  const sender = await issued(server)
  const one = await open(portOf(server.mtlsUrl), { ca: server.ca, ...sender.credential })
  assert.equal(await one.status(toFlow('localhost')), 200)
  assert.equal(await one.status(toFlow('other.example')), 421)
  assert.equal(await one.status(toFlow('localhost')), 200)
  one.socket.destroy()
})

test('a sender that names no host in its handshake (an address) may name any', async () => {
  const sender = await issued(server)
  const options = { ca: server.ca, ...sender.credential, host: '127.0.0.1', servername: '' }
  const one = await open(portOf(server.mtlsUrl), options)
  assert.equal(await one.status(toFlow(`127.0.0.1:${portOf(server.mtlsUrl)}`)), 200)
  one.socket.destroy()
})

test('the handshake asks for a certificate and names no authority, so that nobody holds theirs back', async () => {
  const stdout = await openssl(['s_client', '-connect', `localhost:${portOf(server.mtlsUrl)}`])
  assert.match(stdout, /No client certificate CA names sent/)
  const publicly = await openssl(['s_client', '-connect', `localhost:${portOf(server.url)}`])
  assert.match(publicly, /No client certificate CA names sent/)
  assert.doesNotMatch(publicly, /Requested Signature Algorithms|Client Certificate Types/)
  assert.match(stdout, /Requested Signature Algorithms/)
})

test('the server sends its own root along, so that a sender can take it from the connection', async () => {
  const stdout = await openssl(['s_client', '-showcerts', '-connect', `localhost:${portOf(server.mtlsUrl)}`])
  const sent = stdout.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g)!
  assert.equal(sent.at(-1), server.ca)
})
