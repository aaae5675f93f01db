import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { asksForCertificate, serverRoot } from '../../../test/support/mtls.ts'
import { newRoot, sending } from '../../../test/support/senders.ts'
import { PemError } from '../../crypto/pem.ts'
import { proxyServer, readProxyAuthority } from './proxy-server.ts'

const day = 86_400_000
const root = newRoot('Proxies')
const issuing = root.intermediate('Issuing')
const other = newRoot('Others')
const identity = { cert: String(asksForCertificate.cert), key: String(asksForCertificate.key) }

async function start(t: TestContext) {
  const refused: string[] = []
  let now = Date.now()
  const listener = (_: unknown, response: { end(text: string): void }) => response.end('seen')
  const proxy = proxyServer({ identity, authority: readProxyAuthority(root.pem) }, listener, {
    now: () => now,
    refused: reason => refused.push(reason),
  })
  const { server } = proxy
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    proxy,
    refused,
    advance(ms: number) {
      now += ms
    },
    /** A connection on which one request was answered. */
    async open({ credential }: { credential: object }, more = {}): Promise<TLSSocket> {
      const socket = connect({ host: '127.0.0.1', port, ca: serverRoot, ...credential, ...more })
      socket.on('error', () => {})
      await answered(socket)
      return socket
    },
  }
}

/** Sends a request; rejects when the connection ends instead of an answer. */
async function answered(socket: TLSSocket): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const ended = once(socket, 'close').then(() => assert.fail('closed'))
  const [data] = (await Promise.race([once(socket, 'data'), ended])) as [Buffer]
  assert.match(data.toString(), /seen/)
}

describe('a change of authority', () => {
  test('keeps the connections of those that the new one vouches for, directly or by an intermediate that stands beside it', async t => {
    const { proxy, open } = await start(t)
    const direct = await open(root.issue())
    const below = await open(issuing.issue())
    proxy.trust(readProxyAuthority(other.pem + root.pem + issuing.pem))
    for (const socket of [direct, below]) await answered(socket)
  })

  test('ends those of others, and those whose certificate has run out since', async t => {
    const { proxy, open, advance } = await start(t)
    const short = await open(root.issue({ notAfter: Date.now() + day }))
    const direct = await open(root.issue())
    advance(2 * day)
    proxy.trust(readProxyAuthority(root.pem))
    await once(short, 'close')
    await answered(direct)
    proxy.trust(readProxyAuthority(other.pem))
    await once(direct, 'close')
    await open(other.issue())
  })

  test('leaves the server certificate as it was renewed last, and the other way round', async t => {
    const { proxy, open } = await start(t)
    proxy.trust(readProxyAuthority(other.pem))
    proxy.present(identity)
    await open(other.issue())
    await assert.rejects(open(root.issue()))
  })
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`who shows no certificate of the authority is refused over ${version}, with a reason`, async t => {
    const { refused, open } = await start(t)
    const range = { minVersion: version, maxVersion: version }
    await open(issuing.issue(), range)
    await assert.rejects(open({ credential: {} }, range))
    await assert.rejects(open(other.issue(), range))
    // Without the intermediate nobody can tell.
    await assert.rejects(open(sending(issuing.issue()), range))
    await assert.rejects(
      open(root.issue({ notAfter: Date.now() - day, notBefore: Date.now() - 2 * day }), range),
    )
    assert.equal(refused.length, 4)
    assert.match(refused[3]!, /CERT_HAS_EXPIRED/)
  })

test('an authority that is none is refused', () => {
  const { key } = root.issue().credential
  for (const text of ['', 'junk', key, root.pem + key, root.pem.slice(0, -40)])
    assert.throws(() => readProxyAuthority(text), PemError)
  assert.throws(() => readProxyAuthority('-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'))
  assert.equal(readProxyAuthority(root.pem + other.pem).certificates.length, 2)
})
