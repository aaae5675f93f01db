import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { parseCertificate } from '../../../src/crypto/certificate.ts'
import { crlStatus, parseCrl, verifyCrl } from '../../../src/crypto/crl/index.ts'
import { readCertificateInput } from '../../../src/crypto/pem.ts'
import { certificateFingerprint, certificateThumbprint } from '../../../src/crypto/thumbprint.ts'
import { openssl } from '../../support/openssl.ts'
import { askWith, holds, newRoot, trust } from '../../support/senders.ts'
import { callUrl, orThrow } from '../../support/server.ts'
import { adminWith, allRoles, type Json, startAdminWorld, told } from './world.ts'

const { server, services, admin, close } = await startAdminWorld()
after(close)

let count = 0
/** A key with an issued certificate, in an instance of its own. */
async function issued(from = admin) {
  const instance = `revoked-${++count}`
  await from.call('POST', '/instances', { name: instance })
  const parameters = { 'key-type': 'certificate', 'key-length': 256 }
  const answer = await from.call('POST', `/instances/${instance}/keys`, { name: 'key', parameters })
  const { certificate: cert, key } = answer.json<{ certificate: string; key: string }>()
  const [leaf, issuer] = readCertificateInput(cert).map(der => parseCertificate(der))
  const serial = leaf!.serial.toString(16)
  return { instance, serial, leaf: leaf!, issuer: issuer!, credential: { cert, key } }
}
type Issued = Awaited<ReturnType<typeof issued>>

const revoke = (name: string, body: Json = {}) => admin.call('POST', `/certificates/${name}/revocation`, body)
const status = async (sender: Issued) => (await askWith(server, sender)).status

/** What the published list says of a certificate. */
async function listed({ leaf, issuer }: Issued) {
  const { certificates } = (await admin.call('GET', '/authority')).json<{
    certificates: { id: string; role: string; fingerprint: string }[]
  }>()
  const { id } = certificates.find(({ fingerprint }) => fingerprint === certificateFingerprint(issuer.raw))!
  const { bytes } = await callUrl(`${server.pkiUrl}/pki/crl/${id}.crl`, '', {})
  const verified = verifyCrl(parseCrl(bytes), issuer)
  assert.ok(verified.ok)
  return crlStatus(verified.crl, { certificate: leaf, issuer, now: server.now(), skewMs: 60_000 })
}

test('a certificate is named by its serial number or its thumbprint, however these are written', async () => {
  const forms: ((one: Issued) => string)[] = [
    one => one.serial,
    one => `0x${one.serial.toUpperCase()}`,
    one => one.serial.toUpperCase().match(/../g)!.join(':'),
    one => certificateThumbprint(one.leaf.raw),
    one => certificateFingerprint(one.leaf.raw),
    one => certificateFingerprint(one.leaf.raw).toUpperCase().match(/../g)!.join(':'),
    ({ credential: { cert } }) =>
      openssl(['x509', '-noout', '-serial', '-in', 'c.pem'], { 'c.pem': cert }).trim().replace('serial=', ''),
  ]
  for (const nameOf of forms) {
    const sender = await issued()
    assert.equal(await status(sender), 200)
    const answer = await revoke(nameOf(sender), { reason: 'keyCompromise' })
    assert.equal(answer.status, 200, answer.text)
    const { revokedAt, ...rest } = answer.json()
    assert.ok(Math.abs(Date.parse(String(revokedAt)) - server.now()) < 60_000)
    assert.equal(rest.serial, sender.serial)
    assert.equal(rest.reason, 'keyCompromise')
    assert.match(String(rest.subject), /^CN=sb-[0-9a-f-]{36},OU=revoked-\d+,O=default$/)
    assert.equal(await status(sender), 401, 'on the very next request')
    assert.equal((await listed(sender)).status, 'revoked')
  }
})

test('every reason is kept, and shown by the list and the key; without one it is unspecified', async () => {
  for (const reason of [
    undefined,
    'unspecified',
    'keyCompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
    'privilegeWithdrawn',
  ]) {
    const sender = await issued()
    assert.equal((await listed(sender)).status, 'good')
    const answer = await revoke(sender.serial, reason === undefined ? undefined : { reason })
    assert.equal(answer.json().reason, reason ?? 'unspecified')
    const found = await listed(sender)
    assert.equal(found.status === 'revoked' && found.reason, reason ?? 'unspecified')
    const key = (await admin.call('GET', `/instances/${sender.instance}/keys/key`)).json<{
      expiresAt: string | null
      certificates: { state: string; reason: string }[]
    }>()
    assert.equal(key.certificates[0]?.state, 'revoked')
    assert.match(key.certificates[0]?.reason ?? '', /revoked on \d{4}-/)
    assert.equal(key.expiresAt, null)
  }
})

test('what was revoked stays revoked, and what nobody issued cannot be', async () => {
  const sender = await issued()
  await revoke(sender.serial)
  const again = await revoke(sender.serial)
  assert.equal(again.status, 409)
  assert.match(told(again), /revoked on .* already/)
  const root = newRoot('foreign')
  await trust(server, root)
  const external = root.issue()
  await holds(server, external)
  for (const name of [external.thumbprint, '00', '0x', 'nothing', '-', `${sender.serial}0`, 'f'.repeat(64)]) {
    const answer = await revoke(name)
    assert.equal(answer.status, 404, name)
    assert.match(told(answer), /issued no such certificate \| .*countersign key show/)
  }
  for (const body of [{ reason: 'cACompromise' }, { reason: 7 }, { why: 'x' }, [], 'null'])
    assert.equal((await revoke(sender.serial, body as Json)).status, 400, JSON.stringify(body))
})

test('a certificate of another tenant is not there', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  const theirs = await issued(adminWith(server, await server.adminToken(...allRoles), '/tenants/acme'))
  assert.equal((await revoke(theirs.serial)).status, 404)
  assert.equal((await revoke(certificateThumbprint(theirs.leaf.raw))).status, 404)
  assert.equal((await services.store.read.issued.bySerialIn(acme.id, theirs.serial))?.revokedAt, undefined)
})

test('a revoked certificate has a successor when its key is rotated', async () => {
  const sender = await issued()
  await revoke(sender.serial, { reason: 'keyCompromise' })
  const made = await admin.call('POST', `/instances/${sender.instance}/keys/key/rotation`, {})
  assert.equal(made.status, 201)
  const { certificate: cert, key } = made.json<{ certificate: string; key: string }>()
  assert.equal((await askWith(server, { credential: { cert, key } })).status, 200)
  assert.equal(await status(sender), 401, 'the overlap is not for what was revoked')
})

test('with its key or its instance deleted, what was issued is in the revocation list', async () => {
  for (const deleted of ['/keys/key', '']) {
    const sender = await issued()
    const other = await issued()
    assert.equal((await admin.call('DELETE', `/instances/${sender.instance}${deleted}`)).status, 204)
    assert.equal(await status(sender), 401)
    const found = await listed(sender)
    assert.equal(found.status === 'revoked' && found.reason, 'cessationOfOperation')
    assert.equal((await listed(other)).status, 'good')
    assert.equal((await revoke(sender.serial)).status, 409)
  }
})
