import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { certificateExtensions as kinds } from '../../../src/crypto/extensions/index.ts'
import { certificateFingerprint } from '../../../src/crypto/thumbprint.ts'
import { askWith, holds, newRoot, pemOf, selfSigned } from '../../support/senders.ts'
import { orThrow } from '../../support/server.ts'
import { adminWith, allRoles, startAdminWorld, told } from './world.ts'

const { server, services, admin, close } = await startAdminWorld()
after(close)

interface Trusted {
  fingerprint: string
  role: string
  subject: string
  issuer: string
  notAfter: string
  crlUrl: string | null
  ocspUrl: string | null
  revocation: string
  addedAt: string
}
const list = async (from = admin) =>
  (await from.call('GET', '/trust')).json<{ certificates: Trusted[] }>().certificates
const add = (certificates: string, more = {}) => admin.call('POST', '/trust', { certificates, ...more })

test('a root is trusted, listed, and forgotten by its fingerprint however that is written', async () => {
  assert.deepEqual(await list(), [])
  const root = newRoot('listed')
  const answer = await add(root.pem)
  assert.equal(answer.status, 201)
  const [added] = answer.json<{ certificates: Trusted[] }>().certificates
  const { addedAt, notAfter, ...rest } = added!
  assert.deepEqual(rest, {
    fingerprint: certificateFingerprint(root.der),
    role: 'root',
    subject: 'CN=listed,O=Foreign',
    issuer: 'CN=listed,O=Foreign',
    crlUrl: null,
    ocspUrl: null,
    revocation: 'off',
  })
  assert.ok(Date.parse(notAfter) > server.now() && Date.parse(addedAt) <= server.now())
  assert.deepEqual(await list(), [added])
  const colons = added!.fingerprint.toUpperCase().match(/../g)!.join(':')
  assert.equal((await admin.call('DELETE', `/trust/${colons}`)).status, 204)
  assert.deepEqual(await list(), [])
  const again = await admin.call('DELETE', `/trust/${colons}`)
  assert.equal(again.status, 404)
  assert.match(told(again), /no trusted certificate has this fingerprint.*countersign trust list/)
})

test('several at once are told apart as roots and intermediates; one that is there takes the new settings', async () => {
  const root = newRoot('of several')
  const below = root.intermediate('below it')
  const both = await add(root.pem + below.pem + root.pem)
  const { certificates } = both.json<{ certificates: Trusted[] }>()
  assert.deepEqual(certificates.map(({ role }) => role).sort(), ['intermediate', 'root'])
  const before = (await list()).find(({ role }) => role === 'root')
  server.advance(1000)
  const changed = await add(root.pem, { crlUrl: 'http://crl.example/list.crl' })
  assert.deepEqual(changed.json<{ certificates: Trusted[] }>().certificates, [
    { ...before, crlUrl: 'http://crl.example/list.crl', revocation: 'hard' },
  ])
  // Again in another file, with nothing said of revocation: whoever was to be asked is still asked.
  const same = await add(below.pem + root.pem)
  assert.deepEqual(
    same.json<{ certificates: Trusted[] }>().certificates.find(({ role }) => role === 'root'),
    changed.json<{ certificates: Trusted[] }>().certificates[0],
  )
  const off = await add(root.pem, { revocation: 'off' })
  assert.deepEqual(off.json<{ certificates: Trusted[] }>().certificates, [before])
  assert.equal((await list()).length, 2)
  for (const { fingerprint } of await list()) await admin.call('DELETE', `/trust/${fingerprint}`)
})

test('what may not issue certificates is not trusted to', async () => {
  const ku = kinds.keyUsage.build(['cRLSign'])
  for (const ca of [
    newRoot('lists only', { extensions: { ku } }),
    newRoot('a').intermediate('b', { extensions: { ku } }),
  ])
    assert.match(told(await add(ca.pem)), /keyUsage of .* does not allow it to issue certificates/)
  // As a bare openssl req -x509 makes them.
  const bare = newRoot('bare', { extensions: { ku: undefined } })
  const sender = bare.issue()
  assert.equal((await add(bare.pem)).status, 201)
  await holds(server, sender)
  assert.equal((await askWith(server, sender)).status, 200)
  for (const { fingerprint } of await list()) await admin.call('DELETE', `/trust/${fingerprint}`)
})

test('from the next request on a root counts, and from the next one after its removal it does not', async () => {
  const root = newRoot('counting')
  const sender = root.issue()
  await add(root.pem)
  await holds(server, sender)
  assert.equal((await askWith(server, sender)).status, 200)
  await admin.call('DELETE', `/trust/${certificateFingerprint(root.der)}`)
  assert.equal((await askWith(server, sender)).status, 401)
  await add(root.pem)
  assert.equal((await askWith(server, sender)).status, 200)
  await admin.call('DELETE', `/trust/${certificateFingerprint(root.der)}`)
})

test('what cannot be trusted is refused with what is wrong with it', async () => {
  const root = newRoot('asked about')
  for (const [body, says] of [
    [{ certificates: '' }, /cannot be trusted/],
    [{ certificates: 'no certificate' }, /cannot be trusted: .*base64/],
    [{ certificates: root.issue().pem }, /CN=sender,O=Example is not the certificate of an authority/],
    [
      { certificates: selfSigned('itself').pem },
      /CN=itself,O=Example is not the certificate of an authority/,
    ],
    [{ certificates: root.pem + root.issue().pem }, /is not the certificate of an authority/],
    [{ certificates: root.pem.slice(0, -40) }, /cannot be trusted: .*was the end cut off/],
    [{ certificates: root.issue().credential.key }, /holds a private key/],
    [{ certificates: root.pem, revocation: 'hard' }, /an address is needed/],
    [{ certificates: root.pem, revocation: 'maybe' }, /revocation/],
    [{ certificates: root.pem, crlUrl: 'ldap://ca.example/crl' }, /crlUrl: must be an http or https address/],
    [{ certificates: root.pem, ocspUrl: 'file:///etc/passwd' }, /ocspUrl: must be an http or https address/],
    [{ certificates: [root.pem] }, /certificates/],
    [{}, /certificates/],
    [{ certificates: root.pem, trust: true }, /trust/],
  ] as const) {
    const answer = await admin.call('POST', '/trust', body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.match(told(answer), says)
    assert.doesNotMatch(answer.text, /PRIVATE KEY/)
  }
  assert.deepEqual(await list(), [])
})

test('a tenant trusts for itself alone', async () => {
  orThrow(await createTenant({ name: 'acme' }, services))
  const acme = adminWith(server, await server.adminToken(...allRoles), '/tenants/acme')
  const root = newRoot('of acme')
  assert.equal((await acme.call('POST', '/trust', { certificates: root.pem })).status, 201)
  assert.deepEqual(await list(), [])
  const fingerprint = certificateFingerprint(root.der)
  assert.equal((await admin.call('DELETE', `/trust/${fingerprint}`)).status, 404)
  assert.deepEqual(
    (await list(acme)).map(one => one.fingerprint),
    [fingerprint],
  )
})

test('a tenant trusts 500 certificates at most; one that is there can still be set anew', async () => {
  const roots = Array.from({ length: 32 }, (_, i) => newRoot(`many ${i}`))
  const { trust } = services.store.read
  const row = (await add(roots[0]!.pem)) && (await trust.list(server.tenant.id))[0]!
  await services.store.write(async tables => {
    for (let i = 0; i < 480; i++)
      await tables.trust.put({ ...row, fingerprint: i.toString(16).padStart(64, '0') })
  })
  const beyond = await add(pemOf(...roots.slice(1).map(({ der }) => der)))
  assert.equal(beyond.status, 409)
  assert.match(told(beyond), /the limit is 500/)
  assert.equal((await add(pemOf(...roots.slice(1, 20).map(({ der }) => der)))).status, 201)
  assert.equal((await add(roots[1]!.pem)).status, 201)
  assert.equal((await add(roots[30]!.pem)).status, 409)
})
