import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Problem } from '../../core/problem.ts'
import { readBody } from './body.ts'

const most = 10

/** Sends the head of a request and what follows of it; resolves once the server has the head. */
async function begin(head: string, start: string | Buffer) {
  const server = createServer()
  const arrived = new Promise<IncomingMessage>(resolve => server.once('request', resolve))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST / HTTP/1.1\r\nHost: here\r\n${head}\r\n`)
  socket.write(start)
  const request = await arrived
  const close = () => {
    socket.destroy()
    server.close()
  }
  return { request, socket, body: readBody(request, most), close }
}

async function read(head: string, content: string | Buffer): Promise<string> {
  const { body, close } = await begin(head, content)
  const result = await body
  close()
  return result instanceof Problem ? result.code : result
}

const chunked = 'Transfer-Encoding: chunked\r\n'

test('a body is read as UTF-8 up to its limit, however it is cut', async () => {
  assert.equal(await read('', ''), '')
  assert.equal(await read('Content-Length: 0\r\n', ''), '')
  assert.equal(await read('Content-Length: 10\r\n', '0123456789'), '0123456789')
  assert.equal(await read(chunked, 'a\r\n0123456789\r\n0\r\n\r\n'), '0123456789')
  const [first, second] = Buffer.from('é')
  const cut = Buffer.concat([
    Buffer.from('1\r\n'),
    Buffer.from([first!]),
    Buffer.from('\r\n1\r\n'),
    Buffer.from([second!]),
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  assert.equal(await read(chunked, cut), 'é')
})

test('a body that is announced or turns out to be larger is refused before its end', async () => {
  assert.equal(await read('Content-Length: 11\r\n', ''), 'payload_too_large')
  assert.equal(await read(chunked, 'b\r\n0123456789A\r\n'), 'payload_too_large')
})

test('a body that breaks off is refused', async () => {
  const { request, socket, body, close } = await begin('Content-Length: 5\r\n', 'abc')
  await new Promise(resolve => request.once('data', resolve))
  socket.destroy()
  const result = await body
  close()
  assert.ok(result instanceof Problem)
  assert.equal(result.description, 'the body broke off')
})

describe('a body that does not go on', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }))
  afterEach(() => mock.timers.reset())

  const settled = async (body: Promise<unknown>) => {
    await turn()
    return Promise.race([body.then(() => true), turn(false)])
  }

  test('is given up after 10 s', async () => {
    const { request, body, close } = await begin('Content-Length: 5\r\n', 'abc')
    await new Promise(resolve => request.once('data', resolve))
    mock.timers.tick(8_000)
    assert.equal(await settled(body), false)
    mock.timers.tick(3_000)
    const result = await body
    close()
    assert.ok(result instanceof Problem)
    assert.deepEqual([result.code, result.check], ['request_timeout', 'request form'])
  })

  test('is given up as well when it never began, or comes byte by byte', async () => {
    const silent = await begin('Content-Length: 5\r\n', '')
    const slow = await begin(chunked, '1\r\na\r\n')
    for (let i = 0; i < 3; i++) {
      mock.timers.tick(2_700)
      const arrives = new Promise(resolve => slow.request.once('data', resolve))
      slow.socket.write('1\r\na\r\n')
      await arrives
      for (const { body } of [silent, slow]) assert.equal(await settled(body), false)
    }
    mock.timers.tick(2_700)
    for (const { body, close } of [silent, slow]) {
      const result = await body
      close()
      assert.ok(result instanceof Problem)
      assert.equal(result.code, 'request_timeout')
    }
  })

  test('but in time after all, is read', async () => {
    const { request, socket, body, close } = await begin('Content-Length: 5\r\n', 'abc')
    await new Promise(resolve => request.once('data', resolve))
    mock.timers.tick(8_000)
    socket.write('de')
    assert.equal(await body, 'abcde')
    mock.timers.tick(20_000)
    close()
  })
})
