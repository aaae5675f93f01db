import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { holds, newRoot, type Sender, trust } from '../../support/senders.ts'
import { callUrl } from '../../support/server.ts'
import { forgeries, forms } from './forgeries.ts'
import { ourProxy, type ProxiedServer, proxies, setUps, startProxied } from './world.ts'

let world: ProxiedServer
let sender: Sender
let other: Sender

before(async () => {
  world = await startProxied('socket', 'client-cert')
  const root = newRoot('Senders Root')
  sender = root.issue({ cn: 'sender' })
  other = root.issue({ cn: 'other' })
  await trust(world.server, root)
  await holds(world.server, sender)
  await holds(world.server, other)
})
after(() => world?.close())

const message = (lines: readonly string[]) =>
  [
    'POST /http/orders HTTP/1.1',
    'Host: localhost',
    'Connection: close',
    'Content-Length: 0',
    ...lines,
    '',
    '',
  ].join('\r\n')

/** The status of a message with these header lines, from the load balancer. */
async function statusOf(...lines: string[]): Promise<number> {
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(await world.asProxy(message(lines))) ?? []
  return Number(status)
}

const rfc9440 = ({ der }: Sender) => `:${der.toString('base64')}:`
const fillers = (count: number) => Array.from({ length: count }, (_, i) => `a${i}: b`)

describe('from the load balancer', () => {
  test('a certificate counts in every form, however the name of the header is written', async () => {
    for (const value of Object.values(forms(sender)))
      assert.equal(await statusOf(`Client-Cert: ${value}`), 200)
    for (const name of ['client-cert', 'CLIENT-CERT', 'cLiEnT-cErT'])
      assert.equal(await statusOf(`${name}: ${rfc9440(sender)}`), 200)
  })

  test('a header that is there twice is refused, whatever is in it and however far apart', async () => {
    const line = `Client-Cert: ${rfc9440(sender)}`
    for (const second of [line, `Client-Cert: ${rfc9440(other)}`, 'Client-Cert:', 'client-cert: x']) {
      assert.equal(await statusOf(line, second), 400)
      assert.equal(await statusOf(second, line), 400)
      assert.equal(await statusOf(line, ...fillers(3000), second), 400)
    }
  })

  test('an empty header is no certificate, and one that cannot be read is refused with a reason', async () => {
    assert.equal(await statusOf('Client-Cert:'), 401)
    assert.equal(await statusOf('Client-Cert:   '), 401)
    assert.equal(await statusOf('Client-Cert: ', 'Client-Cert-Chain: '), 401)
    for (const bad of ['x', ':x:', `${rfc9440(sender)}, ${rfc9440(other)}`, sender.thumbprint, 'CN=sender'])
      assert.equal(await statusOf(`Client-Cert: ${bad}`), 400, bad)
    const answer = await world.asProxy(message(['Client-Cert: :eA==:']))
    const [, id] = /X-Correlation-Id: (\S+)/i.exec(answer) ?? []
    const { journal } = world.server.server.services
    await journal.flush()
    const record = await journal.findDecision(world.server.tenant.id, id!)
    assert.match(record!.reason, /no X\.509/)
  })

  test('only the configured header is read: no other name, no underscores, no trailer', async () => {
    const value = rfc9440(sender)
    for (const { name, headers } of forgeries('client-cert', sender)) {
      if (Object.keys(headers).some(each => /^client-cert(-chain)?$/i.test(each))) continue
      const lines = Object.entries(headers).map(([header, text]) => `${header}: ${text}`)
      assert.equal(await statusOf(...lines), 401, name)
    }
    const chunked = `POST /http/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: Client-Cert\r\n\r\n0\r\nClient-Cert: ${value}\r\n\r\n`
    assert.match(await world.asProxy(chunked), /^HTTP\/1\.1 401 /)
    assert.match(await world.asProxy(message([`Client-Cert : ${value}`])), /^HTTP\/1\.1 400 /)
  })

  test('the admin API is not there, and metrics want a token', async () => {
    const get = (path: string) =>
      world.asProxy(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    assert.match(await get('/admin/v1/instances'), /^HTTP\/1\.1 404 /)
    assert.match(await get('/admin/openapi.json'), /^HTTP\/1\.1 404 /)
    assert.match(await get('/metrics'), /^HTTP\/1\.1 401 /)
    assert.match(await get('/livez'), /^HTTP\/1\.1 200 /)
  })

  test('a certificate beside a secret is refused, as it is over TLS', async () => {
    const { clientid, clientsecret } = await world.server.sender()
    const line = `Authorization: Basic ${Buffer.from(`${clientid}:${clientsecret}`).toString('base64')}`
    assert.equal(await statusOf(line), 200)
    assert.notEqual(await statusOf(line, `Client-Cert: ${rfc9440(sender)}`), 200)
  })
})

test('on the ports that senders reach directly, no header says who calls', async () => {
  const { url, mtlsUrl, pkiUrl, ca } = world.server
  const names = [...new Set(setUps.map(({ header }) => header))]
  for (const { name, headers } of names.flatMap(header => forgeries(header, sender)))
    for (const base of [url, mtlsUrl]) {
      const { status } = await callUrl(`${base}/http/orders`, ca, { method: 'POST', headers })
      assert.equal(status, 401, `${base} ${name}`)
    }
  const { status } = await callUrl(`${pkiUrl}/http/orders`, ca, {
    headers: { 'Client-Cert': rfc9440(sender) },
  })
  assert.equal(status, 404)
})

test("beside a certificate of the connection, the header of another one is ignored: it is the connection's that counts", async () => {
  const { mtlsUrl, ca } = world.server
  const stranger = newRoot('Strangers').issue({ cn: 'stranger' })
  for (const { name, headers } of forgeries('client-cert', sender)) {
    const options = { method: 'POST', headers, certificate: stranger.credential }
    const { status } = await callUrl(`${mtlsUrl}/http/orders`, ca, options)
    assert.equal(status, 401, name)
  }
})

test("the load balancer's own certificate never says who calls, even if a service key holds it", async () => {
  const overTls = await startProxied('port', 'client-cert')
  try {
    await trust(overTls.server, proxies)
    await holds(overTls.server, ourProxy)
    assert.match(await overTls.asProxy(message([])), /^HTTP\/1\.1 401 /)
    // As any sender it is known: in the header, or on the port for senders.
    assert.match(await overTls.asProxy(message([`Client-Cert: ${rfc9440(ourProxy)}`])), /^HTTP\/1\.1 200 /)
    const direct = await callUrl(`${overTls.server.mtlsUrl}/http/orders`, overTls.server.ca, {
      method: 'POST',
      certificate: ourProxy.credential,
    })
    assert.equal(direct.status, 200)
  } finally {
    await overTls.close()
  }
})
