import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCertificate } from '../../../src/crypto/certificate.ts'
import { parseCrl } from '../../../src/crypto/crl/index.ts'
import { parseCertificateExtensions } from '../../../src/crypto/extensions/index.ts'
import { decodePem, readCertificateInput } from '../../../src/crypto/pem.ts'
import { openssl } from '../../support/openssl.ts'
import { opensslIssue, opensslKey, opensslRoot } from '../../support/openssl-authority.ts'
import { askWith, type Ca, newRoot, pkcs8 } from '../../support/senders.ts'
import { callUrl } from '../../support/server.ts'
import { adminWith, allRoles, type Json, startAdminWorld, told } from './world.ts'

const day = 86_400_000

interface Member {
  id: string
  role: string
  subject: string
  issuer: string
  fingerprint: string
  activeFrom: string
  retireAt: string | null
  state: string
  holdsKey: boolean
}

/** A world of its own for each: what is done to an authority cannot be undone. */
async function startWorld(t: { after(end: () => Promise<void>): void }) {
  const world = await startAdminWorld()
  t.after(world.close)
  const { admin, server } = world
  await admin.call('POST', '/instances', { name: 'i' })
  let count = 0
  return {
    ...world,
    members: async () =>
      (await admin.call('GET', '/authority')).json<{ certificates: Member[] }>().certificates,
    /** A key with an issued certificate. */
    async issue(more: Json = {}) {
      const name = `k${++count}`
      const parameters = { 'key-type': 'certificate', 'key-length': 256, ...more }
      const answer = await admin.call('POST', '/instances/i/keys', { name, parameters })
      assert.equal(answer.status, 201, answer.text)
      const { certificate: cert, key } = answer.json<{ certificate: string; key: string }>()
      return { name, credential: { cert, key } }
    },
    status: async (sender: Parameters<typeof askWith>[1]) => (await askWith(server, sender)).status,
  }
}

type Held = { credential: { cert: string } }
const issuerOf = ({ credential }: Held) => parsedOf(credential.cert)[0]!.issuer.raw
const parsedOf = (pem: string) => readCertificateInput(pem).map(der => parseCertificate(der))
const states = (members: readonly Member[]) => members.map(({ role, state }) => `${role} ${state}`).sort()

test('a tenant has a root, an issuing certificate and a responder from the start, whose keys nobody is shown', async t => {
  const { admin, members } = await startWorld(t)
  const found = await members()
  assert.deepEqual(states(found), ['issuing active', 'ocsp active', 'root active'])
  for (const { subject, fingerprint, holdsKey, retireAt } of found) {
    assert.match(subject, /^CN=Countersign .+,O=default$/)
    assert.match(fingerprint, /^[0-9a-f]{64}$/)
    assert.equal(holdsKey, true)
    assert.equal(retireAt, null)
  }
  const { text } = await admin.call('GET', '/authority')
  assert.doesNotMatch(text, /seal|PRIVATE|der"/i)
})

test('a roll-over: the new root is trusted at once, can be tested, takes over, and outlives the old one', async t => {
  const { admin, server, members, issue, status } = await startWorld(t)
  const before = await issue()
  const answer = await admin.call('POST', '/authority/roll-over', { leadDays: 10, overlapDays: 20 })
  assert.equal(answer.status, 200, answer.text)
  const { activeFrom, retireAt } = answer.json<{ activeFrom: string; retireAt: string }>()
  assert.equal(Date.parse(retireAt) - Date.parse(activeFrom), 20 * day)
  assert.deepEqual(states(await members()), [
    'issuing active',
    'issuing next',
    'ocsp active',
    'ocsp active',
    'root active',
    'root next',
  ])
  // During the lead the old one issues, and the new one for whoever asks.
  const during = await issue()
  const early = await issue({ authority: 'next' })
  assert.deepEqual(issuerOf(during), issuerOf(before))
  assert.notDeepEqual(issuerOf(early), issuerOf(before))
  assert.deepEqual([await status(before), await status(during), await status(early)], [200, 200, 200])
  const roots = decodePem((await callUrl(`${server.pkiUrl}/pki/ca.pem`, '', {})).text)
  assert.equal(roots.length, 2, 'both are published')

  server.advance(10 * day + 1000)
  assert.deepEqual(states(await members()), [
    'issuing active',
    'issuing previous',
    'ocsp active',
    'ocsp active',
    'root active',
    'root previous',
  ])
  const after = await issue()
  assert.deepEqual(issuerOf(after), issuerOf(early))
  assert.deepEqual([await status(before), await status(after)], [200, 200])

  server.advance(20 * day)
  assert.deepEqual([await status(before), await status(during)], [401, 401])
  assert.deepEqual([await status(early), await status(after)], [200, 200])
  const { keys } = (await admin.call('GET', '/instances/i/keys')).json<{
    keys: { name: string; certificates: { state: string; reason?: string }[] }[]
  }>()
  const shown = keys.find(({ name }) => name === before.name)!.certificates[0]!
  assert.equal(shown.state, 'untrusted')
  assert.match(shown.reason!, /CN=Countersign Root CA/)
  assert.ok((await members()).some(({ role, state }) => role === 'root' && state === 'retired'))
})

test('a certificate ends no later than the trust in its root, and who asks for more is told', async t => {
  const { admin, issue } = await startWorld(t)
  const whole = await issue({ validity: 100 })
  const answer = await admin.call('POST', '/authority/roll-over', { leadDays: 10, overlapDays: 20 })
  const retireAt = Date.parse(answer.json<{ retireAt: string }>().retireAt)
  const endOf = ({ credential }: Held) => parsedOf(credential.cert)[0]!.notAfter
  assert.ok(endOf(whole) > retireAt)
  assert.ok(Math.abs(endOf(await issue({ validity: 100 })) - retireAt) < 1000)
  assert.ok(endOf(await issue({ validity: 100, authority: 'next' })) > retireAt)
  const create = async (name: string, validity: number) => {
    const parameters = { 'key-type': 'certificate', 'key-length': 256, validity }
    return (await admin.call('POST', '/instances/i/keys', { name, parameters })).json<{
      warnings?: string[]
    }>()
  }
  assert.match((await create('long', 100)).warnings?.join() ?? '', /ends on .*, before the 100 days/)
  assert.equal((await create('short', 20)).warnings, undefined)
})

test('a root is retired at once, but never the only one; then nothing under it is good', async t => {
  const { admin, members, issue, status } = await startWorld(t)
  const old = await issue()
  const [root] = (await members()).filter(({ role }) => role === 'root')
  const only = await admin.call('DELETE', `/authority/${root!.id}`)
  assert.equal(only.status, 409)
  assert.match(told(only), /the only root that is trusted \| .*roll-over --lead 0/)
  // One that is to come does not count: until then nobody could issue.
  await admin.call('POST', '/authority/roll-over', {})
  assert.equal((await admin.call('DELETE', `/authority/${root!.id}`)).status, 409)
  await admin.call('POST', '/authority/roll-over', { leadDays: 0 })
  const fresh = await issue()
  assert.deepEqual([await status(old), await status(fresh)], [200, 200])
  assert.equal((await admin.call('DELETE', `/authority/${root!.id}`)).status, 204)
  assert.deepEqual([await status(old), await status(fresh)], [401, 200])
  const shown = (await admin.call('GET', `/instances/i/keys/${old.name}`)).json<{
    certificates: { state: string; reason: string }[]
  }>()
  assert.equal(shown.certificates[0]!.state, 'untrusted')
  assert.match(shown.certificates[0]!.reason, /^CN=Countersign Root CA .* was retired on 2\d{3}-/)
  const again = await admin.call('DELETE', `/authority/${root!.id}`)
  assert.equal(again.status, 409)
  assert.match(told(again), /it was retired on .* already/)
  const issuing = (await members()).find(({ role }) => role === 'issuing')
  for (const id of [issuing!.id, 'nothing'])
    assert.equal((await admin.call('DELETE', `/authority/${id}`)).status, 404, id)
})

test('a root that was to come and is retired before does not issue when its day comes', async t => {
  const { admin, server, members, issue, status } = await startWorld(t)
  await admin.call('POST', '/authority/roll-over', { leadDays: 5 })
  const next = (await members()).find(({ role, state }) => role === 'root' && state === 'next')
  assert.equal((await admin.call('DELETE', `/authority/${next!.id}`)).status, 204)
  server.advance(6 * day)
  assert.equal(await status(await issue()), 200)
  assert.equal(await status(await issue({ authority: 'next' })), 200)
})

test("another tenant's authority is not there", async t => {
  const { admin, server, members } = await startWorld(t)
  await admin.call('POST', '/tenants', { name: 'acme' })
  const acme = adminWith(server, await server.adminToken(...allRoles), '/tenants/acme')
  const [theirs] = (await acme.call('GET', '/authority')).json<{ certificates: Member[] }>().certificates
  assert.equal((await admin.call('DELETE', `/authority/${theirs!.id}`)).status, 404)
  assert.ok((await members()).every(({ id }) => id !== theirs!.id))
  await acme.call('POST', '/authority/roll-over', {})
  assert.equal((await members()).length, 3)
})

test('an authority made with openssl is imported, issues at once, and openssl accepts what it issues', async t => {
  const { admin, server, members, issue, status } = await startWorld(t)
  const before = await issue()
  const root = opensslRoot('corporate root')
  const middle = opensslIssue(root, 'corporate policy', {
    extensions: { basicConstraints: 'critical,CA:TRUE,pathlen:1' },
  })
  const issuing = opensslIssue(middle, 'corporate issuing', { key: opensslKey('rsa') })
  const answer = await admin.call('POST', '/authority/import', {
    certificates: root.cert + issuing.cert + middle.cert,
    key: issuing.key,
    overlapDays: 3,
  })
  assert.equal(answer.status, 200, answer.text)
  const found = await members()
  assert.deepEqual(states(found), [
    'issuing active',
    'issuing active',
    'issuing previous',
    'ocsp active',
    'ocsp active',
    'root active',
    'root previous',
  ])
  const inUse = found.filter(({ state, role }) => state === 'active' && role !== 'ocsp')
  assert.deepEqual(
    inUse.map(({ role, holdsKey }) => `${role} ${holdsKey}`).sort(),
    ['issuing false', 'issuing true', 'root false'],
    'the keys above it stay where they are',
  )
  const sender = await issue()
  const chain = parsedOf(sender.credential.cert)
  assert.equal(chain.length, 4, 'the document has the chain up to the root')
  assert.deepEqual([await status(before), await status(sender)], [200, 200])
  const [leaf] = sender.credential.cert.split(/(?<=-----END CERTIFICATE-----\n)/)
  assert.match(
    openssl(['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'chain.pem', 'leaf.pem'], {
      'root.pem': root.cert,
      'chain.pem': issuing.cert + middle.cert,
      'leaf.pem': leaf!,
    }),
    /leaf\.pem: OK/,
  )
  // Its revocation list is signed by it, too.
  const { crlDistributionPoints } = parseCertificateExtensions(chain[0]!.extensions)
  const [name] = crlDistributionPoints![0]!.fullName!
  const crl = await callUrl((name as { value: string }).value, '', {})
  assert.deepEqual(parseCrl(crl.bytes).issuer.raw, chain[1]!.subject.raw)
  assert.match(
    openssl(['crl', '-inform', 'DER', '-in', 'list.crl', '-CAfile', 'ca.pem', '-noout'], {
      'list.crl': crl.bytes,
      'ca.pem': issuing.cert + middle.cert + root.cert,
    }).concat('done'),
    /done/,
  )
  server.advance(3 * day + 1000)
  assert.deepEqual([await status(before), await status(sender)], [401, 200])

  const again = await admin.call('POST', '/authority/import', {
    certificates: issuing.cert + middle.cert + root.cert,
    key: issuing.key,
  })
  assert.equal(again.status, 409)
  assert.match(told(again), /imported before/)
})

test('an authority that names its key in its own way is imported, and its certificates name it the same way', async t => {
  const { admin, issue, status } = await startWorld(t)
  const root = opensslRoot('own way')
  const issuing = opensslIssue(root, 'own way below', {
    extensions: { subjectKeyIdentifier: '01:02:03:04' },
  })
  const certificates = issuing.cert + root.cert
  assert.equal(
    (await admin.call('POST', '/authority/import', { certificates, key: issuing.key })).status,
    200,
  )
  const sender = await issue()
  assert.equal(await status(sender), 200)
  const { authorityKeyIdentifier } = parseCertificateExtensions(
    parsedOf(sender.credential.cert)[0]!.extensions,
  )
  assert.equal(authorityKeyIdentifier?.keyId?.toString('hex'), '01020304')
})

test('what cannot be an authority here is refused with the reason, and changes nothing', async t => {
  const { admin, members } = await startWorld(t)
  const before = await members()
  const root = opensslRoot('refused')
  const good = opensslIssue(root, 'good')
  const under = (extensions: Record<string, string | undefined>, more = {}) =>
    opensslIssue(root, 'bad', { extensions, ...more })
  const encrypted = openssl(['pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'pass:secret'], {
    'key.pem': good.key,
  })
  const of = ({ cert, key }: { cert: string; key: string }) => ({ certificates: cert + root.cert, key })
  const other = newRoot('other')
  const given = (ca: Ca) => ({ certificates: ca.pem + other.pem, key: pkcs8(ca.pair) })
  const spoilt = given(other.intermediate('spoilt', { spoilt: true }))
  const ended = given(other.intermediate('ended', { notAfter: Date.now() - day }))
  for (const [body, says] of [
    [{ certificates: good.cert, key: good.key }, /the chain has no root/],
    [{ certificates: root.cert, key: root.key }, /it is a root: give an intermediate/],
    [
      { certificates: good.cert + root.cert, key: opensslKey() },
      /the key belongs to none of the certificates/,
    ],
    [{ certificates: good.cert + root.cert, key: encrypted }, /without a passphrase/],
    [{ certificates: good.cert + root.cert, key: good.cert }, /not a PEM private key/],
    [{ certificates: good.cert + root.cert, key: '' }, /not a PEM private key/],
    [{ certificates: 'nothing', key: good.key }, /not accepted/],
    [{ certificates: good.key, key: good.key }, /holds a private key/],
    [{ certificates: good.cert + opensslRoot('another').cert, key: good.key }, /not accepted: .*CN=good/],
    [
      of(under({ basicConstraints: 'critical,CA:FALSE', keyUsage: undefined })),
      /not a certificate of an authority/,
    ],
    [of(under({ basicConstraints: undefined, keyUsage: undefined })), /is not a certificate of an authority/],
    [of(under({ keyUsage: 'critical,keyCertSign' })), /may not sign .* revocation lists/],
    [of(under({ extendedKeyUsage: 'serverAuth' })), /would not be good for authenticating a sender/],
    [of(under({ nameConstraints: 'critical,permitted;URI:.example.com' })), /would not be good/],
    [of(under({}, { key: weakKey() })), /not accepted/],
    [spoilt, /CN=spoilt,O=Foreign.*was not signed by/],
    [ended, /not accepted: .*(expired|valid)/],
    [{ certificates: good.cert + root.cert, key: good.key, overlapDays: -1 }, /overlapDays/],
    [{ certificates: good.cert + root.cert }, /key/],
  ] as const) {
    const answer = await admin.call('POST', '/authority/import', body)
    assert.equal(answer.status, 400, `${says}: ${answer.text}`)
    assert.match(told(answer), says)
    assert.doesNotMatch(answer.text, /PRIVATE KEY|BEGIN/)
  }
  assert.deepEqual(await members(), before)
})

const weakKey = () => openssl(['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'])

test('what is issued never outlives the certificate above it', async t => {
  const { admin, server, issue } = await startWorld(t)
  const root = opensslRoot('short')
  const issuing = opensslIssue(root, 'short below', { days: 20 })
  await admin.call('POST', '/authority/import', { certificates: issuing.cert + root.cert, key: issuing.key })
  const [leaf, above] = parsedOf((await issue({ validity: 365 })).credential.cert)
  assert.equal(leaf!.notAfter, above!.notAfter)
  assert.ok(leaf!.notAfter < server.now() + 21 * day)
})

test('an imported authority whose certificate has ended issues nothing, and the refusal says what to do', async t => {
  const { admin, server, issue } = await startWorld(t)
  const root = opensslRoot('ending')
  const issuing = opensslIssue(root, 'ending below', { days: 5 })
  const answer = await admin.call('POST', '/authority/import', {
    certificates: issuing.cert + root.cert,
    key: issuing.key,
    overlapDays: 0,
  })
  assert.equal(answer.status, 200)
  await issue()
  server.advance(6 * day)
  const refused = await admin.call('POST', '/instances/i/keys', {
    name: 'late',
    parameters: { 'key-type': 'certificate' },
  })
  assert.equal(refused.status, 409)
  assert.match(told(refused), /has no authority that can issue \| .*roll-over/)
})
