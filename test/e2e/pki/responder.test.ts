import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { revokeCertificate } from '../../../src/core/broker/index.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import type { Certificate } from '../../../src/crypto/certificate.ts'
import { buildOcspRequest, ocspStatus, readOcspResponse } from '../../../src/crypto/ocsp/index.ts'
import { encodePem } from '../../../src/crypto/pem.ts'
import { issued, newRoot } from '../../support/senders.ts'
import { type Answer, callUrl, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { addressesIn, certificatesOf, fetched, hexOf, type Workshop, workshop } from './world.ts'

let server: TestServer
let shop: Workshop
let issuing: Certificate
let good: Certificate
let revoked: Certificate
before(async () => {
  server = await startTestServer()
  shop = workshop()
  const { services } = server.server
  orThrow(await createTenant({ name: 'acme' }, services))
  const [one, issuer] = certificatesOf((await issued(server)).credential.cert)
  const [two] = certificatesOf((await issued(server)).credential.cert)
  ;[good, issuing, revoked] = [one!, issuer!, two!]
  orThrow(await revokeCertificate(server.tenant, hexOf(revoked), 'keyCompromise', services))
  shop.write('ca.pem', (await fetched(server, `${server.pkiUrl}/pki/ca.pem`)).text)
  shop.write('issuing.pem', encodePem('CERTIFICATE', issuing.raw))
  shop.write('good.pem', encodePem('CERTIFICATE', good.raw))
  shop.write('revoked.pem', encodePem('CERTIFICATE', revoked.raw))
  shop.write('foreign.pem', newRoot('somebody else').pem)
})
after(async () => {
  await server.close()
  shop.close()
})

/** Only what anybody can know is trusted: the root; the responder's certificate comes with the answer. */
const ask = async (...args: readonly string[]): Promise<string> => {
  const trusted = ['-CAfile', 'ca.pem', '-no-CApath', '-verify_other', 'issuing.pem']
  return (
    await shop.openssl('ocsp', '-url', addressesIn(good).ocsp!, '-issuer', 'issuing.pem', ...trusted, ...args)
  ).words
}

describe('openssl ocsp is answered', () => {
  test('good and revoked with time and reason, by a responder that the issuer has named', async () => {
    const words = await ask('-cert', 'good.pem', '-cert', 'revoked.pem')
    assert.match(words, /^Response verify OK\n/)
    assert.match(words, /good\.pem: good\n/)
    assert.match(words, /revoked\.pem: revoked\n[\s\S]*Reason: keyCompromise\n\tRevocation Time: /)
    assert.doesNotMatch(words, /WARNING/)
  })

  test('with its nonce repeated, and without one when it sent none', async () => {
    const words = await ask('-nonce', '-cert', 'good.pem', '-text')
    const nonces = [...words.matchAll(/OCSP Nonce: \n\s+(\S+)/g)].map(([, value]) => value)
    assert.ok(nonces.length === 2 && nonces[0] === nonces[1], words)
    assert.doesNotMatch(words, /WARNING: no nonce|Nonce Verify error/)
    assert.doesNotMatch(await ask('-no_nonce', '-cert', 'good.pem', '-resp_text'), /OCSP Nonce/)
  })

  test('where certificates are named in SHA-256', async () => {
    const words = await ask('-sha256', '-cert', 'good.pem', '-sha256', '-cert', 'revoked.pem')
    assert.match(words, /^Response verify OK\n[\s\S]*good\.pem: good[\s\S]*revoked\.pem: revoked/)
  })

  test('unknown for a serial number that was never given away, whatever it is', async () => {
    for (const serial of ['1', '0', '-5', '0x7fffffffffffffffffffffffffffffffffffffff'])
      assert.match(await ask('-serial', serial), new RegExp(`Response verify OK\n${serial}: unknown`))
  })

  test('not about the certificates of another tenant or of anybody else: unauthorized', async () => {
    const at = (url: string, issuer: string) =>
      shop.openssl('ocsp', '-url', url, '-issuer', issuer, '-serial', '5', '-CAfile', 'ca.pem')
    const there = `${server.pkiUrl}/tenants/acme/pki/ocsp`
    assert.match((await at(there, 'issuing.pem')).words, /unauthorized \(6\)/)
    assert.match((await at(`${server.pkiUrl}/pki/ocsp`, 'foreign.pem')).words, /unauthorized \(6\)/)
    const own = (await fetched(server, `${server.pkiUrl}/tenants/acme/pki/chain.pem`)).text
    shop.write('acme.pem', encodePem('CERTIFICATE', certificatesOf(own)[0]!.raw))
    assert.match((await at(there, 'acme.pem')).words, /5: unknown/)
  })

  test('to a signed request as well', async () => {
    shop.write('signer.pem', newRoot('signer').pem)
    await shop.openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj'],
      ...['/CN=asker', '-keyout', 'asker.key', '-out', 'asker.pem'],
    )
    const words = await ask('-signer', 'asker.pem', '-signkey', 'asker.key', '-cert', 'good.pem')
    assert.match(words, /Response verify OK\ngood\.pem: good/)
  })
})

const nonce = Buffer.from('0123456789abcdef')
const requestFor = (certificate: Certificate, withNonce = false): Buffer =>
  buildOcspRequest({ certificate, issuer: issuing, ...(withNonce && { nonce }) })

const statusIn = ({ bytes, status, headers }: Answer, certificate: Certificate, withNonce = false) => {
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/ocsp-response')
  const query = { certificate, issuer: issuing, now: server.now(), skewMs: 0 }
  return ocspStatus(readOcspResponse(bytes), { ...query, ...(withNonce && { nonce }) }).status
}

describe('OCSP by GET (RFC 6960 appendix A.1)', () => {
  /** Each way in which clients write base64 into an address. */
  const ways: Readonly<Record<string, (base64: string) => string>> = {
    'percent-encoded in whole (RFC 5019 section 5)': encodeURIComponent,
    'percent-encoded in lower case': base64 =>
      encodeURIComponent(base64).replace(/%../g, x => x.toLowerCase()),
    'as it is': base64 => base64,
    'with only the slashes encoded': base64 => base64.replaceAll('/', '%2F'),
    'with only plus and equals signs encoded': base64 => base64.replaceAll('+', '%2B').replaceAll('=', '%3D'),
    'without padding': base64 => base64.replaceAll('=', ''),
  }
  for (const [title, write] of Object.entries(ways))
    test(`is answered when the request is written ${title}`, async () => {
      const seen = new Set<string>()
      // Serial numbers are random, so that some have each of the characters.
      for (let i = 0; seen.size < 3 && i < 60; i++) {
        const [leaf] = i === 0 ? [good] : certificatesOf((await issued(server)).credential.cert)
        const base64 = requestFor(leaf!, i % 2 === 0).toString('base64')
        for (const character of base64.match(/[+/=]/g) ?? []) seen.add(character)
        const answer = await callUrl(`${server.pkiUrl}/pki/ocsp/${write(base64)}`, server.ca, {})
        assert.equal(statusIn(answer, leaf!, i % 2 === 0), 'good', base64)
      }
      assert.equal(seen.size, 3)
    })

  test('is answered for a tenant of its own, and for who is revoked', async () => {
    const path = encodeURIComponent(requestFor(revoked).toString('base64'))
    const answer = await callUrl(`${server.pkiUrl}/pki/ocsp/${path}`, server.ca, {})
    assert.equal(statusIn(answer, revoked), 'revoked')
    const there = await callUrl(`${server.pkiUrl}/tenants/acme/pki/ocsp/${path}`, server.ca, {})
    assert.deepEqual(readOcspResponse(there.bytes), { status: 'unauthorized' })
  })
})

describe('OCSP by POST', () => {
  const post = (body: Buffer, path = '/pki/ocsp') =>
    callUrl(`${server.pkiUrl}${path}`, server.ca, {
      method: 'POST',
      headers: { 'Content-Type': 'application/ocsp-request' },
      body,
    })

  test('is answered with or without a slash at the end', async () => {
    for (const path of ['/pki/ocsp', '/pki/ocsp/'])
      assert.equal(statusIn(await post(requestFor(good, true), path), good, true), 'good')
  })

  test('an answer holds for an hour, was made now, and is not to be kept by anybody on the way', async () => {
    const answer = await post(requestFor(good))
    const read = readOcspResponse(answer.bytes)
    assert.ok(read.status === 'successful')
    const [{ thisUpdate, nextUpdate } = assert.fail()] = read.responses
    assert.ok(Math.abs(read.producedAt - server.now()) < 10_000)
    assert.ok(thisUpdate <= server.now() - 4 * 60_000)
    assert.ok(Math.abs(nextUpdate! - server.now() - 3_600_000) < 10_000)
    assert.match(String(answer.headers['cache-control']), /no-cache|no-store/)
  })

  test('what is malformed is answered as such, what is too large is not read', async () => {
    const request = requestFor(good, true)
    for (const body of [
      Buffer.alloc(0),
      Buffer.from('status?'),
      request.subarray(0, 40),
      Buffer.concat([request, Buffer.from([0])]),
      good.raw,
    ])
      assert.deepEqual(readOcspResponse((await post(body)).bytes), { status: 'malformedRequest' })
    assert.equal((await post(Buffer.alloc(20_000, 0x30))).status, 413)
    assert.equal(statusIn(await post(request), good, true), 'good')
  })

  test('who is revoked is so in the very next answer', async () => {
    const [leaf] = certificatesOf((await issued(server)).credential.cert)
    assert.equal(statusIn(await post(requestFor(leaf!)), leaf!), 'good')
    orThrow(await revokeCertificate(server.tenant, hexOf(leaf!), 'superseded', server.server.services))
    assert.equal(statusIn(await post(requestFor(leaf!)), leaf!), 'revoked')
  })

  test('the root and its own certificates are not answered for: the list of the root is', async () => {
    const [, , root] = certificatesOf((await issued(server)).credential.cert)
    const answer = await post(buildOcspRequest({ certificate: issuing, issuer: root! }))
    assert.deepEqual(readOcspResponse(answer.bytes), { status: 'unauthorized' })
  })
})
