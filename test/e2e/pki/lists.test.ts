import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { deleteKey, revokeCertificate } from '../../../src/core/broker/index.ts'
import type { Certificate } from '../../../src/crypto/certificate.ts'
import { parseCrl } from '../../../src/crypto/crl/index.ts'
import { encodePem } from '../../../src/crypto/pem.ts'
import { issued, leafPem } from '../../support/senders.ts'
import { callUrl, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { addressesIn, certificatesOf, fetched, hexOf, type Workshop, workshop } from './world.ts'

const hour = 3_600_000
const day = 24 * hour

let server: TestServer
let shop: Workshop
/** Of the issuing certificate, and of the root. */
let listUrl: string
let rootListUrl: string
before(async () => {
  server = await startTestServer()
  shop = workshop()
  const { credential } = await issued(server)
  const [leaf, issuing] = certificatesOf(credential.cert) as [Certificate, Certificate]
  listUrl = addressesIn(leaf).crl!
  rootListUrl = addressesIn(issuing).crl!
})
after(async () => {
  await server.close()
  shop.close()
})

async function sender() {
  const key = await issued(server)
  return { ...key, leaf: certificatesOf(key.credential.cert)[0]! }
}

const list = async (url = listUrl) => parseCrl((await fetched(server, url)).bytes)
const revoke = async (leaf: Certificate, reason: 'keyCompromise' | 'superseded' = 'keyCompromise') =>
  orThrow(await revokeCertificate(server.tenant, hexOf(leaf), reason, server.server.services))

/** All that anybody can fetch, and the certificate under test. */
async function judge(certificate: string, ...more: readonly string[]) {
  const pemList = async (url: string) => encodePem('X509 CRL', (await fetched(server, url)).bytes)
  shop.write('ca.pem', (await fetched(server, `${server.pkiUrl}/pki/ca.pem`)).text)
  shop.write('chain.pem', (await fetched(server, `${server.pkiUrl}/pki/chain.pem`)).text)
  shop.write('lists.pem', (await pemList(listUrl)) + (await pemList(rootListUrl)))
  shop.write('leaf.pem', leafPem(certificate))
  const args = ['-x509_strict', '-purpose', 'sslclient', '-CAfile', 'ca.pem', '-untrusted', 'chain.pem']
  return shop.openssl('verify', ...args, '-CRLfile', 'lists.pem', ...more, 'leaf.pem')
}

test('openssl verify -crl_check and -crl_check_all take a good certificate, and refuse a revoked one', async () => {
  const good = await sender()
  const bad = await sender()
  await revoke(bad.leaf)
  for (const check of ['-crl_check', '-crl_check_all']) {
    assert.equal((await judge(good.credential.cert, check)).words, 'leaf.pem: OK\n')
    assert.match((await judge(bad.credential.cert, check)).words, /error 23 .*certificate revoked/)
  }
})

test('openssl crl -verify takes each list by its issuer, and by nobody else', async () => {
  const [issuing, root] = certificatesOf((await fetched(server, `${server.pkiUrl}/pki/chain.pem`)).text)
  for (const [url, own, other] of [
    [listUrl, issuing!, root!],
    [rootListUrl, root!, issuing!],
  ] as const) {
    shop.write('list.der', (await fetched(server, url)).bytes)
    const by = async (ca: Certificate) => {
      shop.write('by.pem', encodePem('CERTIFICATE', ca.raw))
      const args = ['-in', 'list.der', '-inform', 'DER', '-noout', '-no-CApath', '-verify', '-CAfile']
      return (await shop.openssl('crl', ...args, 'by.pem')).words
    }
    assert.match(await by(own), /verify OK/)
    assert.doesNotMatch(await by(other), /verify OK/)
  }
})

test('who was revoked is on the next list that is fetched, with serial number, time and reason', async () => {
  const { leaf } = await sender()
  assert.equal((await list()).entries.find(leaf.serial), undefined)
  const at = Math.floor(server.now() / 1000) * 1000
  await revoke(leaf)
  const found = (await list()).entries.find(leaf.serial)
  assert.equal(found?.reason, 'keyCompromise')
  assert.ok(Math.abs(found.revokedAt - at) <= 2000)
  shop.write('list.der', (await fetched(server, listUrl)).bytes)
  const { words } = await shop.openssl('crl', '-in', 'list.der', '-inform', 'DER', '-noout', '-text')
  assert.match(words, new RegExp(`Serial Number: ${hexOf(leaf)}[\\s\\S]*?Key Compromise`, 'i'))
})

test('the certificates of a deleted key are on the list: its operation has ceased', async () => {
  const key = await sender()
  orThrow(await deleteKey(server.tenant, key.instance, 'key', server.server.services))
  assert.equal((await list()).entries.find(key.leaf.serial)?.reason, 'cessationOfOperation')
})

test('numbers go up with every new list, and the list stays the same while nothing happens', async () => {
  const numbers: bigint[] = []
  for (let i = 0; i < 3; i++) {
    const [first, again] = [await list(), await list()]
    assert.deepEqual(first.raw, again.raw)
    numbers.push(first.number!)
    await revoke((await sender()).leaf, 'superseded')
  }
  assert.deepEqual(numbers, [numbers[0]!, numbers[0]! + 1n, numbers[0]! + 2n])
})

test('many who ask at once get one list, made once', async () => {
  await revoke((await sender()).leaf)
  const before = (await list()).number!
  await revoke((await sender()).leaf)
  const found = await Promise.all(Array.from({ length: 20 }, () => list()))
  assert.equal(new Set(found.map(({ raw }) => raw.toString('base64'))).size, 1)
  assert.equal(found[0]!.number, before + 1n)
})

test('while certificates are being revoked, no list lacks one that was revoked before it was asked for', async () => {
  const senders = await Promise.all(Array.from({ length: 8 }, sender))
  await Promise.all(
    senders.map(async ({ leaf }) => {
      await revoke(leaf)
      assert.ok((await list()).entries.find(leaf.serial))
    }),
  )
})

test('a list is good for a day, and is made anew when half of that is over', async () => {
  const first = await list()
  assert.equal(first.nextUpdate! - first.thisUpdate, day + 5 * 60_000)
  assert.ok(first.nextUpdate! > server.now() + 23 * hour)
  server.advance(11 * hour)
  assert.equal((await list()).number, first.number)
  server.advance(2 * hour)
  const next = await list()
  assert.equal(next.number, first.number! + 1n)
  assert.ok(next.nextUpdate! > server.now() + 23 * hour)
})

test('an expired certificate stays until a list was due after its end, then it goes', async () => {
  const key = await issued(server, { validity: 1 })
  const leaf = certificatesOf(key.credential.cert)[0]!
  await revoke(leaf)
  server.advance(day + 13 * hour)
  assert.ok((await list()).entries.find(leaf.serial))
  server.advance(day)
  assert.equal((await list()).entries.find(leaf.serial), undefined)
})

test('lists are of whom they are: of another tenant, of a responder or of nobody there is none', async () => {
  const { members } = await server.server.services.authorities.of(server.tenant.id)
  const responder = members.find(({ role }) => role === 'ocsp')!.id
  const id = /([0-9a-f]+)\.crl$/.exec(listUrl)![1]!
  for (const path of [`/pki/crl/${responder}.crl`, '/pki/crl/00.crl', `/tenants/acme/pki/crl/${id}.crl`])
    assert.equal((await callUrl(`${server.pkiUrl}${path}`, server.ca, {})).status, 404)
  const head = await callUrl(listUrl, server.ca, { method: 'HEAD' })
  assert.equal(head.bytes.length, 0)
  assert.equal(Number(head.headers['content-length']), (await fetched(server, listUrl)).bytes.length)
})
