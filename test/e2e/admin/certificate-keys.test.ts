import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { parseCertificate } from '../../../src/crypto/certificate.ts'
import { buildCsr } from '../../../src/crypto/csr.ts'
import {
  certificateExtensions as kinds,
  parseCertificateExtensions,
} from '../../../src/crypto/extensions/index.ts'
import { OID } from '../../../src/crypto/oids.ts'
import { encodePem, readCertificateInput } from '../../../src/crypto/pem.ts'
import { importSpki } from '../../../src/crypto/spki.ts'
import { keyPair, named, type signings } from '../../support/chains.ts'
import { openssl } from '../../support/openssl.ts'
import { opensslKey } from '../../support/openssl-authority.ts'
import {
  askWith,
  type Ca,
  newPair,
  newRoot,
  pkcs8,
  selfSigned,
  sending,
  trust,
} from '../../support/senders.ts'
import { orThrow } from '../../support/server.ts'
import { adminWith, allRoles, type Json, startAdminWorld, told } from './world.ts'

const day = 86_400_000

const { server, services, admin, close } = await startAdminWorld()
after(close)

let ca: Ca
before(async () => {
  ca = newRoot('known')
  await trust(server, ca)
})

interface Document {
  clientid: string
  certificate: string
  key?: string
  tokenurl: string
  url: string
  createdate: string
  certificatedetails: { issuerdn: string; subjectdn: string; validuntil: string; serialnumber: string }
  warnings?: string[]
}

let count = 0
/** A key in an instance of its own. */
async function create(parameters: Json, from = admin) {
  const instance = `i-${++count}`
  await from.call('POST', '/instances', { name: instance })
  const answer = await from.call('POST', `/instances/${instance}/keys`, { name: 'key', parameters })
  return { instance, answer, document: answer.json<Document>() }
}
async function created(parameters: Json) {
  const made = await create(parameters)
  assert.equal(made.answer.status, 201, made.answer.text)
  return made
}
async function refused(parameters: Json, status: number, says: RegExp) {
  const { answer, instance } = await create(parameters)
  assert.equal(answer.status, status, `${JSON.stringify(parameters).slice(0, 200)}: ${answer.text}`)
  assert.match(told(answer), says)
  const { keys } = (await admin.call('GET', `/instances/${instance}/keys`)).json<{ keys: unknown[] }>()
  assert.deepEqual(keys, [], 'nothing is left of it')
}
const show = async (instance: string) =>
  (await admin.call('GET', `/instances/${instance}/keys/key`)).json<{
    pinned: boolean
    expiresAt: string
    certificates: { state: string; reason?: string; subject: string; issuer: string; serial: string }[]
  }>()
const external = (pem: string, more: Json = {}): Json => ({
  'key-type': 'certificate_external',
  'X.509': pem,
  ...more,
})
const status = async (sender: Parameters<typeof askWith>[1]) => (await askWith(server, sender)).status
const credentialOf = ({ certificate: cert, key }: Document) => ({ credential: { cert, key: key! } })

test('the documented JSON makes a certificate of a year with an RSA key of 2048 bits, and the documented members', async () => {
  const { document, instance } = await created({
    'key-type': 'certificate',
    validity: 365,
    'key-length': 2048,
  })
  assert.deepEqual(Object.keys(document).sort(), [
    'certificate',
    'certificatedetails',
    'clientid',
    'createdate',
    'key',
    'tokenurl',
    'url',
  ])
  assert.equal(document.tokenurl, `${server.mtlsUrl}/oauth/token`)
  assert.equal(document.url, server.mtlsUrl)
  const chain = readCertificateInput(document.certificate).map(der => parseCertificate(der))
  assert.equal(chain.length, 3)
  const [leaf] = chain
  assert.equal(importSpki(leaf!.spki.raw).asymmetricKeyDetails?.modulusLength, 2048)
  const { issuerdn, subjectdn, validuntil, serialnumber } = document.certificatedetails
  assert.match(issuerdn, /^CN=Countersign Issuing CA [0-9a-f]{8},O=default$/)
  assert.equal(subjectdn, `CN=${document.clientid.split('!')[0]},OU=${instance},O=default`)
  assert.equal(Date.parse(validuntil), leaf!.notAfter)
  assert.ok(Math.abs(leaf!.notAfter - server.now() - 365 * day) < 60_000)
  assert.equal(BigInt(serialnumber), leaf!.serial)
  assert.match(serialnumber, /^0x[0-9A-F]{40}$/)
  assert.equal(await status(credentialOf(document)), 200)
  const shown = await show(instance)
  assert.equal(shown.expiresAt, validuntil)
  assert.deepEqual(
    shown.certificates.map(({ state, subject, issuer }) => [state, subject, issuer]),
    [['active', subjectdn, issuerdn]],
  )
})

test('keys are of the lengths that are offered, of others they are refused', async () => {
  const kindOf = ({ certificate }: Document) => {
    const { asymmetricKeyType, asymmetricKeyDetails } = importSpki(
      parseCertificate(readCertificateInput(certificate)[0]!).spki.raw,
    )
    return `${asymmetricKeyType} ${asymmetricKeyDetails?.modulusLength ?? asymmetricKeyDetails?.namedCurve}`
  }
  for (const [length, kind] of [
    [256, 'ec prime256v1'],
    [384, 'ec secp384r1'],
    [3072, 'rsa 3072'],
  ] as const) {
    const { document } = await created({ 'key-type': 'certificate', 'key-length': length })
    assert.equal(kindOf(document), kind)
    assert.equal(await status(credentialOf(document)), 200)
  }
  for (const length of [0, 512, 1024, 2047, 8192, '2048', null])
    await refused({ 'key-type': 'certificate', 'key-length': length }, 400, /2048, 3072 or 4096/)
  for (const days of [0, 366, 1.5, '30', -1])
    await refused({ 'key-type': 'certificate', validity: days }, 400, /validity: must be/)
  await refused({ 'key-type': 'certificate', valdity: 30 }, 400, /unknown member valdity/)
  await refused({ 'key-type': 'certificate', authority: 'other' }, 400, /authority/)
})

test("a signing request's key is certified, and nothing else that it asks for", async () => {
  const pair = newPair()
  const csr = buildCsr({
    subject: [{ type: 'CN', value: 'ESBMessaging.send' }],
    key: pair.privateKey,
    extensions: [
      kinds.basicConstraints.build({ ca: true }),
      kinds.subjectAltName.build([{ kind: 'dns', value: 'admin.example' }]),
      kinds.extendedKeyUsage.build([OID.serverAuth]),
    ],
  })
  for (const text of [
    encodePem('CERTIFICATE REQUEST', csr),
    encodePem('NEW CERTIFICATE REQUEST', csr),
    encodePem('CERTIFICATE REQUEST', csr).replaceAll('\n', '\\n'),
    csr.toString('base64'),
  ]) {
    const { document } = await created({ 'key-type': 'certificate', csr: text })
    assert.equal(document.key, undefined)
    const leaf = parseCertificate(readCertificateInput(document.certificate)[0]!)
    const extensions = parseCertificateExtensions(leaf.extensions)
    assert.equal(extensions.basicConstraints?.ca, false)
    assert.deepEqual(extensions.extendedKeyUsage, [OID.clientAuth])
    assert.ok(extensions.subjectAltName?.every(name => 'value' in name && name.kind === 'uri'))
    assert.doesNotMatch(document.certificatedetails.subjectdn, /ESBMessaging/)
    assert.equal(await status(credentialOf({ ...document, key: pkcs8(pair) })), 200)
  }
})

test('a signing request that proves nothing, or is for a weak key, is refused', async () => {
  const good = buildCsr({ subject: [], key: newPair().privateKey })
  const forged = Buffer.from(good)
  forged[forged.length - 3]! ^= 1
  const weak = openssl(['req', '-new', '-key', 'key.pem', '-subj', '/CN=weak'], {
    'key.pem': pkcs8(keyPair('RSA 1024')),
  })
  for (const [csr, says] of [
    [encodePem('CERTIFICATE REQUEST', forged), /signing request is not accepted/],
    [weak, /signing request is not accepted: .*1024/],
    [ca.pem, /signing request is not accepted/],
    ['text', /signing request is not accepted/],
    ['', /signing request is not accepted/],
    [`${encodePem('CERTIFICATE REQUEST', good)}${opensslKey()}`, /signing request is not accepted/],
  ] as const)
    await refused({ 'key-type': 'certificate', csr }, 400, says)
})

test('an external certificate is read in every form in which people have it', async () => {
  const forms: ((der: Buffer, pem: string) => string)[] = [
    (_, pem) => pem,
    (_, pem) => pem.replaceAll('\n', '\\n'),
    (_, pem) => pem.replaceAll('\n', '\r\n'),
    (_, pem) => pem.trimEnd(),
    (_, pem) => pem.replaceAll('\n', ' '),
    (_, pem) => `\ufeff\n  ${pem}`,
    (_, pem) => encodeURIComponent(pem),
    (_, pem) => new URLSearchParams({ x: pem }).toString().slice(2),
    der => der.toString('base64'),
    (_, pem) => Buffer.from(pem).toString('base64'),
    (_, pem) => `Bag Attributes: <No Attributes>\nsubject=CN = sender\n${pem}`,
  ]
  for (const [i, form] of forms.entries()) {
    const sender = ca.issue({ cn: `form ${i}` })
    const parameters = { ...external(form(sender.der, sender.pem)), validity: 365, 'key-length': 2048 }
    const { document } = await created(parameters)
    assert.equal(document.certificate, sender.pem, 'it is given back as it should be written')
    assert.equal('key' in document, false)
    assert.equal(document.certificatedetails.subjectdn, `CN=form ${i},O=Example`)
    assert.equal(await status(sender), 200)
  }
})

test('what is no certificate of a sender is refused with what is wrong with it', async () => {
  const sender = ca.issue({ cn: 'wrong' })
  const below = ca.intermediate('below')
  for (const [pem, says] of [
    [
      sender.pem + ca.pem,
      /it holds 2 certificates, a chain: .*alone, CN=wrong,O=Example \| .*countersign trust add/,
    ],
    [ca.pem + sender.pem, /a chain: .*alone, CN=wrong,O=Example/],
    [ca.pem + newRoot('stranger').pem, /a chain: .*alone \|/],
    [sender.der.subarray(0, 300).toString('base64'), /cannot be read as a certificate: .*cut off/],
    [ca.pem, /the certificate of an authority, not of a sender/],
    [sender.credential.key, /holds a private key/],
    [sender.credential.key + sender.pem, /holds a private key/],
    [sender.pem.slice(0, -30), /was the end cut off/],
    [sender.pem.replace('MII', 'M!I'), /not base64/],
    ['', /X\.509/],
    ['hello', /X\.509/],
    [below.issue({ notAfter: server.now() - day }).pem, /X\.509/],
    [ca.issue({ notAfter: server.now() - day }).pem, /X\.509: .*(expired|ended|valid)/],
    [ca.issue({ extensions: { eku: kinds.extendedKeyUsage.build([OID.serverAuth]) } }).pem, /clientAuth/],
    [ca.issue({ extensions: { eku: undefined } }).pem, /clientAuth/],
    [ca.issue({ key: keyPair('RSA 1024') }).pem, /1024/],
    [ca.issue({ signing: 'ECDSA SHA-1' satisfies keyof typeof signings }).pem, /X\.509/],
    [7, /X\.509/],
  ] as const)
    await refused(external(pem as string), 400, says)
  await refused({ 'key-type': 'certificate_external' }, 400, /the certificate is missing/)
  await refused(external(sender.pem, { pin: true }), 400, /unknown member pin/)
  await refused(external(sender.pem, { 'certificate-pinning': 'no' }), 400, /certificate-pinning/)
})

test('a certificate that is not valid yet may be registered, and the answer says from when on it is good', async () => {
  const sender = ca.issue({ cn: 'soon', notBefore: server.now() + day, notAfter: server.now() + 30 * day })
  const { document, instance } = await created(external(sender.pem))
  assert.match(document.warnings?.join() ?? '', /CN=soon,O=Example/)
  assert.equal((await show(instance)).certificates[0]?.state, 'untrusted')
  assert.equal(await status(sender), 401)
})

test('an unsupported root is refused by name, with the command that trusts it', async () => {
  const unknown = newRoot('unknown root')
  const sender = unknown.issue({ cn: 'stranger' })
  await refused(
    external(sender.pem),
    400,
    /CN=unknown root,O=Foreign.* \| .*countersign trust add FILE.*--allow-untrusted/,
  )
  const { document, instance } = await created(external(sender.pem, { 'allow-untrusted': true }))
  assert.match(
    document.warnings?.join() ?? '',
    /unusable until its root is trusted: .*CN=unknown root,O=Foreign/,
  )
  const shown = await show(instance)
  assert.equal(shown.certificates[0]?.state, 'untrusted')
  assert.match(shown.certificates[0]?.reason ?? '', /CN=unknown root,O=Foreign/)
  assert.equal(await status(sender), 401)
  await trust(server, unknown)
  assert.equal(await status(sender), 200, 'from the next request on')
  assert.equal((await show(instance)).certificates[0]?.state, 'active')
  await refused(
    external(newRoot('other').issue().pem, { 'allow-untrusted': true, 'certificate-pinning': false }),
    400,
    /without pinning it is needed/,
  )
})

test('a certificate below an intermediate that nobody knows is told what is missing; known, it is good', async () => {
  const below = ca.intermediate('middle')
  const sender = below.issue({ cn: 'deep' })
  await refused(external(sender.pem), 400, /CN=middle,O=Foreign/)
  await trust(server, below)
  await created(external(sender.pem))
  assert.equal(await status(sending(sender)), 200, 'without sending it along')
})

test('a self-signed certificate is accepted by pin alone, where the tenant allows it', async () => {
  const itself = selfSigned('itself')
  await refused(
    external(itself.pem),
    400,
    /self-signed, and the tenant allows none \| .*countersign tenant update default --allow-self-signed/,
  )
  assert.equal((await admin.call('PATCH', '/tenants/default', { selfSigned: true })).status, 200)
  await refused(external(itself.pem, { 'certificate-pinning': false }), 400, /must be pinned/)
  const { document, instance } = await created(external(itself.pem))
  assert.match(document.warnings?.join() ?? '', /self-signed/)
  assert.equal(await status(itself), 200)
  assert.equal((await show(instance)).certificates[0]?.state, 'active')
  await admin.call('PATCH', '/tenants/default', { selfSigned: false })
  assert.equal(await status(itself), 401)
  const shown = (await show(instance)).certificates[0]
  assert.equal(shown?.state, 'untrusted')
  assert.match(shown?.reason ?? '', /self-signed, and the tenant allows none/)
})

test('a self-signed certificate may say that it is an authority, as openssl req -x509 writes it; a root may not be a sender', async () => {
  const bc = kinds.basicConstraints.build({ ca: true })
  const made = selfSigned('made by openssl', { extensions: { bc, eku: undefined } })
  await refused(external(made.pem), 400, /self-signed, and the tenant allows none \| .*trust add FILE/)
  await admin.call('PATCH', '/tenants/default', { selfSigned: true })
  await created(external(made.pem))
  assert.equal(await status(made), 200)
  // What it signs is nobody's business.
  const below = selfSigned('below', { issuer: named('made by openssl', 'Example'), signer: made.pair })
  assert.equal(await status(sending(below, made.der)), 401)
  const root = selfSigned('a root', { extensions: { bc, ku: kinds.keyUsage.build(['keyCertSign']) } })
  await refused(external(root.pem), 400, /the certificate of an authority, not of a sender/)
  await admin.call('PATCH', '/tenants/default', { selfSigned: false })
  assert.equal(await status(made), 401)
})

test('one certificate identifies one key, in whatever form it comes again', async () => {
  const sender = ca.issue({ cn: 'once' })
  const { instance } = await created(external(sender.pem))
  for (const again of [sender.pem, sender.der.toString('base64')])
    await refused(
      external(again),
      409,
      new RegExp(`held by key key of instance ${instance} already.*several roles, put them in one instance`),
    )
  orThrow(await createTenant({ name: 'elsewhere' }, services))
  const elsewhere = adminWith(server, await server.adminToken(...allRoles), '/tenants/elsewhere')
  await elsewhere.call('POST', '/trust', { certificates: ca.pem })
  const { answer } = await create(external(sender.pem), elsewhere)
  assert.equal(answer.status, 201, 'each tenant for itself')
  await admin.call('DELETE', `/instances/${instance}/keys/key`)
  await created(external(sender.pem))
})

test('of the same certificate at the same time one key gets it', async () => {
  const sender = ca.issue({ cn: 'at once' })
  const answers = await Promise.all(Array.from({ length: 5 }, () => create(external(sender.pem))))
  assert.deepEqual(answers.map(({ answer }) => answer.status).sort(), [201, 409, 409, 409, 409])
})

test('keys of the same subject and issuer are told apart only if all are pinned; a conflict is told at once', async () => {
  const of = (cn: string) => ca.issue({ cn })
  await created(external(of('pinned twice').pem))
  await created(external(of('pinned twice').pem))
  for (const [first, second, says] of [
    [true, false, /holds a certificate of the same subject and issuer, and this one is not pinned/],
    [false, true, /holds a certificate of the same subject and issuer, and it is not pinned/],
    [false, false, /holds a certificate of the same subject and issuer/],
  ] as const) {
    const cn = `conflict ${first} ${second}`
    const { instance } = await created(external(of(cn).pem, { 'certificate-pinning': first }))
    assert.equal((await show(instance)).pinned, first)
    await refused(external(of(cn).pem, { 'certificate-pinning': second }), 409, says)
    await admin.call('DELETE', `/instances/${instance}`)
    await created(external(of(cn).pem, { 'certificate-pinning': second }))
  }
})

test("XSUAA's spellings say the same", async () => {
  const x509 = (more: Json = {}) => ({ 'credential-type': 'x509', x509: more })
  const { document } = await created(x509({ 'key-length': 256, validity: 7, 'validity-type': 'DAYS' }))
  assert.ok(document.key)
  assert.ok(Math.abs(Date.parse(document.certificatedetails.validuntil) - server.now() - 7 * day) < 60_000)
  assert.equal(await status(credentialOf(document)), 200)
  const sender = ca.issue({ cn: 'xsuaa' })
  const made = await created(x509({ certificate: sender.pem, 'certificate-pinning': false }))
  assert.equal((await show(made.instance)).pinned, false)
  assert.equal(await status(sender), 200)
  assert.ok('clientsecret' in (await created({ 'credential-type': 'binding-secret' })).document)
  for (const [parameters, says] of [
    [{ 'credential-type': 'x509', 'key-type': 'certificate', x509: {} }, /say the same; write one/],
    [{ 'credential-type': 'instance-secret' }, /credential-type/],
    [x509({ 'validity-type': 'MONTHS' }), /validity-type: must be DAYS/],
    [x509({ validity: 366 }), /x509.validity: must be at most 365 days/],
    [{ x509: {} }, /credential-type/],
    [x509({ length: 1 }), /length/],
  ] as const)
    await refused(parameters, 400, says)
})

test('a name in a certificate, with the authority that vouches for it, is registered and told to be weak where it is', async () => {
  const by = (more: Json) => ({ 'key-type': 'certificate_external', issuer: ca.pem, ...more })
  const dns = await created(by({ tls_client_auth_san_dns: 'sender.example' }))
  assert.equal(dns.document.warnings, undefined)
  const sender = ca.issue({ cn: 'by name' }, [{ kind: 'dns', value: 'sender.example' }])
  assert.equal(await status(sender), 200)
  const dn = await created(by({ tls_client_auth_subject_dn: 'CN=by subject,O=Example' }))
  assert.match(dn.document.warnings?.join() ?? '', /the subject of a certificate is compared/)
  assert.equal(await status(ca.issue({ cn: 'by subject' })), 200)
  await refused(
    by({ tls_client_auth_san_dns: 'Sender.Example' }),
    409,
    /another key names the same authority/,
  )
  for (const [more, says] of [
    [{ tls_client_auth_san_dns: 'x.example', tls_client_auth_san_uri: 'urn:x' }, /exactly one of/],
    [{ tls_client_auth_san_dns: 'not a name' }, /is not such a name/],
    [{ tls_client_auth_san_ip: '300.1.1.1' }, /is not such a name/],
    [{ tls_client_auth_san_dns: 'x.example', issuer: undefined }, /needs issuer/],
    [{ tls_client_auth_san_dns: 'x.example', issuer: ca.pem + ca.pem }, /give one certificate/],
    [{ tls_client_auth_san_dns: 'x.example', 'X.509': sender.pem }, /not both/],
    [{ tls_client_auth_subject_dn: 'no name' }, /tls_client_auth_subject_dn/],
  ] as const)
    await refused(by(more), 400, says)
})

test('the private key of an issued certificate is in the answer, and nowhere else', async () => {
  const { document, instance } = await created({ 'key-type': 'certificate', 'key-length': 256 })
  const secret = document.key!.split('\n')[1]!
  for (const path of [
    `/instances/${instance}/keys`,
    `/instances/${instance}/keys/key`,
    `/instances/${instance}`,
  ])
    assert.ok(!(await admin.call('GET', path)).text.includes(secret))
  await services.journal.flush()
  assert.ok(!JSON.stringify(server.log).includes(secret))
  assert.doesNotMatch(JSON.stringify(server.log), /PRIVATE KEY/)
})

test('a list of many keys says of each what its certificates are, and asks the store once for all', async () => {
  await admin.call('POST', '/instances', { name: 'list' })
  const senders = Array.from({ length: 30 }, (_, i) => ca.issue({ cn: `listed ${i}` }))
  for (const [i, sender] of senders.entries())
    await admin.call('POST', '/instances/list/keys', {
      name: `k${String(i).padStart(2, '0')}`,
      parameters: external(sender.pem),
    })
  const { keyCertificates } = services.store.read
  const { list, listOf } = keyCertificates
  const asked: string[] = []
  const counted =
    <Query extends (what: never) => unknown>(query: Query) =>
    (what: Parameters<Query>[0]) => {
      asked.push(String(what))
      return query(what)
    }
  Object.assign(keyCertificates, { list: counted(list), listOf: counted(listOf) })
  const { keys } = (await admin.call('GET', '/instances/list/keys')).json<{
    keys: { certificates: { subject: string; state: string }[] }[]
  }>()
  Object.assign(keyCertificates, { list, listOf })
  assert.equal(asked.length, 1)
  assert.deepEqual(
    keys.map(({ certificates }) => certificates.map(({ subject, state }) => `${subject} ${state}`)),
    senders.map((_, i) => [`CN=listed ${i},O=Example active`]),
  )
})
