import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { type Ended, eventually, launch, type ServerProcess, startServer } from './support.ts'

/** A connection and what came back on it. */
interface Wire {
  readonly socket: TLSSocket
  readonly closed: Promise<number>
  text(): string
}

/** A receiver of one test that answers nothing by itself. */
interface SlowReceiver {
  readonly url: string
  /** The messages that wait for their answer. */
  readonly waiting: ServerResponse[]
}

function startReceiver(t: TestContext): Promise<SlowReceiver> {
  const waiting: ServerResponse[] = []
  const receiver = createServer((request, response) => {
    request.resume()
    request.once('end', () => waiting.push(response))
  })
  t.after(() => {
    receiver.close()
    receiver.closeAllConnections()
  })
  return new Promise(resolve =>
    receiver.listen(0, '127.0.0.1', () =>
      resolve({ url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, waiting }),
    ),
  )
}

/** A server with a flow at /http/slow, and a token for it. */
async function start(t: TestContext, workers: string) {
  const { url, waiting } = await startReceiver(t)
  const server = await startServer({
    env: { COUNTERSIGN_WORKERS: workers, COUNTERSIGN_LOG_LEVEL: 'debug' },
  })
  await server.admin('POST', '/flows', {
    id: 'slow',
    name: 'Slow',
    sender: { adapter: 'HTTPS', address: '/slow' },
    receiver: { adapter: 'HTTP', url },
  })
  return { server, token: await server.token(await server.key('sender', 'key')), waiting }
}

function quickTests(workers: string): void {
  describe(`workers: ${workers}`, () => {
    test('an idle server ends with 0 at once, and says so', async () => {
      const server = await startServer({ env: { COUNTERSIGN_WORKERS: workers } })
      const begun = Date.now()
      const ended = await server.stop()
      assertClean(ended)
      assert.ok(ended.at - begun < 2000, `${ended.at - begun} ms`)
      assert.match(ended.stdout, /"signal":"SIGTERM","message":"stopping"/)
    })

    test('a message under way is finished; everything else ends before it', async t => {
      const { server, token, waiting } = await start(t, workers)
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
      await eventually(async () => halfBody.socket.bytesWritten > 0, 1000, 'sent')
      // No process of the server has seen all of them yet when it is told to stop.
      const connecting = Array.from({ length: 50 }, () => knock(server))

      const begun = Date.now()
      server.signal('SIGTERM')
      await Promise.all([
        idle.closed,
        silent.closed,
        halfHead.closed,
        halfBody.closed,
        halfToken.closed,
        ...connecting,
      ])
      assert.ok(Date.now() - begun < 3000, 'cut off in time')
      for (const cut of [silent, halfHead, halfBody, halfToken]) assert.equal(cut.text(), '')
      for (let late = 0; late < 20; late++) {
        await assert.rejects(open(server), /ECONNREFUSED|ECONNRESET|disconnected/)
        await knock(server)
      }
      assert.ok(Date.now() - begun < 4000, 'turned away in time')

      waiting[0]!.end('accepted')
      const at = await accepted.closed
      assert.match(accepted.text(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*accepted/)
      const ended = await server.ended
      assertClean(ended)
      assert.ok(ended.at - at < 2000, 'ends once the last message is finished')
      const logged = server.log().find(line => line.message === 'message' && line.status === 200)
      assert.equal(logged?.flow, 'slow')
    })

    test('what was answered before is in the message log after the next start', async t => {
      const { server, token, waiting } = await start(t, workers)
      const answering = server.call('/http/slow', {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
        body: '{}',
      })
      await eventually(async () => waiting.length === 1, 5000, 'accepted')
      waiting[0]!.end('done')
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

    test('Ctrl-C reaches all processes of the group: a message under way is finished, they end with 0', async t => {
      const { server, token, waiting } = await start(t, workers)
      const answering = server.call('/http/slow', {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
        body: '{}',
      })
      await eventually(async () => waiting.length === 1, 5000, 'accepted')
      process.kill(-server.pid, 'SIGINT')
      await server.logged(line => line.message === 'stopping')
      waiting[0]!.end('done')
      assert.equal((await answering).text, 'done')
      const ended = await server.ended
      assertClean(ended)
      assert.doesNotMatch(ended.stdout, /a worker died/)
    })

    test('SIGTERM before it is ready ends it with 0', async () => {
      // The first line that it writes.
      const env = { COUNTERSIGN_WORKERS: workers, COUNTERSIGN_WORKER: 'x' }
      const { child, logged, ended } = launch({ env })
      await logged(line => line.message.startsWith('COUNTERSIGN_WORKER is not a setting'))
      child.kill('SIGTERM')
      assertClean(await ended)
      assert.doesNotMatch((await ended).stdout, /"ready"/)
    })
  })
}

function slowTest(workers: string): void {
  test(`a message that does not end is given up, in time; workers: ${workers}`, async t => {
    const { server, token, waiting } = await start(t, workers)
    const stuck = await open(server)
    stuck.socket.write(
      `POST /http/slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Length: 2\r\n\r\n{}`,
    )
    await eventually(async () => waiting.length === 1, 5000, 'accepted')
    const begun = Date.now()
    const ended = await server.stop()
    assertClean(ended)
    assert.ok(ended.at - begun < 10_000, `${ended.at - begun} ms`)
    assert.ok(ended.at - begun > 5000, 'it was given its time')
  })
}

describe('stopping', { concurrency: true }, () => {
  const each = ['1', '2']
  // They do nothing but wait: the others run meanwhile, one after the other.
  each.forEach(slowTest)
  describe('by a signal', { concurrency: false }, () => each.forEach(quickTests))
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

/** A connection that begins a TLS handshake and leaves it at that. Resolves when it has ended. */
function knock({ url }: ServerProcess): Promise<void> {
  return new Promise(resolve => {
    const socket = connectPlain(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {}).once('close', () => resolve())
    socket.write(Buffer.from([0x16, 0x03, 0x01]))
  })
}
