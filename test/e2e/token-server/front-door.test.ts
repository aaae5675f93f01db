import assert from 'node:assert/strict'
import { connect as connectPlain } from 'node:net'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { plainServer, tlsServer } from '../../../src/adapters/http/server.ts'
import { basic, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { askForToken } from './world.ts'

let server: TestServer
let key: SentKey
before(async () => {
  server = await startTestServer()
  key = await server.sender()
})
after(() => server.close())

const port = () => Number(new URL(server.url).port)

/** Writes bytes on a TLS connection and returns all that comes back until the server hangs up. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: port(), host: '127.0.0.1', servername: 'localhost', ca: server.ca })
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', error => (answer ? resolve(answer) : reject(error)))
    socket.write(text)
  })
}

const tokenRequest = (headers: string[], body = 'grant_type=client_credentials', target = '/oauth/token') =>
  [
    `POST ${target} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/x-www-form-urlencoded',
    ...headers,
    '',
    body,
  ].join('\r\n')

test('a path that programs read differently is refused before anything else', async () => {
  for (const path of [
    '//oauth/token',
    '/oauth//token',
    '/./oauth/token',
    '/oauth/./token',
    '/oauth/../oauth/token',
    '/tenants/x/../../oauth/token',
    '/oauth/token/..',
    '/oauth/token/.',
    '/oauth/%2e%2e/oauth/token',
    '/oauth/%2E/token',
    '/oauth/.%2e/oauth/token',
    '/oauth%2ftoken',
    '/oauth%2Ftoken',
    '/oauth%5ctoken',
    '/oauth%5Ctoken',
    '/oauth\\token',
    '/oauth/token%00',
    '/http/%2e%2e/oauth/token',
  ]) {
    const answer = await server.call(path, {
      method: 'POST',
      headers: { Authorization: basic(key) },
      body: { grant_type: 'client_credentials' },
    })
    assert.equal(answer.status, 400, path)
    assert.equal(answer.json().error, 'invalid_request')
    assert.equal(answer.json().correlation_id, answer.headers['x-correlation-id'])
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
})

test('dots and slashes in the query are only data', async () => {
  const strange = await server.call('/oauth/token?x=../..//%2f%5c', {
    method: 'POST',
    headers: { Authorization: basic(key) },
    body: { grant_type: 'client_credentials' },
  })
  assert.equal(strange.status, 200)
})

test('two Authorization headers are refused, whatever they hold', async () => {
  const [one, two] = [basic(key), basic({ ...key, clientsecret: 'wrong' })]
  for (const Authorization of [
    [one, one],
    [one, two],
    [two, one],
    [one, ''],
  ]) {
    const answer = await server.call('/oauth/token', {
      method: 'POST',
      headers: { Authorization },
      body: { grant_type: 'client_credentials' },
    })
    assert.equal(answer.status, 400)
    assert.equal(answer.json().error, 'invalid_request')
  }
})

test('an absolute target, an asterisk and an authority are no paths', async () => {
  const length = 'Content-Length: 29'
  for (const target of [`${server.url}/oauth/token`, 'http://evil.example/oauth/token', '*', 'oauth/token'])
    assert.match(
      await raw(tokenRequest([length, `Authorization: ${basic(key)}`], undefined, target)),
      /^HTTP\/1\.1 400 /,
    )
})

test('a request that two servers would cut in different places is refused, and the connection ends', async () => {
  const authorization = `Authorization: ${basic(key)}`
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'
  for (const headers of [
    ['Content-Length: 29', 'Transfer-Encoding: chunked'],
    ['Content-Length: 29', 'Content-Length: 0'],
    ['Content-Length: 29, 29'],
    ['Content-Length: +29'],
    ['Content-Length : 29'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    ['Transfer-Encoding: xchunked'],
    ['Content-Length: 29', 'X: a\n\rY: b'],
  ]) {
    const answer = await raw(
      tokenRequest([authorization, ...headers], `grant_type=client_credentials${smuggled}`),
    )
    assert.match(answer, /^HTTP\/1\.1 400 /, headers.join())
    assert.ok(!answer.includes('access_token'), headers.join())
    assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length, 1, headers.join())
  }
})

test('huge headers are refused: 16 KiB is the limit, and a token request far below it works', async () => {
  const padded = (bytes: number) =>
    askForToken(server, key, {}, { headers: { 'X-Padding': 'x'.repeat(bytes) } })
  assert.equal((await padded(8 * 1024)).status, 200)
  assert.equal((await padded(17 * 1024)).status, 431)
  const many = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`X-Header-${i}`, 'x']))
  assert.equal((await askForToken(server, key, {}, { headers: many })).status, 431)
  assert.equal((await askForToken(server, key)).status, 200, 'the server goes on')
})

test('slow clients are given seconds for the head of a request and minutes at most for all of it', () => {
  for (const made of [plainServer(() => {}), tlsServer({ cert: '', key: '' }, () => {})]) {
    assert.ok(made.headersTimeout > 0 && made.headersTimeout <= 15_000)
    assert.ok(made.requestTimeout >= made.headersTimeout && made.requestTimeout <= 300_000)
    assert.ok(made.keepAliveTimeout > 0 && made.keepAliveTimeout <= 120_000)
  }
})

test('a peer that dribbles its headers is hung up on', async t => {
  const slow = plainServer((_request, response) => response.end())
  slow.headersTimeout = 1
  await new Promise<void>(resolve => slow.listen(0, '127.0.0.1', resolve))
  const address = slow.address() as { port: number }
  const socket = connectPlain(address.port, '127.0.0.1')
  const dribble = setInterval(() => socket.write('x'), 500)
  t.after(() => {
    clearInterval(dribble)
    slow.close()
    slow.closeAllConnections()
  })
  socket.on('error', () => {})
  socket.write('POST /oauth/token HTTP/1.1\r\nX-Slow: ')
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  await new Promise(resolve => socket.on('close', resolve))
  assert.match(answer, /^HTTP\/1\.1 408 /)
})

test('a peer that goes away in the middle of a body leaves no trace', async () => {
  const socket = connect({ port: port(), host: '127.0.0.1', servername: 'localhost', ca: server.ca })
  await new Promise<void>(resolve => {
    socket.write(tokenRequest(['Content-Length: 5000', `Authorization: ${basic(key)}`]), () => resolve())
  })
  socket.destroy()
  assert.equal((await askForToken(server, key)).status, 200)
  assert.deepEqual(
    server.log.filter(line => line.level === 'error'),
    [],
  )
})

test('tokens are served over TLS only: 1.2 or newer, HTTP/1.1, and plain HTTP gets nothing', async () => {
  const plain = await new Promise<string>(resolve => {
    const socket = connectPlain(port(), '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(tokenRequest(['Content-Length: 29', `Authorization: ${basic(key)}`]))
  })
  assert.ok(!plain.includes('access_token'))

  const handshake = (options: object) =>
    new Promise<string | false | null>((resolve, reject) => {
      const socket = connect({
        port: port(),
        host: '127.0.0.1',
        servername: 'localhost',
        ca: server.ca,
        ...options,
      })
      socket.on('error', reject)
      socket.on('secureConnect', () => {
        resolve(socket.alpnProtocol || socket.getProtocol())
        socket.destroy()
      })
    })
  assert.equal(await handshake({ maxVersion: 'TLSv1.2' }), 'TLSv1.2')
  assert.equal(await handshake({ minVersion: 'TLSv1.3' }), 'TLSv1.3')
  assert.equal(await handshake({ ALPNProtocols: ['h2', 'http/1.1'] }), 'http/1.1')
  await assert.rejects(handshake({ ALPNProtocols: ['h2'] }))
  const weak = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
  await assert.rejects(handshake(weak))
})

test("a caller's correlation id is kept beside ours, and never becomes it", async () => {
  const answer = await askForToken(
    server,
    { ...key, clientsecret: 'wrong' },
    {},
    { headers: { 'X-Correlation-Id': 'mine-1' } },
  )
  const ours = String(answer.headers['x-correlation-id'])
  assert.notEqual(ours, 'mine-1')
  const { journal } = server.server.services
  await journal.flush()
  assert.equal((await journal.findDecision(server.tenant.id, ours))?.callerCorrelationId, 'mine-1')
})
