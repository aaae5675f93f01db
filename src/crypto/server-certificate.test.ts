import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { openssl } from '../../test/support/openssl.ts'
import { parseCertificate } from './certificate.ts'
import { DerError } from './der.ts'
import { parseCertificateExtensions } from './extensions/index.ts'
import { formatName } from './names.ts'
import { OID } from './oids.ts'
import { encodePem } from './pem.ts'
import { issueServerCertificate, makeRoot } from './server-certificate.ts'

const day = 86_400_000
const random = randomBytes
// The TLS handshake below looks at the clock of the machine, so these certificates must be valid today.
const now = Date.now()
const root = makeRoot({ commonName: 'Countersign server root', now, random })
const hosts = ['localhost', '127.0.0.1', '::1']
const server = issueServerCertificate({ root, hosts, now, random })
const extensionsOf = (der: Buffer) => parseCertificateExtensions(parseCertificate(der).extensions)
const issue = (more: object) => issueServerCertificate({ root, hosts, now, random, ...more })

describe('the root', () => {
  test('is a P-256 authority for leaf certificates and revocation lists, and bears its name', () => {
    const { subject, issuer, spki } = parseCertificate(root.der)
    const { basicConstraints, keyUsage, authorityKeyIdentifier, subjectKeyIdentifier, unknownCritical } =
      extensionsOf(root.der)
    assert.equal(formatName(subject), 'CN=Countersign server root')
    assert.deepEqual(issuer, subject)
    assert.equal(spki.algorithm.oid, OID.ecPublicKey)
    assert.deepEqual(basicConstraints, { ca: true, pathLength: 0 })
    assert.deepEqual(keyUsage, ['keyCertSign', 'cRLSign'])
    assert.deepEqual(authorityKeyIdentifier, { keyId: subjectKeyIdentifier })
    assert.deepEqual(unknownCritical, [])
  })

  test('is valid for ten years from five minutes ago', () => {
    const { notBefore, notAfter } = parseCertificate(root.der)
    assert.equal(notBefore, Math.floor((now - 300_000) / 1000) * 1000)
    assert.equal(notAfter, notBefore + 3652 * day - 1000)
  })

  test('can be made for a key that exists', () => {
    const keyPair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    const made = makeRoot({ commonName: 'a', now, random, keyPair })
    assert.ok(new X509Certificate(made.pem).checkPrivateKey(keyPair.privateKey))
    assert.ok(new X509Certificate(made.pem).verify(keyPair.publicKey))
  })
})

describe('a server certificate', () => {
  test('says what a TLS server may do, and its names by their kinds', () => {
    const { subjectAltName, ...extensions } = extensionsOf(server.der)
    assert.deepEqual(extensions.extendedKeyUsage, [OID.serverAuth])
    assert.deepEqual(extensions.keyUsage, ['digitalSignature'])
    assert.deepEqual(extensions.basicConstraints, { ca: false })
    assert.deepEqual(extensions.authorityKeyIdentifier, {
      keyId: extensionsOf(root.der).subjectKeyIdentifier,
    })
    assert.deepEqual(subjectAltName, [
      { kind: 'dns', value: 'localhost' },
      { kind: 'ip', value: '127.0.0.1' },
      { kind: 'ip', value: '::1' },
    ])
  })

  test('is valid for 397 days in all, beginning five minutes ago', () => {
    const { notBefore, notAfter } = parseCertificate(server.der)
    assert.equal(notBefore, Math.floor((now - 300_000) / 1000) * 1000)
    assert.equal(notAfter, notBefore + 397 * day - 1000)
  })

  test('never outlives its root', () => {
    const { notAfter } = parseCertificate(root.der)
    assert.equal(parseCertificate(issue({ now: notAfter - day }).der).notAfter, notAfter)
  })

  test('has a serial number of its own', () => {
    assert.notEqual(parseCertificate(issue({}).der).serial, parseCertificate(server.der).serial)
    assert.ok(parseCertificate(server.der).serial > 2n ** 128n)
  })

  test('names each host once, in lower case, IPv6 also from brackets', () => {
    const { der } = issue({ hosts: ['A.example', 'a.example', '[::1]', '0:0:0:0:0:0:0:1', '*.b.example'] })
    assert.deepEqual(extensionsOf(der).subjectAltName, [
      { kind: 'dns', value: 'a.example' },
      { kind: 'ip', value: '::1' },
      { kind: 'dns', value: '*.b.example' },
    ])
  })

  test('for a host too long for a common name has an empty subject and critical names', () => {
    const { der } = issue({ hosts: [`${'a'.repeat(60)}.example`] })
    const certificate = parseCertificate(der)
    assert.equal(formatName(certificate.subject), '')
    assert.ok(certificate.extensions.find(({ oid }) => oid === OID.subjectAltName)?.critical)
    verifiedByOpenssl(der)
  })

  test('is verified by openssl, strictly, for its purpose and its names', () => {
    verifiedByOpenssl(server.der, ['-verify_hostname', 'localhost'])
    for (const ip of ['127.0.0.1', '::1']) verifiedByOpenssl(server.der, ['-verify_ip', ip])
  })

  test('is not verified by openssl for a client, for another name, or as an authority', () => {
    const fails = (args: string[]) =>
      assert.throws(() => verifiedByOpenssl(server.der, args), /verification failed/)
    fails(['-purpose', 'sslclient'])
    fails(['-purpose', 'crlsign'])
    fails(['-verify_hostname', 'example.com'])
    fails(['-verify_ip', '127.0.0.2'])
    fails(['-attime', String(Math.floor(now / 1000) + 400 * 86_400)])
  })

  test('is what Node takes it for', () => {
    const theirs = new X509Certificate(server.pem)
    assert.ok(theirs.checkIssued(new X509Certificate(root.pem)))
    assert.ok(theirs.verify(root.publicKey))
    assert.ok(theirs.checkPrivateKey(server.privateKey))
    assert.ok(!theirs.ca)
    assert.equal(theirs.checkHost('localhost'), 'localhost')
    assert.equal(theirs.checkIP('::1'), '::1')
    assert.deepEqual(theirs.keyUsage, [OID.serverAuth])
  })

  for (const [title, more] of [
    ['no host', { hosts: [] }],
    ['an empty host', { hosts: [''] }],
    ['a host with a port', { hosts: ['localhost:8443'] }],
    ['a URL', { hosts: ['https://localhost'] }],
    ['a host that is not ASCII', { hosts: ['bücher.example'] }],
    ['a broken IP address', { hosts: ['[::1'] }],
    ['398 days', { days: 398 }],
    ['0 days', { days: 0 }],
    ['no number of days', { days: Number.NaN }],
    ['a root that has ended', { now: now + 3653 * day }],
  ] as const)
    test(`is not issued for ${title}`, () => assert.throws(() => issue(more), DerError))
})

describe('a TLS handshake on loopback', () => {
  const listener = createServer(
    { key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: server.pem },
    (_, response) => response.end('hello'),
  )
  before(async () => {
    listener.listen(0, '::')
    await once(listener, 'listening')
  })
  after(() => {
    listener.closeAllConnections()
    listener.close()
  })

  async function get(host: string, ca: string, servername?: string): Promise<string> {
    const { port } = listener.address() as AddressInfo
    const sent = request({ host, port, ca, agent: false, ...(servername && { servername }) }).end()
    const [response] = await once(sent, 'response')
    const [body] = await once(response, 'data')
    return String(body)
  }

  for (const host of hosts)
    test(`succeeds for ${host}`, async () => assert.equal(await get(host, root.pem), 'hello'))

  test('fails for another name', async () => {
    await assert.rejects(get('127.0.0.1', root.pem, 'example.com'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  test('fails for who trusts another root of the same name', async () => {
    const other = makeRoot({ commonName: 'Countersign server root', now, random })
    await assert.rejects(get('localhost', other.pem), /unable to (verify|get)/)
  })
})

function verifiedByOpenssl(der: Buffer, args: readonly string[] = []): void {
  openssl(['verify', '-x509_strict', '-purpose', 'sslserver', ...args, '-CAfile', 'root.pem', 'server.pem'], {
    'root.pem': root.pem,
    'server.pem': encodePem('CERTIFICATE', der),
  })
}
