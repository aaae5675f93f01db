import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Tenant } from '../../../src/core/tenant.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { type Certificate, parseCertificate } from '../../../src/crypto/certificate.ts'
import { parseCertificateExtensions } from '../../../src/crypto/extensions/index.ts'
import { formatName } from '../../../src/crypto/names.ts'
import { OID } from '../../../src/crypto/oids.ts'
import { leafPem, newKey, pemOf } from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { addressesIn, certificatesOf, fetched, signingRequest, type Workshop, workshop } from './world.ts'

const day = 86_400_000
const minute = 60_000

let server: TestServer
let shop: Workshop
let acme: Tenant
before(async () => {
  server = await startTestServer()
  shop = workshop()
  acme = orThrow(await createTenant({ name: 'acme' }, server.server.services))
})
after(async () => {
  await server.close()
  shop.close()
})

/** The chain of a new key, as its sender gets it. */
async function chainFor(csr: string, more: object = {}, tenant: Tenant = server.tenant) {
  const key = await newKey(server, { 'key-type': 'certificate', csr, ...more }, {}, tenant)
  return { ...key, chain: String(key.document.certificate) }
}

const extensionsOf = ({ extensions }: Certificate) => parseCertificateExtensions(extensions)

test('openssl verify -x509_strict takes certificates for every kind of key, against ca.pem and chain.pem as they are fetched', async () => {
  const ca = (await fetched(server, `${server.pkiUrl}/pki/ca.pem`)).text
  const chain = (await fetched(server, `${server.pkiUrl}/pki/chain.pem`)).text
  shop.write('ca.pem', ca)
  shop.write('chain.pem', chain)
  const kinds = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'P-256', 'P-384']
  for (const kind of kinds) {
    const issued = await chainFor(signingRequest(kind))
    shop.write(`${kind}.pem`, leafPem(issued.chain))
    // What the sender gets, and what it can fetch, is the same chain.
    assert.equal(issued.chain.slice(leafPem(issued.chain).length), chain)
  }
  const strict = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', 'ca.pem', '-untrusted']
  const { words } = await shop.openssl(...strict, 'chain.pem', ...kinds.map(kind => `${kind}.pem`))
  assert.equal(words, kinds.map(kind => `${kind}.pem: OK\n`).join(''))

  const server443 = await shop.openssl(
    ...strict.toSpliced(3, 1, 'sslserver'),
    'chain.pem',
    ...kinds.map(kind => `${kind}.pem`),
  )
  assert.equal(server443.words.match(/unsuitable certificate purpose/g)?.length, kinds.length)
})

test('a certificate has exactly the extensions of its profile', async () => {
  const { chain, clientid, instance } = await chainFor(signingRequest('P-256'), { validity: 10 })
  const [leaf, issuing, root] = certificatesOf(chain) as [Certificate, Certificate, Certificate]
  assert.deepEqual(leaf.extensions.map(({ oid, critical }) => [oid, critical]).toSorted(), [
    ['1.3.6.1.5.5.7.1.1', false],
    ['2.5.29.14', false],
    ['2.5.29.15', true],
    ['2.5.29.17', false],
    ['2.5.29.19', true],
    ['2.5.29.31', false],
    ['2.5.29.35', false],
    ['2.5.29.37', false],
  ])
  const own = extensionsOf(leaf)
  const uuid = clientid.slice('sb-'.length).split('!')[0]
  assert.equal(own.basicConstraints?.ca, false)
  assert.deepEqual(own.keyUsage, ['digitalSignature'])
  assert.deepEqual(own.extendedKeyUsage, [OID.clientAuth])
  assert.deepEqual(
    own.subjectAltName?.map(name => ('value' in name ? [name.kind, name.value] : [])),
    [['uri', `urn:uuid:${uuid}`]],
  )
  assert.equal(formatName(leaf.subject), `CN=sb-${uuid},OU=${instance},O=default`)
  assert.deepEqual(own.authorityKeyIdentifier?.keyId, extensionsOf(issuing).subjectKeyIdentifier)

  assert.deepEqual(extensionsOf(issuing).basicConstraints, { ca: true, pathLength: 0 })
  assert.deepEqual(extensionsOf(root).basicConstraints, { ca: true, pathLength: 1 })
  for (const authority of [issuing, root]) {
    assert.deepEqual(extensionsOf(authority).keyUsage, ['keyCertSign', 'cRLSign'])
    assert.equal(extensionsOf(authority).extendedKeyUsage, undefined)
  }

  const { members } = await server.server.services.authorities.of(server.tenant.id)
  const responder = members.find(({ role }) => role === 'ocsp')!.certificate
  assert.deepEqual(extensionsOf(responder).extendedKeyUsage, [OID.ocspSigning])
  assert.equal(extensionsOf(responder).basicConstraints?.ca, false)
  assert.ok(responder.extensions.some(({ oid }) => oid === OID.ocspNoCheck))
})

test('nothing of a signing request gets into the certificate but its key: not CA:TRUE, names, usages, its subject', async () => {
  const greedy = signingRequest('greedy')
  const [modest] = certificatesOf((await chainFor(signingRequest('P-256'))).chain)
  const { chain } = await chainFor(greedy)
  const [leaf] = certificatesOf(chain)
  shop.write('greedy.csr', greedy)
  shop.write('greedy.pem', leafPem(chain))
  const asked = await shop.openssl('req', '-in', 'greedy.csr', '-noout', '-pubkey')
  const given = await shop.openssl('x509', '-in', 'greedy.pem', '-noout', '-pubkey')
  assert.equal(given.words, asked.words)
  const { words } = await shop.openssl('x509', '-in', 'greedy.pem', '-noout', '-text')
  assert.match(words, /CA:FALSE/)
  assert.doesNotMatch(
    words,
    /bank|Somebody|root@|Server Auth|OCSP Signing|surprise|hunter|CA:TRUE|Certificate Sign/i,
  )
  const shape = ({ extensions }: Certificate) => extensions.map(({ oid, critical }) => `${oid} ${critical}`)
  assert.deepEqual(shape(leaf!), shape(modest!))
})

test('serial numbers are of 159 random bits, positive, and never the same', async () => {
  const serials = new Set<bigint>()
  const csr = signingRequest('P-256')
  const bits = new Set<number>()
  for (let i = 0; i < 40; i++) {
    const [{ serial } = assert.fail()] = certificatesOf((await chainFor(csr)).chain)
    serials.add(serial)
    bits.add(serial.toString(2).length)
    assert.ok(serial > 0n && serial < 1n << 159n)
  }
  assert.equal(serials.size, 40)
  assert.deepEqual([...bits], [159])
  // Each of the bits below the first is now this, now that: 40 times the same happens once in 2^39.
  for (let bit = 0n; bit < 158n; bit++)
    assert.equal(new Set([...serials].map(serial => (serial >> bit) & 1n)).size, 2, `bit ${bit}`)
})

test('a certificate begins five minutes ago, lasts as long as was asked, and never longer than its issuer', async () => {
  const at = Math.floor(server.now() / 1000) * 1000
  const [leaf] = certificatesOf((await chainFor(signingRequest('P-256'), { validity: 3 })).chain)
  assert.ok(Math.abs(leaf!.notBefore - (at - 5 * minute)) < 30_000)
  assert.ok(Math.abs(leaf!.notAfter - (at + 3 * day)) < 30_000)
  for (const validity of [0, 366, 1.5, -1])
    await assert.rejects(chainFor(signingRequest('P-256'), { validity }), /validity/)

  const other = await startTestServer()
  try {
    // No maintenance runs here: the issuing certificate comes to its end without a successor.
    other.advance(10 * 365 * day - 100 * day)
    const late = await newKey(other, {
      'key-type': 'certificate',
      csr: signingRequest('P-256'),
      validity: 365,
    })
    const [young, issuing] = certificatesOf(String(late.document.certificate))
    assert.equal(young!.notAfter, issuing!.notAfter)
  } finally {
    await other.close()
  }
})

test('every address in the certificates answers, literally as it is written there, for every tenant', async () => {
  for (const tenant of [server.tenant, acme]) {
    const { chain } = await chainFor(signingRequest('P-256'), {}, tenant)
    const [leaf, issuing, root] = certificatesOf(chain) as [Certificate, Certificate, Certificate]
    const prefix = tenant === acme ? `${server.pkiUrl}/tenants/acme/pki/` : `${server.pkiUrl}/pki/`
    for (const [certificate, issuer] of [
      [leaf, issuing],
      [issuing, root],
    ] as const) {
      const { crl, ocsp, issuer: above } = addressesIn(certificate)
      assert.ok(crl && above)
      assert.ok(crl.startsWith(`${prefix}crl/`) && above.startsWith(`${prefix}certs/`))
      assert.equal(ocsp, certificate === leaf ? `${prefix}ocsp` : undefined)
      const answer = await fetched(server, above)
      assert.equal(answer.headers['content-type'], 'application/pkix-cert')
      assert.deepEqual(parseCertificate(answer.bytes).raw, issuer.raw)
      assert.equal((await fetched(server, crl)).headers['content-type'], 'application/pkix-crl')
    }
    assert.deepEqual(addressesIn(root), { crl: undefined, ocsp: undefined, issuer: undefined })
  }
})

test('tenants share no authority: the certificate of one does not verify under the other', async () => {
  const { chain } = await chainFor(signingRequest('P-256'), {}, acme)
  shop.write('acme.pem', leafPem(chain))
  shop.write('default-ca.pem', (await fetched(server, `${server.pkiUrl}/pki/ca.pem`)).text)
  shop.write('acme-ca.pem', (await fetched(server, `${server.pkiUrl}/tenants/acme/pki/ca.pem`)).text)
  shop.write('sent.pem', chain)
  const under = (ca: string) =>
    shop.openssl('verify', '-x509_strict', '-no-CApath', '-CAfile', ca, '-untrusted', 'sent.pem', 'acme.pem')
  assert.equal((await under('acme-ca.pem')).words, 'acme.pem: OK\n')
  assert.notEqual((await under('default-ca.pem')).status, 0)
})

test('signing requests without possession, with a weak key, or that are something else are refused with what is wrong', async () => {
  const good = signingRequest('P-256')
  const spoilt = Buffer.from(good.replace(/-----.*-----|\s/g, ''), 'base64')
  spoilt[spoilt.length - 1]! ^= 1
  const asCsr = (der: Buffer) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  await shop.openssl('genrsa', '-out', 'weak.key', '1024')
  await shop.openssl('req', '-new', '-key', 'weak.key', '-subj', '/CN=weak', '-out', 'weak.csr')
  await shop.openssl('ecparam', '-name', 'secp256k1', '-genkey', '-noout', '-out', 'koblitz.key')
  await shop.openssl('req', '-new', '-key', 'koblitz.key', '-subj', '/CN=k', '-out', 'koblitz.csr')
  await shop.openssl('req', '-new', '-key', 'weak.key', '-sha1', '-subj', '/CN=old', '-out', 'sha1.csr')
  const cases: readonly [string, string, RegExp][] = [
    ['a signature by another key', asCsr(spoilt), /signature|possess/i],
    ['RSA of 1024 bits', shop.read('weak.csr').toString(), /1024/],
    ['an unusual curve', shop.read('koblitz.csr').toString(), /curve|secp256k1/i],
    ['a digest of SHA-1', shop.read('sha1.csr').toString(), /signed|signature|SHA-1|1024/i],
    ['a certificate', pemOf(certificatesOf((await chainFor(good)).chain)[0]!.raw), /certificate/i],
    ['a private key', shop.read('weak.key').toString(), /private key/i],
    ['nothing', '', /empty|csr/i],
  ]
  for (const [what, csr, why] of cases) await assert.rejects(chainFor(csr), why, what)
})
