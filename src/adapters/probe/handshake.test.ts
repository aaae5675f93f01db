import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { createServer, type TlsOptions, connect as tlsConnect } from 'node:tls'
import { newRoot, pemOf, pkcs8 } from '../../../test/support/senders.ts'
import { readServerHandshake, type ServerHandshake } from './handshake.ts'
import { recordedSocket } from './recorded-socket.ts'

const root = newRoot('of servers')
const issuing = root.intermediate('issuing')
const own = issuing.issue({ cn: 'localhost' })
const material = { cert: pemOf(own.der, issuing.der), key: pkcs8(own.pair) }

/** Makes a connection and reads what the server said. */
async function handshakeWith(t: TestContext, server: TlsOptions, client = {}): Promise<ServerHandshake> {
  const listener = createServer({ ...material, ...server }, socket => socket.on('error', () => {}))
  listener.on('tlsClientError', () => {})
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(() => listener.close())
  const raw = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const { stream, received } = recordedSocket(raw)
  const keyLog: string[] = []
  const socket = tlsConnect({ socket: stream, servername: 'localhost', rejectUnauthorized: false, ...client })
  socket.on('keylog', (line: Buffer) => keyLog.push(line.toString('latin1')))
  await once(socket, 'secureConnect')
  socket.destroy()
  return readServerHandshake(received(), keyLog)
}

const versions: Readonly<Record<string, TlsOptions>> = {
  'TLS 1.2': { maxVersion: 'TLSv1.2' },
  'TLS 1.3 with AES-256-GCM': { ciphers: 'TLS_AES_256_GCM_SHA384' },
  'TLS 1.3 with AES-128-GCM': { ciphers: 'TLS_AES_128_GCM_SHA256' },
  'TLS 1.3 with ChaCha20': { ciphers: 'TLS_CHACHA20_POLY1305_SHA256' },
  // The client offers another group first, so that the server asks again (HelloRetryRequest).
  'TLS 1.3 after another try': { ecdhCurve: 'P-521' },
}

for (const [version, options] of Object.entries(versions))
  describe(version, () => {
    test('the certificates are those that were sent, in their order', async t => {
      const { certificates, certificateRequest } = await handshakeWith(t, options)
      assert.deepEqual(certificates, [own.der, issuing.der])
      assert.equal(certificateRequest, undefined)
    })

    test('whether a certificate of the client is asked for, and of whom', async t => {
      const anybody = await handshakeWith(t, { ...options, requestCert: true, rejectUnauthorized: false })
      assert.ok(anybody.certificateRequest)
      const [one, two] = [newRoot('one'), newRoot('two')]
      const asking = { requestCert: true, rejectUnauthorized: false, ca: [one.pem, two.pem] }
      const { certificateRequest } = await handshakeWith(t, { ...options, ...asking })
      assert.deepEqual(
        certificateRequest!.authorities.map(name => name.toString('hex')).sort(),
        [one.subject, two.subject].map(name => name.toString('hex')).sort(),
      )
    })
  })

test('a chain that takes several records is read whole', async t => {
  const long = root.issue(
    { cn: 'localhost' },
    Array.from({ length: 2000 }, (_, i) => ({ kind: 'dns' as const, value: `name-${i}.example` })),
  )
  const { certificates } = await handshakeWith(t, { cert: pemOf(long.der), key: pkcs8(long.pair) })
  assert.deepEqual(certificates, [long.der])
})

test('what is no handshake, or is cut off anywhere, says nothing and breaks nothing', async t => {
  for (const text of [
    '',
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    '\x16\x03\x03\xff\xff',
    '\x16\x03\x03\x00\x04\x02\xff\xff\xff',
  ])
    assert.deepEqual(readServerHandshake(Buffer.from(text, 'latin1'), []), {
      certificates: [],
      certificateRequest: undefined,
    })
  const listener = createServer({
    ...material,
    maxVersion: 'TLSv1.2',
    requestCert: true,
    rejectUnauthorized: false,
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(() => listener.close())
  const raw = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const { stream, received } = recordedSocket(raw)
  const socket = tlsConnect({ socket: stream, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.destroy()
  const whole = received()
  const hello = `160303004a020000460303${'00'.repeat(32)}001301000006002b00020304`
  const short = Buffer.from(`${hello}17030300050102030405`, 'hex')
  readServerHandshake(short, [`SERVER_HANDSHAKE_TRAFFIC_SECRET 00 ${'00'.repeat(32)}`])
  for (let end = 0; end < whole.length; end += 7) readServerHandshake(whole.subarray(0, end), [])
  for (let at = 0; at < Math.min(whole.length, 2000); at++) {
    const spoilt = Buffer.from(whole)
    spoilt[at]! ^= 0xff
    readServerHandshake(spoilt, ['SERVER_HANDSHAKE_TRAFFIC_SECRET 00 00'])
  }
})
