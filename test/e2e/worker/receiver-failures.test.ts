import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startReceiver } from '../../support/receiver.ts'
import type { Answer, CallOptions } from '../../support/server.ts'
import { decisionOf, flowFile, newestMessage, openRequest, startWorld, textOf } from './world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, authorization } = world
const headers = { Authorization: authorization }
const big = Buffer.alloc(20 * 1024 * 1024)

before(async () => {
  await server.deploy(flowFile('plain', receiver.origin, { receiver: { timeoutSeconds: 10 } }))
  await server.deploy(flowFile('impatient', receiver.origin, { receiver: { timeoutSeconds: 1 } }))
})
beforeEach(() => receiver.answer(undefined))

const call = (flow: string, more: CallOptions = {}) =>
  server.call(`/http/${flow}`, { method: 'POST', body: 'x', headers, ...more })

/** The sender gets a clear error and an id, the operator the reason, in the record and in the message log. */
async function failed(
  answer: Answer,
  flow: string,
  expected: { status: number; error: string; reason: RegExp; hint: RegExp },
) {
  assert.equal(answer.status, expected.status)
  const body = answer.json()
  assert.deepEqual(Object.keys(body).sort(), ['correlation_id', 'error', 'error_description'])
  assert.equal(body.error, expected.error)
  const record = await decisionOf(world, answer)
  assert.match(record.reason, expected.reason)
  assert.match(record.hint!, expected.hint)
  assert.equal(record.checks.at(-1)?.name, 'receiver')
  assert.ok(record.checks.slice(0, -1).every(check => check.outcome === 'passed'))
  assert.equal(record.clientId, world.sender.clientid)
  const message = await newestMessage(world, flow)
  assert.equal(message.correlationId, body.correlation_id)
  assert.equal(message.status, 'FAILED')
  assert.equal(message.httpStatus, expected.status)
  assert.match(message.error!, expected.reason)
  assert.equal(answer.headers.sap_messageprocessinglogid, message.id)
  return message
}

test('a receiver that is down gives 502 receiver_unreachable, small or large message', async () => {
  const gone = await startReceiver()
  await gone.close()
  await server.deploy(flowFile('down', gone.origin))
  for (const body of [Buffer.from('x'), big]) {
    const answer = await call('down', { body })
    const expected = { status: 502, error: 'receiver_unreachable', reason: /ECONNREFUSED/, hint: /running/ }
    const message = await failed(answer, 'down', expected)
    assert.equal(message.receiverStatus, undefined)
  }
})

test('a receiver whose name does not resolve gives 502 receiver_unreachable', async () => {
  await server.deploy(flowFile('nowhere', 'http://receiver.invalid:9000/'))
  await failed(await call('nowhere'), 'nowhere', {
    status: 502,
    error: 'receiver_unreachable',
    reason: /receiver\.invalid/,
    hint: /receiver\.url/,
  })
})

test('a link-local receiver is never called', async () => {
  for (const host of [
    '169.254.169.254',
    '[fe80::1]',
    '[::ffff:169.254.169.254]',
    '2852039166',
    '0xa9fea9fe',
  ]) {
    await server.deploy(flowFile('metadata', `http://${host}/latest/meta-data`))
    await failed(await call('metadata'), 'metadata', {
      status: 502,
      error: 'receiver_unreachable',
      reason: /link-local/,
      hint: /receiver\.url/,
    })
  }
})

test('a receiver that is silent gives 504 after timeoutSeconds', async () => {
  receiver.answer(request => {
    request.resume()
  })
  await failed(await call('impatient'), 'impatient', {
    status: 504,
    error: 'receiver_timeout',
    reason: /silent for 1 s/,
    hint: /timeoutSeconds/,
  })
})

test('a receiver that does not even read gives 504 too', async () => {
  receiver.answer(() => {})
  const answer = await call('impatient', { body: big })
  assert.equal(answer.status, 504)
})

test('a receiver that answers 5xx gives 502, and its own words stay with the operator', async () => {
  for (const status of [500, 501, 502, 503, 504, 599]) {
    receiver.answer((request, response) => {
      request.resume()
      response.writeHead(status, { 'Content-Type': 'text/plain' }).end('stack trace of the receiver')
    })
    const answer = await call('plain')
    const message = await failed(answer, 'plain', {
      status: 502,
      error: 'receiver_failed',
      reason: new RegExp(`answered ${status}`),
      hint: /log of the receiver/,
    })
    assert.equal(message.receiverStatus, status)
  }
})

test('a receiver that does not let Countersign in gives 502: it is not about the credentials of the sender', async () => {
  for (const status of [401, 403, 407]) {
    receiver.answer((request, response) => {
      request.resume()
      response.writeHead(status, { 'WWW-Authenticate': 'Basic realm="erp"' }).end()
    })
    const answer = await call('plain')
    assert.equal(answer.headers['www-authenticate'], undefined)
    await failed(answer, 'plain', {
      status: 502,
      error: 'receiver_failed',
      reason: new RegExp(`answered ${status}`),
      hint: /does not let Countersign in/,
    })
  }
})

test('other 4xx are between sender and receiver: they pass with their bodies, logged as failed', async () => {
  for (const status of [400, 404, 409, 415, 422, 429]) {
    receiver.answer((request, response) => {
      request.resume()
      response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end('{"title":"no"}')
    })
    const answer = await call('plain')
    assert.equal(answer.status, status)
    assert.equal(answer.text, '{"title":"no"}')
    assert.equal(answer.headers['content-type'], 'application/problem+json')
    const message = await newestMessage(world, 'plain')
    assert.equal(message.status, 'FAILED')
    assert.equal(message.httpStatus, status)
    assert.equal(message.receiverStatus, status)
  }
})

test('an answer without a body passes as such, and HEAD gets the head only', async () => {
  for (const status of [204, 304]) {
    receiver.answer((request, response) => {
      request.resume()
      response.writeHead(status, { ETag: '"1"' }).end()
    })
    const answer = await call('plain')
    assert.equal(answer.status, status)
    assert.equal(answer.text, '')
    assert.equal(answer.headers.etag, '"1"')
  }
  receiver.answer((request, response) => {
    request.resume()
    response.writeHead(200, { 'Content-Length': 4711 }).end()
  })
  const head = await server.call('/http/plain', { method: 'HEAD', headers })
  assert.equal(head.status, 200)
  assert.equal(head.headers['content-length'], '4711')
  assert.equal((await newestMessage(world, 'plain')).status, 'COMPLETED')
})

test('a redirect is not followed: it goes back to the sender', async () => {
  let requests = 0
  receiver.answer((request, response) => {
    requests++
    request.resume()
    response.writeHead(307, { Location: `${receiver.origin}/elsewhere` }).end()
  })
  const answer = await call('plain')
  assert.equal(answer.status, 307)
  assert.equal(answer.headers.location, `${receiver.origin}/elsewhere`)
  assert.equal(requests, 1)
})

test('an answer before the answer (1xx) does not confuse the exchange', async () => {
  receiver.answer((request, response) => {
    request.resume()
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.writeProcessing()
    response.end('the answer')
  })
  const answer = await call('plain')
  assert.equal(answer.status, 200)
  assert.equal(answer.text, 'the answer')
})

test('a receiver that breaks off in the middle of its answer: the sender can tell, and the server goes on', async () => {
  for (const framing of [{ 'Content-Length': '1000' }, {}]) {
    receiver.answer((request, response) => {
      request.resume()
      response.writeHead(200, framing)
      response.write('the first half', () => response.destroy())
    })
    const { sent, answered } = openRequest(world, '/http/plain', { headers })
    sent.end()
    const answer = await answered
    assert.equal(answer.statusCode, 200)
    await assert.rejects(textOf(answer), 'the answer must not look complete')
    const message = await newestMessage(world, 'plain')
    assert.equal(message.correlationId, answer.headers['x-correlation-id'])
    assert.equal(message.status, 'FAILED')
    assert.match(message.error!, /127\.0\.0\.1/)
    assert.match((await decisionOf(world, answer)).reason, /127\.0\.0\.1/)
  }
  receiver.answer(undefined)
  assert.equal((await call('plain')).status, 200)
})

test('a receiver that falls silent in the middle of its answer is given up after timeoutSeconds', async () => {
  receiver.answer((request, response) => {
    request.resume()
    response.write('the first half')
  })
  const { sent, answered } = openRequest(world, '/http/impatient', { headers })
  sent.end()
  await assert.rejects(textOf(await answered))
  assert.match((await newestMessage(world, 'impatient')).error!, /silent for 1 s/)
})

test('a receiver that hangs up instead of answering gives 502, and the message is not sent twice', async () => {
  let requests = 0
  for (const method of ['POST', 'GET'])
    for (const body of method === 'POST' ? ['x', big] : [undefined]) {
      requests = 0
      receiver.answer(request => {
        requests++
        request.socket.destroy()
      })
      const answer = await server.call('/http/plain', {
        method,
        headers,
        ...(body !== undefined && { body: Buffer.from(body) }),
      })
      await failed(answer, 'plain', {
        status: 502,
        error: 'receiver_failed',
        reason: /127\.0\.0\.1/,
        hint: /log of the receiver/,
      })
      assert.equal(requests, 1, `${method}`)
    }
})

test('a receiver that hangs up in the middle of a chunked message gives 502, not a complaint about its size', async () => {
  receiver.answer(request => {
    request.once('data', () => request.socket.destroy())
  })
  const { sent, answered } = openRequest(world, '/http/plain', { headers })
  sent.on('error', () => {})
  sent.write(Buffer.alloc(100_000))
  const answer = await answered
  assert.equal(answer.statusCode, 502)
  assert.equal(JSON.parse(await textOf(answer)).error, 'receiver_failed')
})

test('a receiver that answers before it has read the message: the sender gets that answer', async () => {
  for (const [status, expected] of [
    [404, 404],
    [500, 502],
  ] as const)
    for (const chunked of [false, true]) {
      receiver.answer((_request, response) => {
        response.writeHead(status).end('no')
      })
      const { sent, answered } = openRequest(world, '/http/plain', {
        headers: { ...headers, ...(!chunked && { 'Content-Length': String(big.length) }) },
      })
      sent.end(big)
      assert.equal((await answered).statusCode, expected)
    }
})

test('what is no HTTP, and a head that is too large, are failures of the receiver', async () => {
  for (const bytes of [
    'SSH-2.0-OpenSSH\r\n',
    'HTTP/1.1 abc\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
  ]) {
    receiver.answer(request => {
      request.resume()
      request.socket.end(bytes)
    })
    const answer = await call('plain')
    assert.equal(answer.status, 502, bytes.slice(0, 30))
    assert.equal(answer.json().error, 'receiver_failed')
  }
})

test('a sender with too large a head is refused, and the server goes on', async () => {
  const answer = await call('plain', { headers: { ...headers, 'X-Large': 'x'.repeat(20_000) } })
  assert.equal(answer.status, 431)
  assert.match(String(answer.headers['x-correlation-id']), /^[0-9a-f-]{36}$/)
  assert.equal((await call('plain')).status, 200)
})

test('connections to the receiver are kept and used again', async () => {
  const before = receiver.sockets.length
  for (let i = 0; i < 30; i++) assert.equal((await call('plain')).status, 200)
  assert.ok(receiver.sockets.length - before <= 1, `${receiver.sockets.length - before} new connections`)
})

test('the message log says who sent what, when, through which flow and how it ended, within a second', async () => {
  const answer = await call('plain', { headers: { ...headers, 'X-Correlation-Id': 'mine' } })
  const admin = { Authorization: `Bearer ${await server.adminToken('MonitoringDataRead')}` }
  const deadline = performance.now() + 1000
  for (;;) {
    const log = await server.call('/admin/v1/messages?flow=plain&limit=1', { headers: admin })
    const [message] = log.json<{ messages: Record<string, unknown>[] }>().messages
    if (message && message.correlationId === answer.headers['x-correlation-id']) {
      const { startedAt, endedAt, id, ...rest } = message
      assert.match(String(startedAt), /^\d{4}-\d\d-\d\dT.*Z$/)
      assert.ok(Date.parse(String(endedAt)) >= Date.parse(String(startedAt)))
      assert.equal(id, answer.headers.sap_messageprocessinglogid)
      assert.deepEqual(rest, {
        flow: 'plain',
        status: 'COMPLETED',
        httpStatus: 200,
        receiverStatus: 200,
        method: 'POST',
        sender: world.sender.clientid,
        correlationId: answer.headers['x-correlation-id'],
        callerCorrelationId: 'mine',
      })
      return
    }
    assert.ok(performance.now() < deadline, 'the message was not in the log within a second')
  }
})
