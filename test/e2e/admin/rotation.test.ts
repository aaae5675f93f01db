import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildCsr } from '../../../src/crypto/csr.ts'
import { encodePem } from '../../../src/crypto/pem.ts'
import { certificateThumbprint } from '../../../src/crypto/thumbprint.ts'
import { askWith, type Ca, newPair, newRoot, pkcs8, trust } from '../../support/senders.ts'
import { basic } from '../../support/server.ts'
import { type Json, startAdminWorld, told } from './world.ts'

const day = 86_400_000

const { server, admin, newKey, close } = await startAdminWorld()
after(close)

let ca: Ca
before(async () => {
  ca = newRoot('rotating')
  await trust(server, ca)
})

interface Shown {
  pinned: boolean | null
  expiresAt: string | null
  previousSecretUntil: string | null
  certificates: {
    thumbprint: string
    serial: string
    notAfter: string
    acceptedUntil: string | null
    state: string
    reason?: string
  }[]
}
const show = async (instance: string, name = 'key') =>
  (await admin.call('GET', `/instances/${instance}/keys/${name}`)).json<Shown>()
const rotate = (instance: string, body: Json = {}) =>
  admin.call('POST', `/instances/${instance}/keys/key/rotation`, body)

/** An instance with one key of these parameters. */
async function keyOf(instance: string, parameters: Json, instanceParameters: Json = {}) {
  await admin.call('POST', '/instances', { name: instance, parameters: instanceParameters })
  const answer = await admin.call('POST', `/instances/${instance}/keys`, { name: 'key', parameters })
  assert.equal(answer.status, 201, answer.text)
  return answer.json<Document>()
}
interface Document {
  clientid: string
  certificate: string
  key: string
  certificatedetails: { serialnumber: string; validuntil: string }
}
const issuedOf = (instance: string, more: Json = {}, instanceParameters: Json = {}) =>
  keyOf(
    instance,
    { 'key-type': 'certificate', 'key-length': 256, validity: 100, ...more },
    instanceParameters,
  )
const senderOf = ({ certificate: cert, key }: Document) => ({ credential: { cert, key } })
const statusOf = async (document: Document) => (await askWith(server, senderOf(document))).status

const secretStatus = async (key: { clientid: string; clientsecret: string }) =>
  (
    await server.call('/oauth/token', {
      method: 'POST',
      headers: { Authorization: basic(key) },
      body: { grant_type: 'client_credentials' },
    })
  ).status

test('a rotated secret works beside the old one for the overlap, and alone after it', async () => {
  const old = await newKey('secret', { 'certificate-overlap': 3 })
  const answer = await rotate('secret')
  assert.equal(answer.status, 201)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const made = answer.json<typeof old>()
  assert.equal(made.clientid, old.clientid)
  assert.notEqual(made.clientsecret, old.clientsecret)
  assert.deepEqual([await secretStatus(old), await secretStatus(made)], [200, 200])
  const until = Date.parse((await show('secret')).previousSecretUntil!)
  assert.ok(Math.abs(until - server.now() - 3 * day) < 60_000)
  server.advance(3 * day + 1000)
  assert.deepEqual([await secretStatus(old), await secretStatus(made)], [401, 200])
  assert.equal((await show('secret')).previousSecretUntil, null)
})

test('without an overlap the old secret is refused at once; a second rotation ends the first one before', async () => {
  const first = await newKey('at-once')
  const second = (await rotate('at-once', { overlapDays: 5 })).json<typeof first>()
  const third = (await rotate('at-once', { overlapDays: 5 })).json<typeof first>()
  assert.deepEqual(
    [await secretStatus(first), await secretStatus(second), await secretStatus(third)],
    [401, 200, 200],
  )
  const fourth = (await rotate('at-once', { overlapDays: 0 })).json<typeof first>()
  assert.deepEqual([await secretStatus(third), await secretStatus(fourth)], [401, 200])
})

test('an issued certificate is accepted beside its successor for the overlap, and the list says until when', async () => {
  const old = await issuedOf('issued')
  const made = (await rotate('issued', { overlapDays: 2 })).json<Document>()
  assert.equal(made.clientid, old.clientid)
  assert.ok(made.key.includes('PRIVATE KEY'))
  assert.deepEqual([await statusOf(old), await statusOf(made)], [200, 200])
  const shown = await show('issued')
  assert.deepEqual(
    shown.certificates.map(({ state }) => state),
    ['overlap', 'active'],
  )
  assert.ok(Math.abs(Date.parse(shown.certificates[0]!.acceptedUntil!) - server.now() - 2 * day) < 60_000)
  assert.equal(shown.expiresAt, shown.certificates[1]!.notAfter)
  assert.equal(shown.expiresAt, made.certificatedetails.validuntil)
  server.advance(2 * day + 1000)
  assert.deepEqual([await statusOf(old), await statusOf(made)], [401, 200])
  const later = await show('issued')
  assert.deepEqual(
    later.certificates.map(({ state }) => state),
    ['superseded', 'active'],
  )
  assert.match(later.certificates[0]!.reason!, /renewed, and accepted until/)
})

test('a successor is as long as its predecessor, unless it is told otherwise; then so are those after it', async () => {
  const days = ({ certificatedetails }: Document) =>
    Math.round((Date.parse(certificatedetails.validuntil) - server.now()) / day)
  assert.equal(days(await issuedOf('lengths')), 100)
  assert.equal(days((await rotate('lengths')).json()), 100)
  assert.equal(days((await rotate('lengths', { parameters: { validity: 30 } })).json()), 30)
  assert.equal(days((await rotate('lengths')).json()), 30)
})

test('a successor is issued for a signing request, too; then there is no private key to hand out', async () => {
  await issuedOf('by-request')
  const pair = newPair()
  const subject = [{ type: 'CN', value: 'whatever the request says' }]
  const csr = encodePem('CERTIFICATE REQUEST', buildCsr({ subject, key: pair.privateKey }))
  const made = (await rotate('by-request', { parameters: { csr } })).json<Document>()
  assert.equal('key' in made, false)
  assert.equal(await statusOf({ ...made, key: pkcs8(pair) }), 200)
  const refused = await rotate('by-request', { parameters: { csr, 'key-length': 256 } })
  assert.equal(refused.status, 400)
  assert.match(told(refused), /leave key-length out/)
})

test('an external certificate is succeeded by another one, not by itself and not by that of another key', async () => {
  const [first, second, third] = [ca.issue({ cn: 'r' }), ca.issue({ cn: 'r' }), ca.issue({ cn: 'other' })]
  const external = (pem: string) => ({ 'key-type': 'certificate_external', 'X.509': pem })
  await keyOf('external', external(first.pem))
  await keyOf('external-two', external(third.pem))
  for (const [parameters, status, says] of [
    [{}, 400, /the certificate is missing/],
    [{ 'X.509': first.pem }, 409, /held by key key of instance external already/],
    [{ 'X.509': third.pem }, 409, /held by key key of instance external-two already/],
    [{ 'X.509': second.pem, 'certificate-pinning': false }, 400, /does not change the pinning.*pinned/],
    [{ 'X.509': second.pem, 'key-type': 'certificate' }, 400, /certificate/],
  ] as const) {
    const answer = await rotate('external', { parameters })
    assert.equal(answer.status, status, JSON.stringify(parameters))
    assert.match(told(answer), says)
  }
  assert.equal((await show('external')).certificates.length, 1, 'a refused rotation leaves nothing')
  assert.equal(
    (await rotate('external', { overlapDays: 1, parameters: { 'X.509': second.pem } })).status,
    201,
  )
  const status = async (sender: typeof first) => (await askWith(server, sender)).status
  assert.deepEqual([await status(first), await status(second)], [200, 200])
  server.advance(day + 1000)
  assert.deepEqual([await status(first), await status(second)], [401, 200])
  assert.deepEqual(
    (await show('external')).certificates.map(({ thumbprint, state }) => [thumbprint, state]),
    [
      [first.thumbprint, 'superseded'],
      [second.thumbprint, 'active'],
    ],
  )
})

test('a key that names what a certificate must have is not rotated, and no certificate becomes a name', async () => {
  const names = { tls_client_auth_san_dns: 'sender.example', issuer: ca.pem }
  await keyOf('named', { 'key-type': 'certificate_external', ...names })
  const unpinned = ca.issue({ cn: 'unpinned' })
  await keyOf('unpinned', {
    'key-type': 'certificate_external',
    'X.509': unpinned.pem,
    'certificate-pinning': false,
  })
  for (const answer of [
    await rotate('named', { parameters: { 'X.509': ca.issue({ cn: 'x' }).pem } }),
    await rotate('unpinned', { parameters: { ...names, tls_client_auth_san_dns: 'other.example' } }),
  ]) {
    assert.equal(answer.status, 400, answer.text)
    assert.match(told(answer), /a name in a certificate is not rotated/)
  }
  assert.deepEqual((await show('named')).certificates, [])
  assert.equal((await show('named')).pinned, false)
})

test('a rotation keeps the type, and says so to whoever asks for another', async () => {
  await newKey('typed')
  for (const parameters of [
    { 'key-type': 'certificate' },
    { 'credential-type': 'x509', x509: { validity: 30 } },
    { 'key-type': 'certificate_external', 'X.509': ca.issue().pem },
  ]) {
    const answer = await rotate('typed', { parameters })
    assert.equal(answer.status, 400)
    assert.match(told(answer), /does not change the type of a key: key is of type secret/)
  }
  for (const parameters of [{ 'key-type': 'secret' }, { 'credential-type': 'binding-secret' }, {}])
    assert.equal((await rotate('typed', { parameters })).status, 201, JSON.stringify(parameters))
})

test('what a rotation does not understand is refused by name', async () => {
  for (const [body, says] of [
    [{ overlapDays: -1 }, /overlapDays/],
    [{ overlapDays: 366 }, /overlapDays/],
    [{ overlapDays: '7' }, /overlapDays/],
    [{ overlap: 7 }, /overlap/],
    [{ parameters: { overlapDays: 7 } }, /unknown member overlapDays/],
    [{ parameters: { validity: 30 } }, /unknown member validity/],
    [{ parameters: [] }, /parameters/],
  ] as const) {
    const answer = await rotate('typed', body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.match(told(answer), says)
  }
  for (const path of ['/instances/nothing/keys/key/rotation', '/instances/typed/keys/nothing/rotation'])
    assert.equal((await admin.call('POST', path, {})).status, 404)
})

test('ten certificates of a key are accepted at once, and an eleventh is not made', async () => {
  await issuedOf('many')
  for (let i = 1; i < 10; i++) assert.equal((await rotate('many', { overlapDays: 5 })).status, 201)
  const beyond = await rotate('many', { overlapDays: 5 })
  assert.equal(beyond.status, 409)
  assert.match(told(beyond), /the limit is 10/)
  server.advance(6 * day)
  assert.equal((await rotate('many', { overlapDays: 5 })).status, 201)
})

test('of rotations at the same time each makes a credential of its own, and the last ones count', async () => {
  await issuedOf('race')
  const made = await Promise.all(Array.from({ length: 4 }, () => rotate('race', { overlapDays: 0 })))
  assert.ok(made.every(({ status }) => status === 201))
  const statuses = await Promise.all(made.map(answer => statusOf(answer.json())))
  assert.deepEqual(statuses.sort(), [200, 401, 401, 401])
  const states = (await show('race')).certificates.map(({ state }) => state)
  assert.deepEqual(states.sort(), ['active', 'superseded', 'superseded', 'superseded', 'superseded'])
})

test('the thumbprints in a list are those of the certificates', async () => {
  const { certificate } = await issuedOf('thumbs')
  const [shown] = (await show('thumbs')).certificates
  const der = Buffer.from(
    certificate.split('-----END')[0]!.replace('-----BEGIN CERTIFICATE-----', ''),
    'base64',
  )
  assert.equal(shown?.thumbprint, certificateThumbprint(der))
})

test('a key that is rotated again and again keeps the last of what it had, and an end is put to it', async () => {
  await issuedOf('again', { validity: 365 })
  for (let i = 0; i < 30; i++) {
    assert.equal((await rotate('again', { overlapDays: 0 })).status, 201)
    server.advance(day)
  }
  const { certificates } = await show('again')
  assert.ok(certificates.length >= 20 && certificates.length <= 25, `${certificates.length}`)
  assert.equal(certificates.at(-1)?.state, 'active')
  assert.ok(certificates.slice(0, -1).every(({ state }) => state === 'superseded'))
})
