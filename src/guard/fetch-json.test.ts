import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { before, describe, test } from 'node:test'
import { type Certificates, opensslCertificates, tokenServer } from '../../test/support/token-server.ts'
import { createFetchJson, parseUrl } from './fetch-json.ts'
import { createFetch, largestReply } from './http.ts'

const fetchJson = createFetchJson(createFetch())

describe('over https', () => {
  let pki: Certificates
  before(() => {
    pki = opensslCertificates()
  })
  const serve = (t: Parameters<typeof tokenServer>[0]) =>
    tokenServer(t, () => ({ body: { a: 1 } }), { cert: pki.serverCert, key: pki.serverKey })

  test('a private authority is trusted when it is given', async t => {
    const { url } = await serve(t)
    for (const ca of [pki.ca, Buffer.from(pki.ca), [pki.ca]])
      assert.deepEqual((await createFetchJson(createFetch(ca))(new URL(url))).json, { a: 1 })
  })
  test('a server of another authority is not believed', async t => {
    const { url } = await serve(t)
    for (const ca of [undefined, pki.strangerCert])
      await assert.rejects(
        createFetchJson(createFetch(ca))(new URL(url)),
        /cannot be reached: .*(VERIFY|SIGNED|ISSUER)/,
      )
  })
  test('a certificate for another name is not believed', async t => {
    const { url } = await serve(t)
    const other = new URL(url.replace('localhost', '127.0.0.1'))
    await assert.rejects(createFetchJson(createFetch(pki.ca))(other), /ERR_TLS_CERT_ALTNAME_INVALID/)
  })
})

describe('what is not taken for an answer', () => {
  test('a redirect, which is not followed', async t => {
    const server = await tokenServer(t, () => ({ status: 302, headers: { location: '/elsewhere' } }))
    await assert.rejects(fetchJson(new URL(server.url)), /answered 302/)
    assert.equal(server.received.length, 1)
  })
  test('any other status, also with JSON', async t => {
    for (const status of [201, 204, 400, 404, 500]) {
      const server = await tokenServer(t, () => ({ status, body: status === 204 ? '' : {} }))
      await assert.rejects(fetchJson(new URL(server.url)), {
        status,
        message: new RegExp(`answered ${status}$`),
      })
    }
  })
  test('text, a list, nothing', async t => {
    for (const body of ['<html>', '[]', 'null', '1', '']) {
      const server = await tokenServer(t, () => ({ body }))
      await assert.rejects(fetchJson(new URL(server.url)), /something else than a JSON object/)
    }
  })
  test('more than 256 KiB, and reading ends there', async t => {
    const body = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`
    const full = await tokenServer(t, () => ({ body: body(largestReply) }))
    assert.ok((await fetchJson(new URL(full.url))).json.a)
    const over = await tokenServer(t, () => ({ body: body(largestReply + 1) }))
    await assert.rejects(fetchJson(new URL(over.url)), /more than 262144 bytes/)
  })
  test('more than 256 KiB from an injected fetch', async () => {
    const huge = createFetchJson(async () => ({
      status: 200,
      headers: {},
      body: `{"a":"${'x'.repeat(largestReply)}"}`,
    }))
    await assert.rejects(huge(new URL('https://a.test')), /something else/)
  })
  test('an answer that takes too long, at its start or in its middle', async t => {
    const quick = createFetchJson(createFetch(), 30)
    const silent = await tokenServer(t, () => undefined)
    await assert.rejects(quick(new URL(silent.url)), /no whole answer within 30 ms/)
    const halting = await tokenServer(t, (_, response) => {
      response.writeHead(200)
      response.write('{')
      return undefined
    })
    await assert.rejects(quick(new URL(halting.url)), /no whole answer within 30 ms/)
  })
  test('the silence of an injected fetch that does not heed the signal', async () => {
    const deaf = createFetchJson(() => new Promise(() => {}), 5)
    await assert.rejects(deaf(new URL('https://a.test')), /within 5 ms/)
  })
  test('an injected fetch that throws', async () => {
    const failing = createFetchJson(() => {
      throw new Error('no proxy')
    })
    await assert.rejects(failing(new URL('https://a.test/x?secret')), {
      message: 'https://a.test/x cannot be reached: no proxy',
    })
  })
  test('a closed port, and an answer that breaks off', async () => {
    const server = createServer(socket =>
      socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{'),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await assert.rejects(fetchJson(url), /cannot be reached/)
    server.close()
    await once(server, 'close')
    await assert.rejects(fetchJson(url), /cannot be reached: ECONNREFUSED/)
  })
})

describe('addresses', () => {
  for (const good of ['https://a.test/x?y=z', 'http://localhost:1/', 'http://127.0.0.1/', 'http://[::1]:8/'])
    test(`${good} may be fetched from`, () => assert.equal(parseUrl(good, 'it').href, good))
  const bad = [
    undefined,
    '',
    'a.test',
    'http://a.test',
    'http://localhost.test',
    'http://127.0.0.1.test',
    'ftp://localhost',
  ]
  for (const value of [...bad, 'https://a@b.test', 'https://a.test/#x', 'http://0.0.0.0/', 'javascript:1'])
    test(`${value} may not`, () =>
      assert.throws(() => parseUrl(value, 'it'), { name: 'TypeError', message: /^it must/ }))
  test('plain http to this machine may be forbidden', () =>
    assert.throws(() => parseUrl('http://localhost/', 'it', false), TypeError))
})
