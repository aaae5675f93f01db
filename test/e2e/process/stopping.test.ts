import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { type Ended, eventually, launch, type ServerProcess, startServer } from './support.ts'

/** A connection and what came back on it. */
interface Wire {
  readonly socket: TLSSocket
  readonly closed: Promise<number>
  text(): string
}

for (const workers of ['1', '2'])
  describe(`SIGTERM, workers: ${workers}`, () => {
    let receiver: Server
    const waiting: { request: IncomingMessage; response: ServerResponse }[] = []
    before(() => {
      receiver = createServer((request, response) => {
        request.resume()
        request.once('end', () => waiting.push({ request, response }))
      }).listen(0, '127.0.0.1')
    })
    after(() => {
      receiver.close()
      receiver.closeAllConnections()
    })

    async function start(): Promise<{ server: ServerProcess; token: string }> {
      const server = await startServer({
        env: { COUNTERSIGN_WORKERS: workers, COUNTERSIGN_LOG_LEVEL: 'debug' },
      })
      const { port } = receiver.address() as AddressInfo
      await server.admin('POST', '/flows', {
        id: 'slow',
        name: 'Slow',
        sender: { adapter: 'HTTPS', address: '/slow' },
        receiver: { adapter: 'HTTP', url: `http://127.0.0.1:${port}/` },
      })
      return { server, token: await server.token(await server.key('sender', 'key')) }
    }

    test('an idle server ends with 0 at once, and says so', async () => {
      const server = await startServer({ env: { COUNTERSIGN_WORKERS: workers } })
      const begun = Date.now()
      const ended = await server.stop()
      assertClean(ended)
      assert.ok(ended.at - begun < 2000, `${ended.at - begun} ms`)
      assert.match(ended.stdout, /"signal":"SIGTERM","message":"stopping"/)
    })

    test('a message under way is finished; everything else ends before it', async () => {
      const { server, token } = await start()
      const message = '{"order": 4711}'
      const head = `POST /http/slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`
      const accepted = await open(server)
      accepted.socket.write(`${head}Content-Length: ${message.length}\r\n\r\n${message}`)
      const idle = await open(server)
      idle.socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await eventually(async () => waiting.length === 1 && idle.text().includes('UP'), 5000, 'accepted')
      const silent = await open(server)
      const halfHead = await open(server)
      halfHead.socket.write('POST /http/slow HTTP/1.1\r\nHost: loc')
      const halfBody = await open(server)
      halfBody.socket.write(`${head}Content-Length: 1000000\r\n\r\n{"order":`)
      const halfToken = await open(server)
      halfToken.socket.write(
        'POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\ngrant_type=',
      )
      const handshake = connectPlain(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {})
      const handshakeClosed = new Promise(resolve => handshake.once('close', resolve))
      handshake.write(Buffer.from([0x16, 0x03, 0x01]))
      await eventually(async () => halfBody.socket.bytesWritten > 0, 1000, 'sent')

      const begun = Date.now()
      server.signal('SIGTERM')
      await Promise.all([
        idle.closed,
        silent.closed,
        halfHead.closed,
        halfBody.closed,
        halfToken.closed,
        handshakeClosed,
      ])
      assert.ok(Date.now() - begun < 3000, 'cut off in time')
      for (const cut of [silent, halfHead, halfBody, halfToken]) assert.equal(cut.text(), '')
      await assert.rejects(open(server), /ECONNREFUSED|ECONNRESET|disconnected/)

      const { response } = waiting.pop()!
      response.end('accepted')
      const at = await accepted.closed
      assert.match(accepted.text(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*accepted/)
      const ended = await server.ended
      assertClean(ended)
      assert.ok(ended.at - at < 2000, 'ends once the last message is finished')
      const logged = server.log().find(line => line.message === 'message' && line.status === 200)
      assert.equal(logged?.flow, 'slow')
    })

    test('a message that does not end is given up, in time', async () => {
      const { server, token } = await start()
      const stuck = await open(server)
      stuck.socket.write(
        `POST /http/slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Length: 2\r\n\r\n{}`,
      )
      await eventually(async () => waiting.length === 1, 5000, 'accepted')
      const begun = Date.now()
      const ended = await server.stop()
      waiting.pop()
      assertClean(ended)
      assert.ok(ended.at - begun < 10_000, `${ended.at - begun} ms`)
      assert.ok(ended.at - begun > 5000, 'it was given its time')
    })

    test('what was answered before is in the message log after the next start', async () => {
      const { server, token } = await start()
      const answering = server.call('/http/slow', {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
        body: '{}',
      })
      await eventually(async () => waiting.length === 1, 5000, 'accepted')
      waiting.pop()!.response.end('done')
      const { headers } = await answering
      assertClean(await server.stop())
      const again = await startServer({ dataDir: server.dataDir })
      const { messages } = await again.admin<{ messages: { correlationId: string }[] }>('GET', '/messages')
      assert.deepEqual(
        messages.map(message => message.correlationId),
        [headers['x-correlation-id']],
      )
      await again.stop()
    })

    test('told twice, and also by SIGINT, it ends once with 0', async () => {
      const server = await startServer({ env: { COUNTERSIGN_WORKERS: workers } })
      server.signal('SIGINT')
      server.signal('SIGTERM')
      assertClean(await server.ended)
    })

    test('Ctrl-C reaches all processes of the group and ends them with 0', async () => {
      const server = await startServer({ env: { COUNTERSIGN_WORKERS: workers } })
      process.kill(-server.pid, 'SIGINT')
      const ended = await server.ended
      assertClean(ended)
      assert.doesNotMatch(ended.stdout, /a worker died/)
    })
  })

for (const workers of ['1', '2'])
  test(`SIGTERM before it is ready ends it with 0, workers: ${workers}`, async () => {
    // The first line that it writes.
    const env = { COUNTERSIGN_WORKERS: workers, COUNTERSIGN_WORKER: 'x' }
    const { child, logged, ended } = launch({ env })
    await logged(line => line.message.startsWith('COUNTERSIGN_WORKER is not a setting'))
    child.kill('SIGTERM')
    assertClean(await ended)
    assert.doesNotMatch((await ended).stdout, /"ready"/)
  })

function assertClean({ status, signal, stderr }: Ended): void {
  assert.deepEqual([status, signal, stderr], [0, null, ''])
}

function open({ url, ca }: ServerProcess): Promise<Wire> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host: 'localhost', port: Number(new URL(url).port), ca }, () => {
      socket.off('error', reject).on('error', () => {})
      resolve({ socket, closed, text: () => text })
    })
    socket.once('error', reject)
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    const closed = new Promise<number>(ended => socket.once('close', () => ended(Date.now())))
  })
}
