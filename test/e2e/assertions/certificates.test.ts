import assert from 'node:assert/strict'
import { createPrivateKey, hash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { revokeCertificate, rotateKey } from '../../../src/core/broker/index.ts'
import { removeTrust } from '../../../src/core/trust/index.ts'
import { algorithm } from '../../../src/crypto/algorithms.ts'
import { parseCertificate } from '../../../src/crypto/certificate.ts'
import { certificateThumbprint } from '../../../src/crypto/thumbprint.ts'
import { keyPair } from '../../support/chains.ts'
import {
  askWith,
  type Ca,
  derOf,
  type HeldKey,
  holds,
  issued,
  newKey,
  newRoot,
  type Sender,
  selfSigned,
  trust,
} from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { newTenant, partsOf } from '../token-server/world.ts'
import { assertRefused, assertToken, type Claims, claimsOf, present, type Signer, signed } from './world.ts'

const day = 86_400_000

let server: TestServer
let ca: Ca
let sender: Sender
let key: HeldKey
before(async () => {
  server = await startTestServer()
  ca = newRoot('trusted')
  await trust(server, ca)
  sender = ca.issue()
  key = await holds(server, sender)
})
after(() => server.close())

const es256 = algorithm('ES256')!
const signerOf = ({ pair }: Pick<Sender, 'pair'>, header: Claims = {}): Signer => ({
  alg: es256,
  privateKey: pair.privateKey,
  header,
})

/** An assertion signed with the key of a certificate, under a header that says which. */
const ask = (by: Sender, header: Claims, to: HeldKey = key, more: { mtls?: boolean } = {}) =>
  present(server, signed(signerOf(by, header), claimsOf(server, to.clientid)), {}, more)

const sha = (name: 'sha1' | 'sha256', bytes: Buffer) => hash(name, bytes, 'buffer')
const b64 = (bytes: Buffer) => bytes.toString('base64url')
const x5tOf = ({ der }: Sender) => ({ x5t: b64(sha('sha1', der)) })
const x5t256Of = ({ der }: Sender) => ({ 'x5t#S256': b64(sha('sha256', der)) })

/** Every way in which clients of Entra and Camunda name their certificate. */
const identifiers: Record<string, (sender: Sender) => Claims> = {
  'x5t#S256': x5t256Of,
  x5t: x5tOf,
  'both thumbprints': one => ({ ...x5t256Of(one), ...x5tOf(one) }),
  'kid, SHA-1': ({ der }) => ({ kid: b64(sha('sha1', der)) }),
  'kid, SHA-256': ({ der }) => ({ kid: b64(sha('sha256', der)) }),
  'kid, SHA-256 of the public key': ({ der }) => ({
    kid: b64(sha('sha256', Buffer.from(parseCertificate(der).spki.raw))),
  }),
  'kid, SHA-1 in hexadecimal digits': ({ der }) => ({ kid: sha('sha1', der).toString('hex') }),
  'kid, SHA-1 in capitals': ({ der }) => ({ kid: sha('sha1', der).toString('hex').toUpperCase() }),
  'kid, SHA-256 in hexadecimal digits': ({ der }) => ({ kid: sha('sha256', der).toString('hex') }),
  'kid, SHA-256 in capitals': ({ der }) => ({ kid: sha('sha256', der).toString('hex').toUpperCase() }),
  x5c: ({ der }) => ({ x5c: [der.toString('base64')] }),
  'x5t and a kid that means something else': one => ({ ...x5tOf(one), kid: 'my-key-1' }),
  'nothing at all': () => ({}),
}

describe('which certificate it is', () => {
  for (const [name, headerOf] of Object.entries(identifiers))
    test(`named by ${name}: its own counts, another one does not`, async () => {
      assertToken(await ask(sender, headerOf(sender)))
      const stranger = ca.issue()
      await assertRefused(
        server,
        await ask(stranger, headerOf(stranger)),
        /no certificate of the key is the one|does not hold|signature .* is wrong/,
      )
      // Naming the right one helps nobody who has not its key.
      await assertRefused(server, await ask(stranger, headerOf(sender)), /signature .* is wrong/)
    })

  test('a certificate of another client is refused, however it is named', async () => {
    const other = ca.issue()
    const theirs = await holds(server, other)
    assertToken(await ask(other, x5t256Of(other), theirs))
    for (const headerOf of Object.values(identifiers))
      await assertRefused(
        server,
        await ask(other, headerOf(other)),
        /no registered key|signature .* is wrong/,
      )
  })

  test('a thumbprint made of hexadecimal digits is told apart from one that is not known', async () => {
    const digits = sha('sha1', sender.der).toString('hex')
    for (const header of [
      { x5t: digits },
      { x5t: digits.toUpperCase() },
      { x5t: b64(Buffer.from(digits)) },
      { 'x5t#S256': sha('sha256', sender.der).toString('hex') },
      { 'x5t#S256': b64(Buffer.from(sha('sha256', sender.der).toString('hex').toUpperCase())) },
    ])
      await assertRefused(
        server,
        await ask(sender, header),
        /made of hexadecimal digits, not of the 20 or 32 octets/,
      )
    const swapped = [{ x5t: b64(sha('sha256', sender.der)) }, { 'x5t#S256': b64(sha('sha1', sender.der)) }]
    await assertRefused(server, await ask(sender, swapped[0]!), /which belongs in x5t#S256/)
    await assertRefused(server, await ask(sender, swapped[1]!), /which belongs in x5t$/)
    const unknown = await ask(sender, { x5t: b64(sha('sha1', Buffer.from('another'))) })
    await assertRefused(server, unknown, /is the one that its header names$/)
  })

  test('members that contradict each other, or are no text, are refused', async () => {
    const other = ca.issue()
    for (const header of [
      { ...x5t256Of(sender), ...x5tOf(other) },
      { 'x5t#S256': [x5t256Of(sender)['x5t#S256']] },
      { x5t: 1 },
      { kid: null },
    ])
      await assertRefused(server, await ask(sender, header), /no certificate of the key is the one/)
  })

  test('x5c counts only where its first is registered; else it is left aside, and no key of its own is believed', async () => {
    const stranger = ca.issue()
    const foreign = { x5c: [stranger.der.toString('base64')] }
    await assertRefused(
      server,
      await ask(stranger, foreign),
      /begins with a certificate that the key does not hold/,
    )
    await assertRefused(
      server,
      await ask(stranger, { ...foreign, ...x5t256Of(sender) }),
      /signature .* is wrong/,
    )
    assertToken(await ask(sender, { ...foreign, ...x5t256Of(sender) }))
    for (const x5c of [[], ['AAAA'], [1], 'text', [sender.pem]])
      assertToken(await ask(sender, { x5c, ...x5tOf(sender) }))
  })

  test('the rest of x5c completes the path to a root that is trusted', async () => {
    const between = ca.intermediate('between')
    const below = between.issue()
    const held = await holds(server, below, { 'allow-untrusted': true })
    const leaf = below.der.toString('base64')
    await assertRefused(server, await ask(below, { x5c: [leaf] }, held), /issuer|not known here/)
    assertToken(await ask(below, { x5c: [leaf, between.der.toString('base64')] }, held))
    await assertRefused(server, await ask(below, { x5c: [leaf, 'AAAA'] }, held), /issuer|not known|read/)
  })
})

describe('which algorithm it takes', () => {
  test('a certificate of RSA signs with RS256 and PS256, and with nothing else', async () => {
    const pair = keyPair('RSA 2048')
    const rsa = ca.issue({ key: pair })
    const held = await holds(server, rsa)
    for (const alg of ['RS256', 'PS256']) {
      const by = { alg: algorithm(alg)!, privateKey: pair.privateKey, header: x5t256Of(rsa) }
      assertToken(await present(server, signed(by, claimsOf(server, held.clientid))))
      // Said to be the other one.
      const swapped = signed(by, claimsOf(server, held.clientid), {
        alg: alg === 'RS256' ? 'PS256' : 'RS256',
      })
      await assertRefused(server, await present(server, swapped), /signature .* is wrong/)
    }
    const wrong = signed(signerOf(sender, x5t256Of(rsa)), claimsOf(server, held.clientid))
    await assertRefused(
      server,
      await present(server, wrong),
      /signed with ES256, for which the key .* is not fit/,
    )
  })

  test('a certificate of P-256 does not sign with ES384', async () => {
    const text = signed(signerOf(sender, x5t256Of(sender)), claimsOf(server, key.clientid), { alg: 'ES384' })
    await assertRefused(
      server,
      await present(server, text),
      /signed with ES384, for which the key .* is not fit/,
    )
  })
})

describe('a certificate counts as long as it does for connections', () => {
  test('issued by Countersign: until it is revoked, or its key is deleted', async () => {
    const own = await issued(server)
    const der = derOf(own.credential.cert)
    const by: Sender = {
      ...sender,
      der,
      pair: { ...sender.pair, privateKey: createPrivateKey(own.credential.key) },
    }
    assertToken(await ask(by, x5t256Of(by), own))
    assertToken(await ask(by, x5t256Of(by), own, { mtls: true }))
    const { services } = server.server
    orThrow(await revokeCertificate(server.tenant, certificateThumbprint(der), 'keyCompromise', services))
    await assertRefused(server, await ask(by, x5t256Of(by), own), /was revoked on/)
  })

  test('several are accepted side by side in the overlap, and the old one is not after it', async () => {
    const first = ca.issue({ cn: 'overlapping' })
    const second = ca.issue({ cn: 'overlapping', notBefore: Date.now() - 1000 })
    const held = await holds(server, first)
    const rotated = await rotateKey(
      server.tenant,
      held.instance,
      'key',
      { overlapDays: 2, parameters: { 'X.509': second.pem } },
      server.server.services,
    )
    orThrow(rotated)
    for (const one of [first, second])
      for (const header of [x5t256Of(one), {}]) assertToken(await ask(one, header, held))
    server.advance(2 * day + 1000)
    await assertRefused(server, await ask(first, x5t256Of(first), held), /renewed, and accepted .* until/)
    await assertRefused(server, await ask(first, {}, held), /renewed, and accepted .* until/)
    for (const header of [x5t256Of(second), {}]) assertToken(await ask(second, header, held))
  })

  test('one key in two certificates: where the header does not say which, the one that counts does', async () => {
    const old = ca.issue({ cn: 'same key', notAfter: server.now() + day })
    const renewed = ca.issue({ cn: 'same key', key: old.pair, notAfter: server.now() + 9 * day })
    const held = await holds(server, old)
    const request = { overlapDays: 30, parameters: { 'X.509': renewed.pem } }
    orThrow(await rotateKey(server.tenant, held.instance, 'key', request, server.server.services))
    server.advance(day + 1000)
    assertToken(await ask(old, {}, held))
    assertToken(await ask(old, identifiers['kid, SHA-256 of the public key']!(old), held))
    await assertRefused(server, await ask(old, x5tOf(old), held), /it was valid until/)
  })

  test('expired and not yet valid: refused with the date', async () => {
    const early = ca.issue({ notBefore: server.now() + 2 * day, notAfter: server.now() + 5 * day })
    const held = await holds(server, early)
    await assertRefused(server, await ask(early, x5tOf(early), held), /valid from/)
    server.advance(3 * day)
    assertToken(await ask(early, x5tOf(early), held))
    server.advance(3 * day)
    await assertRefused(server, await ask(early, x5tOf(early), held), /it was valid until/)
  })

  test('a root that is not trusted any more takes its certificates along', async () => {
    const passing = newRoot('passing')
    const { fingerprint } = await trust(server, passing)
    const below = passing.issue({ notAfter: server.now() + 90 * day })
    const held = await holds(server, below)
    assertToken(await ask(below, x5tOf(below), held))
    orThrow(await removeTrust(server.tenant, fingerprint, server.server.services))
    await assertRefused(server, await ask(below, x5tOf(below), held), /issuer|not known here/)
  })

  test('superseded: once the successor of an unpinned certificate was used', async () => {
    const first = ca.issue({ cn: 'unpinned', notAfter: server.now() + 90 * day })
    const second = ca.issue({
      cn: 'unpinned',
      notBefore: server.now() - 1000,
      notAfter: server.now() + 90 * day,
    })
    const held = await holds(server, first, { 'certificate-pinning': false })
    assertToken(await ask(first, x5tOf(first), held))
    // A successor comes over a connection, which proves its whole chain; an assertion brings none in.
    await assertRefused(
      server,
      await ask(second, x5tOf(second), held),
      /no certificate of the key is the one/,
    )
    assert.equal((await askWith(server, second)).status, 200)
    assertToken(await ask(second, x5tOf(second), held))
    await assertRefused(server, await ask(first, x5tOf(first), held), /a later certificate .* was used/)
  })

  test('self-signed: where a key holds it and the tenant allows that', async () => {
    const { store, tenants } = server.server.services
    const lenient = await newTenant(server, 'lenient')
    const allow = async (allowed: boolean) => {
      await store.write(tables => tables.tenants.setSelfSigned(lenient.id, allowed))
      await tenants.settled()
      return tenants.byName('lenient')!
    }
    const alone = selfSigned('alone', { notAfter: server.now() + 9 * day })
    const request = { 'key-type': 'certificate_external', 'X.509': alone.pem }
    const tenant = await allow(true)
    const held = await newKey(server, request, {}, tenant)
    const claims = () => claimsOf(server, held.clientid, { aud: `${server.url}/tenants/lenient` })
    const by = signerOf(alone, x5tOf(alone))
    assertToken(await present(server, signed(by, claims()), {}, { tenant }))
    await allow(false)
    const answer = await present(server, signed(by, claims()), {}, { tenant })
    await assertRefused(server, answer, /self-signed, and the tenant allows none/, tenant.id)
  })

  test('a name in a certificate is no public key', async () => {
    const byName = await newKey(server, {
      'key-type': 'certificate_external',
      tls_client_auth_san_dns: 'assertions.example',
      issuer: ca.pem,
    })
    const answer = await ask(sender, { x5c: [sender.der.toString('base64')] }, byName)
    await assertRefused(server, answer, /holds no certificate, only a name/)
  })
})

describe('beside the certificate of the connection', () => {
  const over = (connection: Sender, by: Sender, to: HeldKey) =>
    present(
      server,
      signed(signerOf(by, x5tOf(by)), claimsOf(server, to.clientid)),
      {},
      { mtls: true, certificate: connection.credential },
    )

  test('that of the same key is no contradiction, and binds the token where the instance says so', async () => {
    const own = ca.issue({ notAfter: server.now() + 90 * day })
    const bound = await holds(server, own, {}, { bindTokens: true })
    const answer = await over(own, own, bound)
    assertToken(answer)
    const { claims } = partsOf(answer.json<{ access_token: string }>().access_token)
    assert.deepEqual(claims.cnf, { 'x5t#S256': own.thumbprint })
  })

  test('that of another key is refused', async () => {
    const notAfter = server.now() + 90 * day
    const [one, two] = [ca.issue({ notAfter }), ca.issue({ notAfter })]
    const [first] = [await holds(server, one), await holds(server, two)]
    const answer = await over(two, one, first!)
    assert.equal(answer.status, 400, answer.text)
    assert.equal(answer.json().error, 'invalid_request')
  })
})
