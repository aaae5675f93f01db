import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { basic } from '../../support/server.ts'
import { correlationIdOf, decisionOf, flowFile, newestMessage, startWorld } from './world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, sender, authorization } = world

before(async () => {
  await server.deploy(flowFile('plain', receiver.origin))
  await server.deploy(
    flowFile('allowing', receiver.origin, { sender: { allowedHeaders: ['X-Source', 'If-Match'] } }),
  )
  await server.deploy(
    flowFile('steps', `${receiver.origin}/in?client=100`, {
      sender: { allowedHeaders: ['X-Source'] },
      steps: [
        { setHeader: { name: 'X-Source', value: 'erp' } },
        { removeHeader: 'accept' },
        { setQuery: { name: 'client', value: '200' } },
      ],
    }),
  )
})

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const call = (path: string, headers: Record<string, string | string[]> = {}) =>
  server.call(path, { method: 'POST', body: 'x', headers: { Authorization: authorization, ...headers } })

test('the receiver is told who calls, the message and the correlation id, and nothing it did not ask for', async () => {
  const answer = await call('/http/plain', {
    'Content-Type': 'text/plain; charset=utf-8',
    Accept: 'a/b',
    'X-Source': 'x',
  })
  const { rawHeaders, headers } = receiver.last()
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map(name => name.toLowerCase())
  assert.deepEqual(names.sort(), [
    'accept',
    'connection',
    'content-length',
    'content-type',
    'host',
    'sap_messageprocessinglogid',
    'sapauthenticatedusername',
    'x-correlation-id',
  ])
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(headers.host, new URL(receiver.origin).host)
  assert.equal(headers.sapauthenticatedusername, sender.clientid)
  assert.equal(headers['x-correlation-id'], correlationIdOf(answer))
  assert.equal(headers.sap_messageprocessinglogid, answer.headers.sap_messageprocessinglogid)
})

test('SapAuthenticatedUserName cannot be forged in any spelling', async () => {
  for (const name of [
    'SapAuthenticatedUserName',
    'sapauthenticatedusername',
    'SAPAUTHENTICATEDUSERNAME',
    'Sap_Authenticated_User_Name',
    'Sap-Authenticated-User-Name',
  ]) {
    const answer = await call('/http/allowing', { [name]: 'admin' })
    assert.equal(answer.status, 200)
    const { rawHeaders } = receiver.last()
    assert.ok(!rawHeaders.includes('admin'), name)
    assert.equal(rawHeaders.filter(text => /authenticated/i.test(text)).length, 1)
  }
  const named = await call('/http/allowing', {
    Connection: 'close, SapAuthenticatedUserName, X-Correlation-Id',
  })
  assert.equal(named.status, 200)
  assert.equal(receiver.last().headers.sapauthenticatedusername, sender.clientid)
  for (const name of [
    'SapAuthenticatedUserName',
    'SAPauthenticatedUSERname',
    'Authorization',
    'Cookie',
    'X_Correlation_Id',
  ])
    await assert.rejects(
      server.deploy(flowFile('bad', receiver.origin, { sender: { allowedHeaders: [name] } })),
      /never passes/,
    )
})

test('credentials, cookies and the word of proxies never pass', async () => {
  await call('/http/allowing', {
    Authorization: basic(sender),
    Cookie: 'session=1',
    'Proxy-Authorization': 'Basic eDp5',
    Forwarded: 'for=10.0.0.1',
    'X-Forwarded-For': '10.0.0.1',
    'X-Forwarded-Client-Cert': 'Hash=1',
    CamelHttpUri: 'http://elsewhere.example',
    'X-Csrf-Token': 'x',
    Te: 'trailers',
    'X-Source': 'erp',
    'If-Match': '"1"',
  })
  const names = receiver.last().rawHeaders.filter((_, at) => at % 2 === 0)
  assert.deepEqual(
    names.filter(name => /auth|cookie|forwarded|camel|csrf|^te$/i.test(name)),
    ['SapAuthenticatedUserName'],
  )
  assert.equal(receiver.last().headers['x-source'], 'erp')
  assert.equal(receiver.last().headers['if-match'], '"1"')
})

test('allowed headers pass in any case and as often as they came', async () => {
  await call('/http/allowing', { 'x-SOURCE': ['a', 'b'] })
  const { rawHeaders } = receiver.last()
  assert.deepEqual(
    rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === 'x-source'),
    ['a', 'b'],
  )
  await call('/http/plain', { 'X-Source': 'a' })
  assert.equal(receiver.last().headers['x-source'], undefined)
})

test('processing steps set and remove headers and set parameters of the query', async () => {
  await call('/http/steps?a=1', { Accept: 'a/b', 'X-Source': 'sender' })
  assert.equal(receiver.last().headers['x-source'], 'erp')
  assert.equal(receiver.last().headers.accept, undefined)
  assert.equal(receiver.last().path, '/in?a=1&client=200')
})

test('of the answer, what is between Countersign and the receiver stays behind', async () => {
  receiver.answer((request, response) => {
    request.resume()
    response.writeHead(201, [
      ...[
        'Content-Type',
        'application/json',
        'ETag',
        '"1"',
        'Location',
        '/orders/1',
        'X-Multi',
        'a',
        'X-Multi',
        'b',
      ],
      ...[
        'Set-Cookie',
        'receiver=1',
        'Server',
        'erp',
        'WWW-Authenticate',
        'Basic',
        'X-Correlation-Id',
        'theirs',
      ],
      ...['Connection', 'X-Hop', 'X-Hop', '1', 'Access-Control-Allow-Origin', '*', 'X-Csrf-Token', 'theirs'],
      ...['Strict-Transport-Security', 'max-age=0', 'Proxy-Authenticate', 'Basic'],
    ])
    response.end('{}')
  })
  const answer = await call('/http/plain')
  receiver.answer(undefined)
  assert.equal(answer.status, 201)
  assert.equal(answer.text, '{}')
  assert.equal(answer.headers.etag, '"1"')
  assert.equal(answer.headers.location, '/orders/1')
  assert.equal(answer.headers['x-multi'], 'a, b')
  assert.match(correlationIdOf(answer), uuid)
  assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000')
  for (const name of [
    'set-cookie',
    'server',
    'www-authenticate',
    'x-hop',
    'x-csrf-token',
    'proxy-authenticate',
  ])
    assert.equal(answer.headers[name], undefined, name)
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
})

test('the receiver cannot pass its own message id off as ours', async () => {
  receiver.answer((request, response) => {
    request.resume()
    response.writeHead(200, { SAP_MessageProcessingLogID: 'theirs' }).end()
  })
  const answer = await call('/http/plain')
  receiver.answer(undefined)
  const message = await newestMessage(world, 'plain')
  assert.equal(answer.headers.sap_messageprocessinglogid, message.id)
})

test('every answer carries a correlation id of ours; the caller keeps its own beside it', async () => {
  const answer = await call('/http/plain', { 'X-Correlation-Id': 'order-4711' })
  assert.match(correlationIdOf(answer), uuid)
  assert.equal(receiver.last().headers['x-correlation-id'], correlationIdOf(answer))
  const message = await newestMessage(world, 'plain')
  assert.equal(message.correlationId, correlationIdOf(answer))
  assert.equal(message.callerCorrelationId, 'order-4711')

  const refused = await server.call('/http/plain', { headers: { 'X-Request-Id': 'r-1' } })
  assert.equal(refused.status, 401)
  assert.equal(refused.json().correlation_id, correlationIdOf(refused))
  assert.equal((await decisionOf(world, refused)).callerCorrelationId, 'r-1')
})

test("a caller's correlation id that is too long or not printable is left out", async () => {
  for (const id of ['x'.repeat(129), 'a b', 'ä', '']) {
    const refused = await server.call('/http/plain', { headers: { 'X-Correlation-Id': id } })
    assert.equal((await decisionOf(world, refused)).callerCorrelationId, undefined)
  }
})

test('the Host header changes nothing that is answered', async () => {
  const answer = await call('/http/plain', { Host: 'evil.example' })
  assert.equal(answer.status, 200)
  assert.equal(receiver.last().headers.host, new URL(receiver.origin).host)
})
