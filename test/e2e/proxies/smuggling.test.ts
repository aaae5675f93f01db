import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import type { LoadBalancer } from '../../support/proxies.ts'
import { holds, newRoot, type Sender, trust } from '../../support/senders.ts'
import { forms } from './forgeries.ts'
import { inFrontOf, type ProxiedServer, setUps, startDocumented, startProxied } from './world.ts'

const hidden = 'smuggled'

/** Requests that two programs in a row might cut in different places; `inside` is what an attacker hides in them. */
const requests: Record<string, (inside: string) => string> = {
  'Content-Length and Transfer-Encoding': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inside.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inside}`,
  'a chunk that Content-Length cuts': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n`,
  'a space before the colon': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inside.length + 5}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inside}`,
  'an unknown transfer coding': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inside.length + 5}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inside}`,
  'a transfer coding behind another': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inside.length + 5}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inside}`,
  'a transfer coding on a folded line': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inside.length + 5}\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${inside}`,
  'two lengths': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: ${inside.length}\r\n\r\n${inside}`,
  'a length with a sign': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n${inside}`,
  'a length with an underscore beside it': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nContent_Length: 0\r\nContent-Length: ${inside.length}\r\n\r\n${inside}`,
  'a GET with a body': inside =>
    `GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inside.length}\r\n\r\n${inside}`,
  'an upgrade to HTTP/2': inside =>
    `GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n${inside}`,
  'an upgrade to WebSocket': inside =>
    `GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1\r\nContent-Length: ${inside.length}\r\n\r\n${inside}`,
  'an expectation': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ${inside.length}\r\n\r\n${inside}`,
  'a chunk extension with a bare line feed': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\nb\r\nx\r\n0\r\n\r\n${inside}`,
  'a bare line feed in a header': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nX: a\nContent-Length: ${inside.length}\r\n\r\n${inside}`,
  'a bare carriage return in a header': inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nX: a\r${inside.replaceAll('\r\n', '\r')}\r\n\r\n`,
  'a line break in the path': inside =>
    `GET /livez%0d%0a%0d%0a${encodeURIComponent(inside)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  trailers: inside =>
    `POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n${inside.split('\r\n').slice(1, -2).join('\r\n')}\r\n\r\n`,
  'a request behind the last one': inside =>
    `GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n${inside}`,
}

/** Sends what it is given and waits until the peer hangs up, or half a second of silence. */
function sendRaw(port: number, ca: string, text: string): Promise<string> {
  return new Promise(resolve => {
    let answer = ''
    const socket = connect({ host: 'localhost', port, ca }, () => socket.write(text))
    socket.setTimeout(500, () => socket.destroy())
    socket.setEncoding('latin1').on('data', part => {
      answer += part
    })
    socket.on('error', () => {}).once('close', () => resolve(answer))
  })
}

for (const setUp of setUps.filter(({ over }) => over === 'socket'))
  describe(`smuggling past ${setUp.heading}`, () => {
    let world: ProxiedServer
    let balancer: LoadBalancer
    let victim: Sender

    before(async () => {
      world = await startProxied(setUp.over, setUp.header)
      balancer = await startDocumented(setUp, world)
      const root = newRoot('Victims Root')
      victim = root.issue({ cn: 'victim' })
      await trust(world.server, root)
      await holds(world.server, victim)
    })
    after(async () => {
      await balancer?.stop()
      await world?.close()
    })

    /** A request that Countersign would answer, did it come from the load balancer. */
    const inside = () =>
      `POST /http/orders HTTP/1.1\r\nHost: localhost\r\n${setUp.header}: ${forms(victim)['RFC 9440']}\r\nContent-Type: text/plain\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`

    const arrived = () => world.receiver.received.filter(({ body }) => body.includes(hidden)).length

    test('the hidden request is one that works from the load balancer', async () => {
      await world.asProxy(inside().replace('\r\n', '\r\nConnection: close\r\n'))
      assert.equal(arrived(), 1)
    })

    describe('nothing gets through in', { concurrency: true }, () => {
      for (const [name, request] of Object.entries(requests))
        test(name, async () => {
          await sendRaw(balancer.port, world.server.ca, request(inside()))
          const front = inFrontOf(balancer, world)
          // On the connections that the load balancer keeps open to Countersign.
          for (const answer of await Promise.all([1, 2, 3].map(() => front.call('/livez'))))
            assert.deepEqual([answer.status, answer.text], [200, '{"status":"UP"}'])
          // The one of the test before.
          assert.equal(arrived(), 1)
        })
    })
  })
