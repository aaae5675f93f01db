import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rollOverAuthority } from '../../../src/core/authority/index.ts'
import { deleteKey, renewCertificate, revokeCertificate, rotateKey } from '../../../src/core/broker/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { type Certificate, parseCertificate } from '../../../src/crypto/certificate.ts'
import { buildCsr } from '../../../src/crypto/csr.ts'
import { contextConstructed, encodeTlv, integer, sequence } from '../../../src/crypto/der.ts'
import {
  certificateExtensions as kinds,
  parseCertificateExtensions,
} from '../../../src/crypto/extensions/index.ts'
import { formatName, nameEquals } from '../../../src/crypto/names.ts'
import { OID } from '../../../src/crypto/oids.ts'
import { decodePem, encodePem } from '../../../src/crypto/pem.ts'
import { signDer } from '../../../src/crypto/signed.ts'
import { spkiOf } from '../../../src/crypto/spki.ts'
import { certificateThumbprint } from '../../../src/crypto/thumbprint.ts'
import { keyPair, named } from '../../support/chains.ts'
import { openssl } from '../../support/openssl.ts'
import {
  askWith,
  callMtls,
  derOf,
  holds,
  issued,
  newKey,
  newPair,
  newRoot,
  type Pair,
  pkcs8,
  trust,
} from '../../support/senders.ts'
import {
  type Answer,
  basic,
  callUrl,
  orThrow,
  startTestServer,
  type TestServer,
} from '../../support/server.ts'
import { newTenant } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'

const day = 86_400_000

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server.close())

type Credential = { readonly credential: { readonly cert: string; readonly key: string } }

const csrOf = (pair: Pair, more: Partial<Parameters<typeof buildCsr>[0]> = {}) =>
  encodePem('CERTIFICATE REQUEST', buildCsr({ subject: [], key: pair.privateKey, ...more }))

/** As only another program writes it. */
const opensslCsr = (algorithm: string, ...more: readonly string[]): string =>
  openssl(['req', '-new', '-newkey', algorithm, '-nodes', '-keyout', 'key', '-subj', '/CN=x', ...more])

const renew = (
  sender: Credential | undefined,
  body: string | Buffer,
  { path = '/pki/renew', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<Answer> => callMtls(server, path, sender, { method: 'POST', body, headers })

async function renewed(sender: Credential, path?: string): Promise<Credential> {
  const pair = newPair()
  const answer = await renew(sender, csrOf(pair), { ...(path && { path }) })
  assert.equal(answer.status, 200, answer.text)
  return { credential: { cert: answer.text, key: pkcs8(pair) } }
}

const statusOf = async (sender: Credential) => (await askWith(server, sender)).status
const certificateOf = ({ credential }: Credential): Certificate => parseCertificate(derOf(credential.cert))

async function assertRefused(answer: Answer, status: number, reason: RegExp) {
  assert.equal(answer.status, status, answer.text)
  const record = await decisionOf({ server }, answer)
  assert.match(record.reason, reason)
  return record
}

test('a certificate renews itself: the new one works, the old one too for the overlap, and then not', async () => {
  const old = await issued(server, {}, { certificateOverlap: 2 })
  const fresh = await renewed(old)
  assert.equal(await statusOf(fresh), 200)
  assert.equal(await statusOf(old), 200)
  server.advance(2 * day - 60_000)
  assert.equal(await statusOf(old), 200)
  server.advance(61_000)
  await assertRefused(await askWith(server, old), 401, /was renewed, and accepted beside its successor until/)
  assert.equal(await statusOf(fresh), 200)
})

test('the client stays the same, and so do the names and the length of validity', async () => {
  const old = await issued(server, { validity: 20 })
  const fresh = await renewed(old)
  assert.equal((await askWith(server, fresh, { client_id: old.clientid })).status, 200)
  const [before, now] = [certificateOf(old), certificateOf(fresh)]
  assert.equal(formatName(now.subject), formatName(before.subject))
  assert.notEqual(now.serial, before.serial)
  assert.ok(Math.abs(now.notAfter - (server.now() + 20 * day)) < 60_000)
})

test('nothing that a signing request asks for is copied: subject, names, CA, key usages', async () => {
  const old = await issued(server)
  const pair = newPair()
  const greedy = csrOf(pair, {
    subject: [
      { type: 'O', value: 'Somebody Else' },
      { type: 'CN', value: 'administrator' },
    ],
    extensions: [
      kinds.basicConstraints.build({ ca: true }),
      kinds.keyUsage.build(['keyCertSign', 'cRLSign']),
      kinds.extendedKeyUsage.build([OID.serverAuth]),
      kinds.subjectAltName.build([
        { kind: 'dns', value: 'victim.example' },
        { kind: 'uri', value: 'urn:uuid:00000000-0000-0000-0000-000000000000' },
      ]),
    ],
  })
  const answer = await renew(old, greedy)
  assert.equal(answer.status, 200, answer.text)
  const made = parseCertificate(derOf(answer.text))
  const before = certificateOf(old)
  assert.deepEqual(made.subject.raw, before.subject.raw)
  const read = (certificate: Certificate) => {
    const { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName } = parseCertificateExtensions(
      certificate.extensions,
    )
    return { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName }
  }
  assert.deepEqual(read(made), read(before))
  assert.deepEqual(
    made.extensions.map(({ oid }) => oid),
    before.extensions.map(({ oid }) => oid),
  )
  assert.ok(made.spki.raw.equals(spkiOf(pair.publicKey)))
})

test('without a certificate: 401, and the record says where and with what', async () => {
  const csr = csrOf(newPair())
  const answers = [
    await renew(undefined, csr),
    await server.call('/pki/renew', { method: 'POST', body: csr }),
    await callUrl(`${server.pkiUrl}/pki/renew`, server.ca, { method: 'POST', body: csr }),
  ]
  for (const answer of answers) {
    const record = await assertRefused(answer, 401, /who proves to hold it; the connection has none/)
    assert.ok(record.hint!.includes(`${server.mtlsUrl}/pki/renew`), record.hint)
  }
})

test('what does not authenticate does not renew: revoked, expired, succeeded, deleted, unknown', async () => {
  const { services } = server.server
  const csr = csrOf(newPair())
  const revoked = await issued(server)
  const { serialnumber } = revoked.document.certificatedetails as { serialnumber: string }
  orThrow(await revokeCertificate(server.tenant, serialnumber, 'superseded', services))
  await assertRefused(await renew(revoked, csr), 401, /the certificate was revoked/)

  const deleted = await issued(server)
  orThrow(await deleteKey(server.tenant, deleted.instance, 'key', services))
  await assertRefused(await renew(deleted, csr), 401, /no service key of the tenant holds/)

  const succeeded = await issued(server)
  const parameters = { 'key-length': 256 }
  const rotation = { overlapDays: 0, parameters }
  orThrow(await rotateKey(server.tenant, succeeded.instance, 'key', rotation, services))
  await assertRefused(
    await renew(succeeded, csr),
    401,
    /was renewed, and accepted beside its successor until/,
  )

  const expired = await issued(server, { validity: 1 })
  server.advance(day + 2000)
  await assertRefused(await renew(expired, csr), 401, /it was valid until/)

  await assertRefused(await renew(newRoot('unknown').issue(), csr), 401, /no service key of the tenant holds/)
})

test('a certificate that is revoked while it renews itself leaves nothing behind', async () => {
  const { services } = server.server
  const old = await issued(server)
  const der = derOf(old.credential.cert)
  const thumbprint = certificateThumbprint(der)
  const revokedFirst: typeof services.store.write = async work => {
    orThrow(await revokeCertificate(server.tenant, thumbprint, 'keyCompromise', services))
    return services.store.write(work)
  }
  const outrun = await renewCertificate(
    { der, thumbprint, chain: [] },
    { csr: csrOf(newPair()) },
    { tenant: server.tenant, source: '192.0.2.1' },
    { ...services, store: { ...services.store, write: revokedFirst } },
  )
  assert.ok(isProblem(outrun))
  assert.equal(outrun.code, 'invalid_client')
  assert.match(outrun.reason, /the certificate was revoked/)
  assert.equal((await services.store.read.keyCertificates.list(outrun.subject.credentialId!)).length, 1)
})

test('what an operator put in the place of a certificate is not ended by that one renewing itself', async () => {
  const { services } = server.server
  const old = await issued(server, {}, { certificateOverlap: 2 })
  const rotation = { parameters: { 'key-length': 256 } }
  const { document } = orThrow(await rotateKey(server.tenant, old.instance, 'key', rotation, services))
  const { certificate: cert, key } = document as unknown as { certificate: string; key: string }
  const byOperator = { credential: { cert, key } }
  const byItself = await renewed(old)
  server.advance(2 * day + 60_000)
  for (const sender of [byOperator, byItself]) assert.equal(await statusOf(sender), 200)
  assert.equal(await statusOf(old), 401)
})

test('a lost answer is asked for again; once a successor is in use, only that one renews', async () => {
  const { services } = server.server
  const old = await issued(server)
  await renewed(old)
  const fresh = await renewed(old)
  assert.equal(await statusOf(fresh), 200)
  await services.journal.flush()
  const record = await assertRefused(
    await renew(old, csrOf(newPair())),
    409,
    /a successor of this certificate is in use/,
  )
  assert.equal(record.clientId, old.clientid)
  assert.equal(await statusOf(old), 200)
  await renewed(fresh)
})

test('a certificate from elsewhere is renewed there', async () => {
  const ca = newRoot('elsewhere')
  await trust(server, ca)
  const sender = ca.issue()
  await holds(server, sender)
  await assertRefused(await renew(sender, csrOf(newPair())), 400, /was not issued here/)
  assert.equal(await statusOf(sender), 200)
})

test('a certificate renews its own key only, in its own tenant', async () => {
  const tenant = await newTenant(server, 'renewing')
  const key = await newKey(server, { 'key-type': 'certificate', 'key-length': 256 }, {}, tenant)
  const { certificate: cert, key: own } = key.document as { certificate: string; key: string }
  const old = { credential: { cert, key: own } }
  await assertRefused(await renew(old, csrOf(newPair())), 401, /no service key of the tenant holds/)
  const fresh = await renewed(old, '/tenants/renewing/pki/renew')
  assert.equal((await askWith(server, fresh, {}, { prefix: '/tenants/renewing' })).status, 200)
  assert.equal(await statusOf(fresh), 401)
})

test('a request that does not prove its key, or whose key is weak, is refused, and nothing changes', async () => {
  const old = await issued(server)
  const pair = newPair()
  const der = buildCsr({ subject: [], key: pair.privateKey })
  const spoilt = Buffer.from(der)
  spoilt[spoilt.length - 1]! ^= 1
  const others = signDer(
    sequence([
      integer(0),
      named('other'),
      spkiOf(keyPair('P-256', 7).publicKey),
      encodeTlv(contextConstructed(0), Buffer.alloc(0)),
    ]),
    pair.privateKey,
  )
  const pem = encodePem('CERTIFICATE REQUEST', der)
  const refused: readonly (readonly [string | Buffer, RegExp])[] = [
    [spoilt, /its signature was not made with its own key/],
    [others, /its signature was not made with its own key/],
    [opensslCsr('rsa:1024'), /1024/],
    [opensslCsr('ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'), /secp256k1|curve/],
    [opensslCsr('rsa:2048', '-sha1'), /SHA-1/],
    ['', /signing request/],
    ['garbage', /signing request/],
    [pem + pem, /give one at a time/],
    [pkcs8(pair), /private key/],
    [old.credential.cert, /certificate/],
    [der.subarray(0, 100), /./],
  ]
  for (const [body, reason] of refused) {
    const record = await assertRefused(await renew(old, body), 400, reason)
    assert.equal(record.reason.includes(pkcs8(pair).slice(40, 80)), false)
  }
  await assertRefused(await renew(old, Buffer.alloc(65 * 1024, 'A')), 413, /./)
  // Nothing has become of it: the certificate has no successor and so no end.
  server.advance(8 * day)
  assert.equal(await statusOf(old), 200)
})

test('DER and PEM are both taken; the answer is PEM, or JSON where that is asked for', async () => {
  const old = await issued(server)
  const pair = newPair()
  const der = buildCsr({ subject: [], key: pair.privateKey })
  const plain = await renew(old, der)
  assert.equal(plain.headers['content-type'], 'application/pem-certificate-chain')
  assert.equal(plain.headers['cache-control'], 'no-store')
  const sent = decodePem(plain.text).map(block => parseCertificate(block.der))
  assert.equal(sent.length, 2, 'what a sender sends: its certificate and the intermediate')
  assert.ok(!nameEquals(sent[1]!.subject, sent[1]!.issuer))
  const json = await renew(old, der, { headers: { Accept: 'application/json' } })
  const document = json.json<Record<string, string>>()
  assert.equal(document.clientid, old.clientid)
  assert.equal('key' in document, false)
  const fresh = { credential: { cert: document.certificate!, key: pkcs8(pair) } }
  assert.equal(await statusOf(fresh), 200)
})

test('another credential beside the certificate is refused', async () => {
  const old = await issued(server)
  const headers = { Authorization: basic(await server.sender()) }
  await assertRefused(await renew(old, csrOf(newPair()), { headers }), 400, /exactly one credential/)
})

test('no key has more than ten certificates at once', async () => {
  const old = await issued(server)
  let newest: Credential = old
  for (let i = 1; i < 10; i++) newest = await renewed(newest)
  const refused = await renew(newest, csrOf(newPair()))
  await assertRefused(refused, 409, /accepted at once/)
  for (const sender of [old, newest]) assert.equal(await statusOf(sender), 200)
  // When the overlap is over there is room again.
  server.advance(7 * day + 60_000)
  await assertRefused(await askWith(server, old), 401, /was renewed/)
  await renewed(newest)
})

test('other methods are told which one to use', async () => {
  const answer = await callMtls(server, '/pki/renew', await issued(server))
  assert.equal(answer.status, 405)
  assert.equal(answer.headers.allow, 'POST')
})

test('a certificate of the authority that is to follow can be asked for', async () => {
  const old = await issued(server)
  await rollOverAuthority(server.tenant, { leadDays: 30, overlapDays: 400 }, server.server.services)
  const active = await renewed(old)
  const next = await renewed(old, '/pki/renew?authority=next')
  const issuers = [old, active, next].map(sender => formatName(certificateOf(sender).issuer))
  assert.equal(issuers[0], issuers[1])
  assert.notEqual(issuers[0], issuers[2])
  for (const sender of [active, next]) assert.equal(await statusOf(sender), 200)
  const odd = await renew(old, csrOf(newPair()), { path: '/pki/renew?authority=other' })
  await assertRefused(odd, 400, /authority/)
})
