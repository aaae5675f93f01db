import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { before, test } from 'node:test'
import type { Certificates } from '../../test/support/token-server.ts'
import { opensslCertificates, tokenServer } from '../../test/support/token-server.ts'
import type { HttpOptions } from './http.ts'
import { createHttp } from './http.ts'

let pki: Certificates
before(() => {
  pki = opensslCertificates()
})

function http(t: TestContext, options?: HttpOptions) {
  const made = createHttp(options)
  t.after(() => made.close())
  return made
}

test('connections are kept for the next request', async t => {
  const server = await tokenServer(t, () => ({ body: '{}' }))
  const client = http(t)
  await client.post(new URL(server.url), 'a=b', {})
  await client.post(new URL(server.url), 'a=b', {})
  assert.equal(server.received[0]?.port, server.received[1]?.port)
})

test('a redirect is an error that names the host it points to', async t => {
  const server = await tokenServer(t, () => ({
    status: 302,
    headers: { location: 'https://elsewhere.test/x?code=1' },
  }))
  await assert.rejects(http(t).post(new URL(server.url), 'a=b', {}), {
    code: 'invalid_response',
    status: 302,
    message: /redirect \(302\) to elsewhere\.test\. Redirects are not followed/,
  })
  assert.equal(server.received.length, 1)
})

test('an answer above 1 MiB is refused while it is read', async t => {
  const server = await tokenServer(t, (_request, response) => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const more = () => {
      while (!response.destroyed && response.write(chunk));
      response.once('drain', more)
    }
    more()
    return undefined
  })
  await assert.rejects(http(t).post(new URL(server.url), '', {}), {
    code: 'invalid_response',
    message: /more than 1 MiB/,
  })
})

test('an answer of exactly 1 MiB is read whole', async t => {
  const server = await tokenServer(t, () => ({ body: 'x'.repeat(1024 * 1024) }))
  const reply = await http(t).get(new URL(server.url), {})
  assert.equal(reply.body.length, 1024 * 1024)
})

test('a server that never answers is a timeout', async t => {
  const server = await tokenServer(t, () => undefined)
  await assert.rejects(http(t, { timeoutMs: 30 }).post(new URL(server.url), '', {}), {
    code: 'timeout',
    message: /within 30 ms/,
  })
})

test('an answer that stops in the middle is a timeout too', async t => {
  const server = await tokenServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{')
    return undefined
  })
  await assert.rejects(http(t, { timeoutMs: 30 }).post(new URL(server.url), '', {}), { code: 'timeout' })
})

test('an answer cut off in the middle is a lost connection', async t => {
  const server = await tokenServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{', () => response.destroy())
    return undefined
  })
  await assert.rejects(http(t).post(new URL(server.url), '', {}), { code: 'unavailable', status: undefined })
})

test('a closed port says that nothing listens there', async t => {
  const server = await tokenServer(t, () => undefined)
  await new Promise(resolve => server.server.close(resolve))
  await assert.rejects(http(t).post(new URL(server.url), '', {}), {
    code: 'unavailable',
    message: /ECONNREFUSED.*check host and port/,
  })
})

test('something that does not speak HTTP is named as such', async t => {
  const server = createServer(socket => socket.end('220 mail.test ESMTP\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  await assert.rejects(http(t).get(new URL(`http://127.0.0.1:${port}/`), {}), {
    code: 'invalid_response',
    message: /did not answer in HTTP/,
  })
})

test('https to a plain port says that the two sides found no common TLS', async t => {
  const server = await tokenServer(t, () => ({}))
  await assert.rejects(http(t).get(new URL(server.url.replace('http:', 'https:')), {}), {
    code: 'unavailable',
    message: /no common TLS/,
  })
})

test('a server certificate of an unknown root is not trusted; with the root in tls.ca it is', async t => {
  const server = await tokenServer(t, () => ({ body: '{}' }), { cert: pki.serverCert, key: pki.serverKey })
  await assert.rejects(http(t).post(new URL(server.url), '', {}), { code: 'untrusted', message: /tls\.ca/ })
  const reply = await http(t, { tls: { ca: pki.ca } }).post(new URL(server.url), '', {})
  assert.equal(reply.status, 200)
})

test('a server certificate of another name is not trusted', async t => {
  const server = await tokenServer(t, () => ({ body: '{}' }), { cert: pki.serverCert, key: pki.serverKey })
  const url = new URL(server.url)
  url.hostname = '127.0.0.1'
  await assert.rejects(http(t, { tls: { ca: pki.ca } }).post(url, '', {}), {
    code: 'untrusted',
    message: /ALTNAME.*host name/,
  })
})

/** openssl's server, because it says by a TLS alert that it refuses a certificate; Node's only hangs up. */
async function strictServer(t: TestContext, version: '-tls1_2' | '-tls1_3') {
  const dir = mkdtempSync(join(tmpdir(), 'client-test-'))
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const identity = ['-cert', file('s.pem', pki.serverCert), '-key', file('s.key', pki.serverKey)]
  const asking = ['-Verify', '2', '-verify_return_error', '-CAfile', file('ca.pem', pki.ca)]
  const args = ['s_server', '-accept', '127.0.0.1:0', '-www', version, ...identity, ...asking]
  const server = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => {
    server.kill()
    rmSync(dir, { recursive: true })
  })
  let said = ''
  for await (const chunk of server.stdout.setEncoding('utf8')) {
    said += chunk
    const port = /ACCEPT \S+:(\d+)/.exec(said)?.[1]
    if (port !== undefined) return new URL(`https://localhost:${port}/`)
  }
  throw new Error('openssl s_server did not start')
}

for (const version of ['-tls1_2', '-tls1_3'] as const) {
  test(`a server that takes no, or not this, client certificate is a refusal (${version})`, async t => {
    const url = await strictServer(t, version)
    const show = (cert?: string, key?: string) => http(t, { tls: { ca: pki.ca, cert, key } }).get(url, {})
    const refused = { code: 'refused', message: /did not accept the client certificate/ }
    await assert.rejects(show(pki.strangerCert, pki.strangerKey), refused)
    await assert.rejects(show(), { message: version === '-tls1_2' ? /client certificate/ : refused.message })
    assert.equal((await show(pki.clientCert, pki.clientKey)).status, 200)
  })
}

test('a server that hangs up on a client certificate makes one think of it', async t => {
  const tls = { cert: pki.serverCert, key: pki.serverKey, ca: pki.ca, requestCert: true }
  const server = await tokenServer(t, () => ({ body: '{}' }), tls)
  const shown = { ca: pki.ca, cert: pki.strangerCert, key: pki.strangerKey }
  await assert.rejects(http(t, { tls: shown }).post(new URL(server.url), '', {}), {
    code: 'unavailable',
    message: /ended it.*client certificate/,
  })
})

test('each request may bring its own certificate; connections of different certificates are not shared', async t => {
  const tls = {
    cert: pki.serverCert,
    key: pki.serverKey,
    ca: pki.ca,
    requestCert: true,
    rejectUnauthorized: false,
  }
  const server = await tokenServer(t, () => ({ body: '{}' }), tls)
  const client = http(t, { tls: { ca: pki.ca } })
  const url = new URL(server.url)
  const show = (cert?: string, key?: string) => client.post(url, '', {}, { tls: { ca: pki.ca, cert, key } })
  await show(pki.clientCert, pki.clientKey)
  await show()
  await show(pki.strangerCert, pki.strangerKey)
  await show(pki.clientCert, pki.clientKey)
  assert.deepEqual(
    server.received.map(each => each.certificate),
    ['client', undefined, 'stranger', 'client'],
  )
})

test('TLS material that does not fit together is refused before anything is sent', () => {
  const bad = [
    { cert: pki.clientCert, key: pki.strangerKey },
    { cert: 'no PEM', key: pki.clientKey },
    { pfx: Buffer.from('no PKCS#12'), passphrase: 'hunter2' },
  ]
  for (const tls of bad) {
    assert.throws(
      () => createHttp({ tls }),
      (error: Error & { code: string }) =>
        error.code === 'invalid_configuration' && !error.message.includes('hunter2'),
    )
  }
})

test('plain http goes to this machine only, unless it is allowed', async t => {
  await assert.rejects(http(t).get(new URL('http://server.test/'), {}), {
    code: 'invalid_configuration',
    message: /plain http/,
  })
  await assert.rejects(http(t).get(new URL('http://127.0.0.1.server.test/'), {}), {
    code: 'invalid_configuration',
  })
  await assert.rejects(http(t).get(new URL('ftp://localhost/'), {}), { code: 'invalid_configuration' })
})

test('a header that cannot be sent is an error that does not repeat it', async t => {
  await assert.rejects(http(t).get(new URL('http://localhost:1/'), { authorization: 'se\ncret' }), {
    code: 'invalid_configuration',
    message: /^((?!cret).)*$/s,
  })
})

test('the signal ends an exchange, also before it began', async t => {
  const controller = new AbortController()
  const server = await tokenServer(t, () => {
    controller.abort()
    return undefined
  })
  await assert.rejects(http(t).get(new URL(server.url), {}, { signal: controller.signal }), {
    code: 'aborted',
  })
  await assert.rejects(http(t).get(new URL(server.url), {}, { signal: controller.signal }), {
    code: 'aborted',
  })
  assert.equal(server.received.length, 1)
})
