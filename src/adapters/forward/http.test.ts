import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { after, beforeEach, test } from 'node:test'
import { startReceiver } from '../../../test/support/receiver.ts'
import type { Outgoing } from '../../core/flows/index.ts'
import type { Problem } from '../../core/problem.ts'
import { issueServerCertificate, makeRoot } from '../../crypto/server-certificate.ts'
import { createForwarder } from './http.ts'
import { lookupWithoutLinkLocal } from './link-local.ts'

const receiver = await startReceiver()
const forwarder = createForwarder({ connectionsPerReceiver: 2 })
after(async () => {
  await receiver.close()
  await forwarder.close()
})
beforeEach(() => receiver.answer(undefined))

type Outcome = { status: number; headers: readonly string[]; body: string } | Problem

/** One exchange, whole. */
function exchange(message: Partial<Outgoing> = {}): Promise<Outcome> {
  return new Promise(resolve => {
    let head: { status: number; headers: readonly string[] } | undefined
    const chunks: Buffer[] = []
    forwarder.forward(
      {
        origin: receiver.origin,
        method: 'GET',
        path: '/x?y=1',
        headers: [],
        body: undefined,
        timeoutMs: 5000,
        ...message,
      },
      {
        head(status, headers) {
          head = { status, headers }
        },
        data: chunk => chunks.push(chunk) > 0,
        end: () => resolve({ ...head!, body: Buffer.concat(chunks).toString() }),
        failed: resolve,
      },
    )
  })
}

test('a message goes out as it is given, and the answer comes back as it was sent', async () => {
  receiver.answer(undefined)
  const outcome = await exchange({
    method: 'POST',
    headers: ['X-A', '1', 'X-A', '2', 'content-length', '4'],
    body: Readable.from([Buffer.from('bo'), Buffer.from('dy')]),
  })
  assert.ok('status' in outcome)
  assert.equal(outcome.status, 200)
  assert.equal(outcome.body, 'taken')
  assert.ok(outcome.headers.includes('text/plain'))
  const message = receiver.last()
  assert.equal(`${message.method} ${message.path} ${message.body}`, 'POST /x?y=1 body')
  assert.equal(message.headers['x-a'], '1, 2')
})

test('answer headers keep their spelling, their order and their repetitions', async () => {
  receiver.answer((_request, response) => {
    response.writeHead(200, ['X-First', 'a', 'x-second', 'b', 'X-First', 'c']).end()
  })
  const outcome = await exchange()
  assert.ok('status' in outcome)
  const own = outcome.headers.flatMap((name, at) =>
    at % 2 === 0 && /^x-/i.test(name) ? [`${name}: ${outcome.headers[at + 1]}`] : [],
  )
  assert.deepEqual(own, ['X-First: a', 'x-second: b', 'X-First: c'])
})

test('no more connections are opened to a receiver than allowed; more messages wait for their turn', async () => {
  const before = receiver.sockets.length
  receiver.answer((request, response) => {
    request.resume().on('end', () => setImmediate(() => response.end()))
  })
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => exchange()))
  assert.ok(outcomes.every(outcome => 'status' in outcome && outcome.status === 200))
  assert.ok(receiver.sockets.length - before <= 2)
})

test('an exchange that was given up tells nothing any more and frees its connection', async () => {
  const arrived = new Promise<void>(resolve => receiver.answer(() => resolve()))
  let told = 0
  const count = () => {
    told++
    return true
  }
  const started = forwarder.forward(
    { origin: receiver.origin, method: 'GET', path: '/', headers: [], body: undefined, timeoutMs: 5000 },
    { head: count, data: count, end: count, failed: count },
  )
  await arrived
  const cut = new Promise(resolve =>
    receiver.sockets.findLast(socket => !socket.destroyed)?.once('close', resolve),
  )
  started.abort()
  started.abort()
  started.resume()
  await cut
  receiver.answer(undefined)
  assert.ok('status' in (await exchange()))
  assert.equal(told, 0)
})

test('an exchange given up before it began sends nothing', async () => {
  const seen = receiver.received.length
  const started = forwarder.forward(
    {
      origin: receiver.origin,
      method: 'POST',
      path: '/',
      headers: [],
      body: Readable.from(['x']),
      timeoutMs: 5000,
    },
    {
      head: () => assert.fail(),
      data: () => assert.fail(),
      end: () => assert.fail(),
      failed: () => assert.fail(),
    },
  )
  started.abort()
  await exchange()
  assert.deepEqual(
    receiver.received.slice(seen).map(message => message.method),
    ['GET'],
  )
})

test('a link-local literal is refused without a connection, however it is written', async () => {
  for (const origin of [
    'http://169.254.169.254',
    'http://169.254.0.1:8080',
    'https://[fe80::1]',
    'http://[febf:ffff::1]:80',
    'http://[::ffff:169.254.169.254]',
    new URL('http://2852039166').origin,
    new URL('http://0xa9.0xfe.0xa9.0xfe').origin,
    new URL('http://169.254.43518').origin,
  ]) {
    const outcome = await exchange({ origin })
    assert.ok('code' in outcome, origin)
    assert.equal(outcome.code, 'receiver_unreachable')
    assert.match(outcome.reason, /link-local/)
  }
})

const look = (found: LookupAddress[], all: boolean, error: Error | null = null) =>
  new Promise<unknown>((resolve, reject) =>
    lookupWithoutLinkLocal((_name, options, callback) => {
      assert.equal(options.all, true)
      callback(error, found)
    })('receiver.example', { all } as never, (failed, address, family) =>
      failed ? reject(failed) : resolve(all ? address : { address, family }),
    ),
  )
const v4 = (address: string) => ({ address, family: 4 })
const v6 = (address: string) => ({ address, family: 6 })

test('a name that resolves to link-local addresses only is refused', async () => {
  for (const found of [
    [v4('169.254.169.254')],
    [v6('fe80::1')],
    [v6('fe80::1%eth0')],
    [v6('::ffff:169.254.169.254')],
    [v6('::ffff:a9fe:a9fe')],
    [v4('169.254.169.254'), v6('FEBF::1')],
    [],
  ])
    for (const all of [true, false])
      await assert.rejects(look(found, all), { code: 'ELINKLOCAL' }, JSON.stringify(found))
})

test('of a mixed answer of the name server only the other addresses are used, in their order', async () => {
  const found = [v4('169.254.169.254'), v4('10.0.0.1'), v6('fe80::1'), v6('fd00::1'), v4('203.0.113.9')]
  assert.deepEqual(await look(found, true), [v4('10.0.0.1'), v6('fd00::1'), v4('203.0.113.9')])
  assert.deepEqual(await look(found, false), v4('10.0.0.1'))
  for (const near of ['169.253.255.255', '169.255.0.1', '16.92.54.1'])
    assert.deepEqual(await look([v4(near)], false), v4(near))
  for (const near of ['fec0::1', 'fe7f::1', '::ffff:10.0.0.1', '2001:db8:fe80::1'])
    assert.deepEqual(await look([v6(near)], false), v6(near))
})

test('an error of the name server is passed on', async () => {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
  await assert.rejects(look([], true, error), error)
})

test('the request names nothing that undici or the receiver could take for a second request', async () => {
  for (const message of [
    { path: '/a b' },
    { path: '/a\r\nX: 1' },
    { headers: ['X-A', 'b\r\nX-Evil: 1'] },
    { headers: ['X A', 'b'] },
  ]) {
    const seen = receiver.received.length
    const outcome = await Promise.resolve()
      .then(() => exchange(message))
      .catch((error: Error) => error)
    assert.ok(!('status' in outcome), JSON.stringify(message))
    assert.equal(receiver.received.length, seen)
  }
})

test('a receiver whose certificate nobody vouches for is not sent the message', async t => {
  const root = makeRoot({ commonName: 'Nobody knows', now: Date.now(), random: randomBytes })
  const hosts = ['localhost']
  const identity = issueServerCertificate({ root, hosts, now: Date.now(), days: 2, random: randomBytes })
  const key = identity.privateKey.export({ format: 'pem', type: 'pkcs8' })
  let requests = 0
  const server = createServer({ cert: identity.pem, key }, (_request, response) => {
    requests++
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const outcome = await exchange({ origin: `https://localhost:${port}` })
  assert.ok('code' in outcome)
  assert.equal(outcome.code, 'receiver_unreachable')
  assert.match(outcome.reason, /TLS failed/)
  assert.equal(requests, 0)
})
