import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, before, test } from 'node:test'
import { createServer, type Server } from 'node:tls'
import { unzipSync } from 'fflate'
import { certificateFingerprint } from '../../../src/crypto/thumbprint.ts'
import { newRoot, pemOf, pkcs8 } from '../../support/senders.ts'
import { at, done, json, refused } from './world.ts'

const root = newRoot('Root of the partner')
const issuing = root.intermediate('Issuing/CA of the partner')
const own = issuing.issue({ cn: 'partner', extensions: { eku: undefined } }, [
  { kind: 'dns', value: 'localhost' },
])
const fingerprint = certificateFingerprint(root.der)

let server: Server
let address: string
before(async () => {
  server = createServer(
    {
      cert: pemOf(own.der, issuing.der, root.der),
      key: pkcs8(own.pair),
      requestCert: true,
      rejectUnauthorized: false,
    },
    socket => socket.on('error', () => {}),
  )
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `localhost:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

test('a server of an unknown root is shown step by step, with its chain, its root, and what to do', async () => {
  const { out } = await refused(`connectivity-test ${address} --client-certificate nobody`, /no entry nobody/)
  assert.equal(out, '')
  const seen = await refused(
    `connectivity-test ${address}`,
    /Root of the partner[\s\S]+keystore import ALIAS FILE/,
  )
  assert.match(seen.out, /✓ name\n[\s\S]*✓ tls\n[\s\S]*✗ certificate trusted\n[\s\S]*✓ host name/)
  assert.match(seen.out, /^Missing here +CN=Root of the partner/m)
  assert.match(seen.out, /^leaf +CN=partner/m)
  assert.match(seen.out, /^root +CN=Root of the partner/m)
})

test('its certificates are saved one by one, by what they are', async () => {
  await refused(`connectivity-test ${address} --download $chain.zip`, /3 certificates in .*chain\.zip/)
  const files = unzipSync(readFileSync(at('chain.zip')))
  assert.deepEqual(Object.keys(files), [
    '1-leaf-partner.cer',
    '2-intermediate-Issuing-CA-of-the-partner.cer',
    '3-root-Root-of-the-partner.cer',
  ])
  const ders = Object.values(files).map(bytes => new X509Certificate(bytes).raw)
  assert.deepEqual(ders, [own.der, issuing.der, root.der])
  await refused(`connectivity-test ${address} --download $chain.tar`, /let its name end in \.zip/, 2)
})

test('where no certificate was shown, the cause is told, and that nothing was saved', async () => {
  const old = createTcpServer(socket => {
    socket.on('error', () => {})
    // protocol_version, as a server answers that speaks TLS 1.1 at most
    socket.once('data', () => socket.end(Buffer.from('15030200020246', 'hex')))
  }).listen(0, '127.0.0.1')
  const closed = createTcpServer().listen(0, '127.0.0.1')
  await Promise.all([old, closed].map(each => once(each, 'listening')))
  const [oldPort, closedPort] = [old, closed].map(each => (each.address() as AddressInfo).port)
  closed.close()
  for (const [port, cause] of [
    [closedPort, /ECONNREFUSED[\s\S]+Nothing listens there[\s\S]+Nothing was saved in .*none\.zip/],
    [oldPort, /VERSION[\s\S]+speak TLS 1\.2 or 1\.3[\s\S]+Nothing was saved in .*none\.zip/i],
  ] as const) {
    const { out } = await refused(`connectivity-test localhost:${port} --download $none.zip`, cause)
    assert.match(out, /✗ (?:connection|tls)\n/)
  }
  old.close()
  assert.ok(!existsSync(at('none.zip')))
})

test('each check that failed says why, in the list and in JSON, also where nobody has to be right', async () => {
  const other = address.replace('localhost', '127.0.0.1')
  const reason = 'the certificate is not for 127.0.0.1, but for localhost'
  const { out } = await done(`connectivity-test ${other} --no-verify`)
  assert.match(
    out,
    new RegExp(`✗ certificate trusted\n    .*Root of the partner.*\n  ✗ host name\n    ${reason}\n`),
  )
  const { checks } = await json<{ checks: { name: string; reason: string | null }[] }>(
    `connectivity-test ${other} --no-verify`,
  )
  const told = Object.fromEntries(checks.map(check => [check.name, check.reason]))
  assert.equal(told.tls, null)
  assert.match(told['certificate trusted']!, /Root of the partner/)
  assert.equal(told['host name'], reason)
})

test('its root is trusted when somebody has said its fingerprint, and the connection works then', async () => {
  const line = `connectivity-test ${address} --trust partner`
  await refused(
    line,
    new RegExp(`fingerprint ${fingerprint}[\\s\\S]+Compare it with what its owner publishes`),
  )
  await refused(`${line} --fingerprint ${'0'.repeat(64)}`, /is another one/)
  await refused(`connectivity-test ${address} --fingerprint ${fingerprint}`, /goes with --trust/, 2)
  const written = fingerprint.toUpperCase().replace(/(..)(?!$)/g, '$1:')
  await done(`${line} --fingerprint ${written}`, /is trusted from now on, as partner/)
  const report = await json<{ works: boolean; asksForCertificate: boolean }>(
    `connectivity-test https://${address}/`,
  )
  assert.deepEqual([report.works, report.asksForCertificate], [true, true])
})

test('a key pair of the keystore is shown to who asks, and whether it was asked for is told', async () => {
  await done('keystore create shown --key-length 256')
  const { out } = await done(`connectivity-test ${address} --client-certificate shown --no-verify`)
  assert.match(out, /^Client certificate +asked for, of anybody/m)
})
