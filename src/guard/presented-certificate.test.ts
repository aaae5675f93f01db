import assert from 'node:assert/strict'
import { constants, hash } from 'node:crypto'
import { once } from 'node:events'
import {
  type AddressInfo,
  createServer as createPlainServer,
  connect as plainConnect,
  type Socket,
} from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { chainOf, keyPair } from '../../test/support/chains.ts'
import { asksForCertificate, sends, serverRoot } from '../../test/support/mtls.ts'
import { encodePem } from '../crypto/pem.ts'
import { CertificateProblem, certificateOfSocket } from './index.ts'

const [root, first, second, leaf] = chainOf([{}, {}, {}, {}]) as [Buffer, Buffer, Buffer, Buffer]
const leafKey = 3
const [stranger] = chainOf([{ cn: 'stranger', key: keyPair('P-256', 9) }]) as [Buffer]
const [selfSigned] = chainOf([{ cn: 'self', key: keyPair('P-256', leafKey) }]) as [Buffer]

const names = new Map(
  Object.entries({ root, first, second, leaf, stranger, selfSigned }).map(([k, v]) => [v.toString('hex'), k]),
)
const nameOf = (der: Buffer) => names.get(der.toString('hex')) ?? 'unknown'

/** A server and, per connection, what it saw of the client. */
async function world(t: TestContext, options: TlsOptions = {}) {
  const server = createServer({ ...asksForCertificate, ...options }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  async function connection(client: ConnectionOptions) {
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
    const outgoing = connect({ port, host: '127.0.0.1', ca: serverRoot, ...client })
    const session = once(outgoing, 'session') as Promise<[Buffer]>
    const [socket] = await accepted
    socket.resume().on('error', () => undefined)
    t.after(() => {
      outgoing.destroy()
      socket.destroy()
    })
    return { socket, session }
  }
  return connection
}

function seen(socket: Socket) {
  const found = certificateOfSocket(socket)
  if (!found || found instanceof CertificateProblem) return found?.reason ?? 'none'
  assert.equal(found.thumbprint, hash('sha256', found.der, 'base64url'))
  return [found.der, ...found.chain].map(nameOf).join(' ')
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  describe(`the certificate of a connection, ${version}`, () => {
    const only = { minVersion: version, maxVersion: version }
    const ten = Array<Buffer>(10).fill(first)
    const table: [title: string, sent: Buffer[], seen: string][] = [
      ['the leaf alone', [leaf], 'leaf'],
      ['a chain', [leaf, second, first], 'leaf second first'],
      ['a chain with its root', [leaf, second, first, root], 'leaf second first root'],
      ['a chain in another order, as it was sent', [leaf, root, first, second], 'leaf root first second'],
      ['certificates sent twice', [leaf, second, second, leaf], 'leaf second second leaf'],
      ['one that has nothing to do with it', [leaf, stranger, second], 'leaf stranger second'],
      ['a self-signed one', [selfSigned], 'selfSigned'],
      ['a self-signed one with others', [selfSigned, first, selfSigned], 'selfSigned first selfSigned'],
      ['ten others', [leaf, ...ten], `leaf${' first'.repeat(10)}`],
      [
        'eleven others',
        [leaf, ...ten, second],
        "more than 10 certificates were sent beside the client's own",
      ],
      [
        'a hundred others',
        [leaf, ...Array<Buffer>(100).fill(first)],
        "more than 10 certificates were sent beside the client's own",
      ],
    ]
    for (const [title, sent, expected] of table)
      test(title, async t => {
        const { socket } = await (await world(t, only))(sends(sent, leafKey))
        assert.equal(seen(socket), expected)
        assert.equal(certificateOfSocket(socket), certificateOfSocket(socket))
        socket.destroy()
        assert.equal(seen(socket), expected)
      })
    test('none', async t => {
      const { socket } = await (await world(t, only))({})
      assert.equal(seen(socket), 'none')
    })
    test('nothing else is known of it: one that Node has verified looks like one that it has not', async t => {
      const server = await world(t, { ...only, ca: encodePem('CERTIFICATE', root) })
      const { socket } = await server(sends([leaf, second, first], leafKey))
      assert.match(seen(socket), /^leaf/)
    })
    test('a resumed session shows the old certificate without its chain, and no ticket means no resumption', async t => {
      for (const [secureOptions, reused] of [
        [0, true],
        [constants.SSL_OP_NO_TICKET, false],
      ] as const) {
        const server = await world(t, { ...only, secureOptions })
        const sent = sends([leaf, second, first], leafKey)
        const before = await server(sent)
        assert.equal(seen(before.socket), 'leaf second first')
        const [session] = await before.session
        const { socket } = await server({ ...sent, session })
        assert.equal(socket.isSessionReused(), reused)
        assert.equal(seen(socket), reused ? 'leaf' : 'leaf second first')
      }
    })
    test('a resumed session shows it too where the client has nothing left to prove it with', async t => {
      const server = await world(t, only)
      const [session] = await (await server(sends([leaf], leafKey))).session
      const { socket } = await server({ session })
      assert.equal(socket.isSessionReused(), true)
      assert.equal(seen(socket), 'leaf')
    })
  })

test('a connection without TLS has none', async t => {
  const server = createPlainServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const outgoing = plainConnect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = await accepted
  t.after(() => {
    outgoing.destroy()
    socket.destroy()
    server.close()
  })
  assert.equal(certificateOfSocket(socket), undefined)
})

test('to ask before the handshake has finished does not make it none for ever', async t => {
  const server = createServer(asksForCertificate)
  const early: string[] = []
  // Node makes the TLS socket while it handles the connection, and gives it to nobody before it is secure.
  server.on('keylog', (_line: Buffer, socket: TLSSocket) => early.push(seen(socket)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
  const outgoing = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    ...sends([leaf], leafKey),
  })
  const [socket] = await accepted
  t.after(() => {
    outgoing.destroy()
    socket.destroy()
    server.close()
  })
  assert.ok(early.length > 0)
  assert.deepEqual([...new Set(early)], ['none'])
  assert.equal(seen(socket), 'leaf')
})
