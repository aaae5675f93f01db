import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { after, before, beforeEach, test } from 'node:test'
import { flowFile, newestMessage, openRequest, startWorld, textOf, until } from './world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, authorization } = world
const headers = { Authorization: authorization }
const piece = randomBytes(64 * 1024)
const pieces = 512 // 32 MB

before(async () => {
  await server.deploy(flowFile('stream', receiver.origin, { sender: { maxBodyMB: 1024 } }))
})
beforeEach(() => receiver.answer(undefined))

/** The next request at the receiver, for the test to handle. */
function nextAtReceiver(): Promise<{ request: IncomingMessage; response: ServerResponse }> {
  return new Promise(resolve => receiver.answer((request, response) => resolve({ request, response })))
}
const wholeHash = () => {
  const hash = createHash('sha256')
  for (let i = 0; i < pieces; i++) hash.update(piece)
  return hash.digest('hex')
}
async function hashOf(stream: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}
/** Writes the whole body, waiting whenever the other side is slow. Stops quietly when it went away. */
async function writeAll(stream: Writable) {
  const closed = event(stream, 'close')
  for (let i = 0; i < pieces && !stream.destroyed; i++)
    if (!stream.write(piece)) await Promise.race([event(stream, 'drain'), closed])
  stream.end()
}
const event = (emitter: { once(name: string, listener: () => void): unknown }, name: string) =>
  new Promise<void>(resolve => emitter.once(name, () => resolve()))

test('a large message and its large answer pass whole', async () => {
  receiver.answer(async (request, response) => {
    response.setHeader('X-Hash', await hashOf(request))
    writeAll(response)
  })
  for (const framing of [{}, { 'Content-Length': String(pieces * piece.length) }] as const) {
    const { sent, answered } = openRequest(world, '/http/stream', { headers: { ...headers, ...framing } })
    await writeAll(sent)
    const answer = await answered
    assert.equal(answer.headers['x-hash'], wholeHash())
    assert.equal(await hashOf(answer), wholeHash())
  }
})

test('the first byte goes on before the last has come, in both directions', async () => {
  const arrived = nextAtReceiver()
  const { sent, answered } = openRequest(world, '/http/stream', { headers })
  sent.write('first half, ')
  const { request, response } = await arrived
  const bytes = request[Symbol.asyncIterator]()
  assert.equal((await bytes.next()).value.toString(), 'first half, ')
  sent.end('second half')
  assert.equal((await bytes.next()).value.toString(), 'second half')
  assert.equal((await bytes.next()).done, true)

  response.write('answer begins, ')
  const answer = await answered
  const read = answer[Symbol.asyncIterator]()
  assert.equal((await read.next()).value.toString(), 'answer begins, ')
  response.end('answer ends')
  assert.equal((await read.next()).value.toString(), 'answer ends')
  assert.equal((await read.next()).done, true)
})

test('a sender is held back while the receiver does not read', async () => {
  const arrived = nextAtReceiver()
  const { sent, answered } = openRequest(world, '/http/stream', { headers })
  let written = 0
  let held = false
  const push = () => {
    while (written < pieces) {
      written++
      if (!sent.write(piece)) {
        sent.once('drain', push)
        return
      }
    }
    sent.end()
  }
  push()
  const { request, response } = await arrived
  // All buffers on the way are full once nothing has moved for a while.
  let before = -1
  await until(async () => {
    held = written === before
    before = written
    await new Promise(resolve => setTimeout(resolve, 200))
    return held || undefined
  })
  assert.ok(written < pieces / 2, `${written} of ${pieces} pieces were taken on`)
  response.end(await hashOf(request))
  assert.equal(await textOf(await answered), wholeHash())
})

test('a receiver is held back while the sender does not read', async () => {
  let written = 0
  let finished = false
  receiver.answer((request, response) => {
    request.resume()
    const push = () => {
      while (written < pieces) {
        written++
        if (!response.write(piece)) {
          response.once('drain', push)
          return
        }
      }
      response.end()
      finished = true
    }
    push()
  })
  const { sent, answered } = openRequest(world, '/http/stream', { headers })
  sent.end()
  const answer = await answered
  let before = -1
  await until(async () => {
    const held = written === before
    before = written
    await new Promise(resolve => setTimeout(resolve, 200))
    return held || undefined
  })
  assert.equal(finished, false)
  assert.ok(written < pieces / 2, `${written} of ${pieces} pieces were taken on`)
  assert.equal(await hashOf(answer), wholeHash())
})

test('many large messages at once take no memory to speak of', async () => {
  receiver.answer((request, response) => {
    request.resume().on('end', () => response.end())
  })
  const resting = process.memoryUsage().rss
  let highest = 0
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss)
  }, 20)
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      const { sent, answered } = openRequest(world, '/http/stream', { headers })
      await writeAll(sent)
      assert.equal((await answered).statusCode, 200)
    }),
  )
  clearInterval(watch)
  // 192 MB went through; sender and receiver live in this process too.
  assert.ok(highest - resting < 120 * 1024 * 1024, `${Math.round((highest - resting) / 1024 / 1024)} MB more`)
})

for (const framing of [{}, { 'Content-Length': '1000000' }])
  test(`a sender that goes away in the middle of its message (${JSON.stringify(framing)}) is logged, and the receiver hears of it`, async () => {
    const arrived = nextAtReceiver()
    const { sent } = openRequest(world, '/http/stream', { headers: { ...headers, ...framing } })
    const count = (await messages()) + 1
    sent.write('the beginning')
    const { request } = await arrived
    const cut = new Promise(resolve => request.once('error', resolve))
    request.resume()
    sent.destroy()
    await cut
    assert.equal(request.complete, false, 'the receiver can tell that the message is not whole')
    const message = await newestMessage(world, 'stream', count)
    assert.equal(message.status, 'FAILED')
    assert.match(message.error!, /sender went away/)
    assert.equal(message.receiverStatus, undefined)
  })

test('a sender that goes away in the middle of the answer is logged, and the receiver is not read any more', async () => {
  const count = (await messages()) + 1
  const arrived = nextAtReceiver()
  const { sent, answered } = openRequest(world, '/http/stream', { headers })
  sent.end()
  const { response } = await arrived
  const closed = event(response, 'close')
  response.write(piece)
  const answer = await answered
  answer.once('error', () => {})
  await event(answer, 'readable')
  sent.destroy()
  void writeAll(response)
  await closed
  assert.equal(response.writableFinished, false)
  const message = await newestMessage(world, 'stream', count)
  assert.equal(message.status, 'FAILED')
  assert.match(message.error!, /sender went away/)
  assert.equal(message.receiverStatus, 200)
})

test('senders that go away leave no open connection to the receiver behind', async () => {
  receiver.answer(() => {})
  const count = await messages()
  const open = () => receiver.sockets.filter(socket => !socket.destroyed).length
  const requests = Array.from({ length: 20 }, () => openRequest(world, '/http/stream', { headers }))
  for (const { sent } of requests) sent.write('x')
  await until(() => open() >= 20 || undefined)
  for (const { sent } of requests) sent.destroy()
  await until(() => open() === 0 || undefined)
  const newest = await newestMessage(world, 'stream', count + 20)
  assert.equal(newest.status, 'FAILED')
  receiver.answer(undefined)
  assert.equal((await server.call('/http/stream', { headers })).status, 200)
})

const messages = async () => {
  const { journal } = server.server.services
  await journal.flush()
  return (await journal.messages(server.tenant.id, { flowId: 'stream', limit: 1000 })).length
}
