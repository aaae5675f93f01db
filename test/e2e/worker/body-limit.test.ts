import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decisionOf, flowFile, openConnection, openRequest, startWorld, textOf } from './world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, authorization } = world
const megabyte = 1024 * 1024

before(async () => {
  await server.deploy(flowFile('small', receiver.origin, { sender: { maxBodyMB: 1 } }))
})

const headers = { Authorization: authorization }
const post = (body: Buffer) => server.call('/http/small', { method: 'POST', headers, body })

/** Sends a body in chunks, without a Content-Length. */
async function postChunked(size: number) {
  const { sent, answered } = openRequest(world, '/http/small', { headers })
  const piece = Buffer.alloc(64 * 1024, 'x')
  for (let left = size; left > 0; left -= piece.length)
    sent.write(piece.subarray(0, Math.min(left, piece.length)))
  sent.end()
  return answered
}

test('a message of exactly the limit passes, with and without Content-Length', async () => {
  assert.equal((await post(Buffer.alloc(megabyte))).status, 200)
  assert.equal(receiver.last().body.length, megabyte)
  assert.equal(receiver.last().headers['content-length'], String(megabyte))
  assert.equal((await postChunked(megabyte)).statusCode, 200)
  assert.equal(receiver.last().body.length, megabyte)
  assert.equal(receiver.last().headers['transfer-encoding'], 'chunked')
})

test('a Content-Length over the limit is refused with 413 before anything reaches the receiver', async () => {
  const seen = receiver.received.length
  const connections = receiver.sockets.length
  const answer = await post(Buffer.alloc(megabyte + 1))
  assert.equal(answer.status, 413)
  assert.equal(answer.json().error, 'payload_too_large')
  assert.equal(answer.headers.connection, 'close')
  const record = await decisionOf(world, answer)
  assert.equal(record.checks.find(check => check.outcome === 'failed')?.name, 'body size')
  assert.match(record.reason, /larger than 1 MB/)
  assert.match(record.hint!, /maxBodyMB/)
  assert.equal(receiver.received.length, seen)
  assert.equal(receiver.sockets.length, connections)
})

test('a chunked body is counted on its way and refused with 413; the receiver gets no whole message', async () => {
  const seen = receiver.received.length
  for (const size of [megabyte + 1, 5 * megabyte]) {
    const answer = await postChunked(size)
    assert.equal(answer.statusCode, 413, String(size))
    assert.equal(JSON.parse(await textOf(answer)).error, 'payload_too_large')
  }
  assert.equal(receiver.received.length, seen)
  assert.equal((await post(Buffer.from('next'))).status, 200)
  assert.equal(receiver.last().body.toString(), 'next')
})

test('what is left of a refused body is never taken for the next request', async () => {
  const smuggled = `POST /http/small HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 8\r\n\r\nsmuggled`
  const filling = smuggled.repeat(Math.ceil((megabyte + 1) / smuggled.length))
  const seen = receiver.received.length
  for (const framing of [
    `Content-Length: ${filling.length}\r\n\r\n${filling}`,
    `Transfer-Encoding: chunked\r\n\r\n${filling.length.toString(16)}\r\n${filling}\r\n0\r\n\r\n`,
  ]) {
    const connection = await openConnection(world)
    connection.socket.write(
      `POST /http/small HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${framing}`,
    )
    connection.socket.write(smuggled)
    await connection.closed()
    assert.deepEqual(await connection.statuses(1), [413])
  }
  assert.equal(receiver.received.length, seen)
})

test('a small refused body is read, and the connection goes on with the request after it', async () => {
  const connection = await openConnection(world)
  const body = 'x'.repeat(10_000)
  const request = (credentials: string, text: string) =>
    `POST /http/small HTTP/1.1\r\nHost: x\r\n${credentials}Content-Length: ${text.length}\r\n\r\n${text}`
  const admitted = `Authorization: ${authorization}\r\n`
  connection.socket.write(request('', body) + request(admitted, 'second') + request(admitted, 'third'))
  assert.deepEqual(await connection.statuses(3), [401, 200, 200])
  const bodies = receiver.received.slice(-2).map(message => message.body.toString())
  assert.deepEqual(bodies.sort(), ['second', 'third'])
  connection.socket.destroy()
})

test('a body that two programs could measure differently is refused', async () => {
  const seen = receiver.received.length
  for (const framing of [
    'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
    'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'Content-Length: -1\r\n\r\n',
    'Content-Length: 0x3\r\n\r\nabc',
    'Transfer-Encoding: xchunked\r\n\r\nabc',
    'Transfer-Encoding: chunked, identity\r\n\r\nabc',
    'Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n',
    'Content-Length : 3\r\n\r\nabc',
  ]) {
    const connection = await openConnection(world)
    connection.socket.write(
      `POST /http/small HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${framing}`,
    )
    await connection.closed()
    const [status = 400] = await connection.statuses(1)
    assert.ok(status >= 400, `${framing}: ${status}`)
  }
  assert.equal(receiver.received.length, seen)
  assert.equal((await post(Buffer.from('still here'))).status, 200)
})

test('an empty body stays empty', async () => {
  for (const method of ['POST', 'DELETE', 'GET']) {
    const answer = await server.call('/http/small', {
      method,
      headers,
      ...(method === 'POST' && { body: '' }),
    })
    assert.equal(answer.status, 200)
    assert.equal(receiver.last().body.length, 0)
    assert.equal(receiver.last().headers['transfer-encoding'], undefined)
  }
})
