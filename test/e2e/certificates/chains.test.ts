import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { removeTrust } from '../../../src/core/trust/index.ts'
import { boolean, octetString, oid, sequence } from '../../../src/crypto/der.ts'
import { certificateExtensions as kinds } from '../../../src/crypto/extensions/index.ts'
import { OID } from '../../../src/crypto/oids.ts'
import { keyPair, named } from '../../support/chains.ts'
import {
  askWith,
  type Ca,
  callMtls,
  holds,
  issued,
  newPair,
  newRoot,
  type Sender,
  senderOf,
  sending,
  sendWith,
  trust,
} from '../../support/senders.ts'
import { type Answer, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, partsOf } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'

let server: TestServer
let root: Ca
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  root = newRoot('trusted root')
  await trust(server, root)
  endReceiver = await deployOrders(server)
})
after(async () => {
  endReceiver()
  await server.close()
})

async function recordOf(answer: Answer) {
  assert.equal(answer.status, 401, answer.text)
  return decisionOf({ server }, answer)
}

const clientOf = (answer: Answer) => {
  assert.equal(answer.status, 200, answer.text)
  return partsOf(answer.json<{ access_token: string }>().access_token).claims.client_id
}

const untrustedKey = (sender: Sender) => holds(server, sender, { 'allow-untrusted': true })

test('of an unknown root the handshake succeeds; 401 follows, and the record names the root and the command', async () => {
  const stranger = newRoot('Nobody Knows CA')
  const sender = stranger.issue()
  const request = { 'key-type': 'certificate_external', 'X.509': sender.pem }
  await assert.rejects(holds(server, sender, request), /Nobody Knows CA/)
  const key = await untrustedKey(sender)
  assert.match(key.warnings[0]!, /unusable until its root is trusted/)
  for (const answer of [await askWith(server, sender), await sendWith(server, sender)]) {
    const record = await recordOf(answer)
    assert.match(record.reason, /CN=Nobody Knows CA,O=Foreign.* is not known here/)
    assert.match(record.hint!, /countersign trust add/)
    assert.equal(record.clientId, key.clientid)
  }
  assert.equal((await askWith(server, sender)).json().error, 'invalid_client')

  await trust(server, stranger)
  assert.equal(clientOf(await askWith(server, sender)), key.clientid)
})

test('without the extended key usage clientAuth: 401, and the record says which', async () => {
  for (const eku of [undefined, kinds.extendedKeyUsage.build([OID.serverAuth])]) {
    const sender = root.issue({ cn: 'server only', extensions: { eku } })
    await assert.rejects(holds(server, sender), /clientAuth/)
    const record = await recordOf(await askWith(server, sender))
    assert.match(record.reason, /extKeyUsage/)
    assert.match(record.hint!, /1\.3\.6\.1\.5\.5\.7\.3\.2/)
  }
})

test('chains are completed from what is sent and what is known, in any order, with anything else in between', async () => {
  const upper = root.intermediate('upper')
  const lower = upper.intermediate('lower')
  const sender = lower.issue()
  const key = await untrustedKey(sender)
  const unrelated = newRoot('unrelated')
  const good: readonly (readonly Buffer[])[] = [
    [lower.der, upper.der],
    [upper.der, lower.der],
    [root.der, upper.der, lower.der],
    [lower.der, upper.der, root.der],
    [lower.der, lower.der, upper.der, sender.der],
    [unrelated.der, lower.der, unrelated.intermediate('x').der, upper.der],
  ]
  for (const chain of good)
    assert.equal(clientOf(await askWith(server, sending(sender, ...chain))), key.clientid)

  for (const chain of [[], [lower.der], [upper.der], [root.der], [unrelated.der]]) {
    const record = await recordOf(await askWith(server, sending(sender, ...chain)))
    assert.match(record.reason, /not known here/)
    assert.match(
      record.hint!,
      /countersign trust add FILE. If it is an intermediate, the sender must send it/,
    )
  }

  // Known intermediates need not be sent.
  await trust(server, upper)
  await trust(server, lower)
  assert.equal(clientOf(await askWith(server, sending(sender))), key.clientid)
})

test('who signed counts, not who is sent along: another key of the same name leads nowhere', async () => {
  const real = root.intermediate('issuing')
  const fake = newRoot('fake root').intermediate('issuing')
  const sender = real.issue()
  const key = await untrustedKey(sender)
  assert.equal(clientOf(await askWith(server, sending(sender, fake.der, real.der))), key.clientid)
  await recordOf(await askWith(server, sending(sender, fake.der)))
})

test('the certificate that the key was proven for identifies the sender, whatever else it sends (CVE-2023-2422)', async () => {
  const victim = root.issue({ cn: 'victim' })
  const key = await holds(server, victim)
  assert.equal(clientOf(await askWith(server, victim)), key.clientid)
  const attacker = root.issue({ cn: 'attacker' })
  const alone = newRoot('attacker').issue({ cn: 'victim' })
  for (const sender of [attacker, alone])
    for (const chain of [[victim.der], [victim.der, root.der], [root.der, victim.der]]) {
      const answers = [
        await askWith(server, sending(sender, ...chain), { client_id: key.clientid }),
        await askWith(server, sending(sender, ...chain)),
        await sendWith(server, sending(sender, ...chain)),
      ]
      for (const answer of answers) assert.match((await recordOf(answer)).reason, /no service key/)
    }
})

test('a leaf issues nothing: what it signs is refused, though its own path is good', async () => {
  const parent = root.issue({ cn: 'parent' })
  await holds(server, parent)
  const asCa = newRoot('unused', { subject: named('parent', 'Example'), key: parent.pair })
  const child = asCa.issue({ cn: 'child' })
  await untrustedKey(child).catch(() => undefined)
  const record = await recordOf(await askWith(server, sending(child, parent.der)))
  assert.match(record.reason, /not an authority|no service key/)
})

test('names that an authority may not give, weak signatures and broken ones are refused', async () => {
  const constrained = root.intermediate('constrained', {
    extensions: {
      nc: kinds.nameConstraints.build({
        permitted: [{ kind: 'dns', value: 'inside.example' }],
        excluded: [],
      }),
    },
  })
  const dns = (value: string) => [{ kind: 'dns', value }] as const
  const inside = constrained.issue({ cn: 'inside' }, dns('a.inside.example'))
  const outside = constrained.issue({ cn: 'outside' }, dns('a.outside.example'))
  const depthless = root.intermediate('no further', {
    extensions: { bc: kinds.basicConstraints.build({ ca: true, pathLength: 0 }) },
  })
  const refused: [Sender, RegExp][] = [
    [outside, /name constraints/],
    [depthless.intermediate('too deep').issue(), /path length/],
    [root.issue({ signing: 'ECDSA SHA-1' }), /can be forged/],
    [root.issue({ spoilt: true }), /not signed by any key known/],
    [
      root.issue({
        extensions: {
          odd: sequence([oid('1.3.6.1.4.1.55555.1'), boolean(true), octetString(Buffer.from([5, 0]))]),
        },
      }),
      /demands that the extension 1\.3\.6\.1\.4\.1\.55555\.1 be understood/,
    ],
  ]
  await trust(server, constrained)
  const key = await holds(server, inside)
  assert.equal(clientOf(await askWith(server, inside)), key.clientid)
  for (const [sender, reason] of refused) {
    await assert.rejects(holds(server, sender))
    assert.match((await recordOf(await askWith(server, sender))).reason, reason)
  }
})

test('more than ten certificates beside its own are a malformed request', async () => {
  const sender = root.issue()
  await holds(server, sender)
  const ten = Array.from({ length: 10 }, (_, i) => newRoot(`stuffing ${i}`).der)
  assert.equal((await askWith(server, sending(sender, ...ten))).status, 200)
  const answer = await askWith(server, sending(sender, ...ten, newRoot('one more').der))
  assert.equal(answer.status, 400, answer.text)
  assert.equal(answer.json().error, 'invalid_request')
  assert.match((await decisionOf({ server }, answer)).reason, /more than 10 certificates/)
})

test('addresses of the public do not care about a certificate that is worth nothing', async () => {
  const stranger = newRoot('of no interest').issue()
  assert.equal((await callMtls(server, '/token_keys', stranger)).status, 200)
  assert.equal((await callMtls(server, '/.well-known/oauth-authorization-server', stranger)).status, 200)
  assert.equal((await callMtls(server, '/pki/ca.pem', stranger)).status, 200)
})

test('an issued certificate needs nothing but itself: its intermediate is known', async () => {
  const own = await issued(server)
  const cert = own.credential.cert
  const leaf = cert.slice(0, cert.indexOf('-----END CERTIFICATE-----') + 26)
  assert.equal((await askWith(server, { credential: { cert: leaf, key: own.credential.key } })).status, 200)
})

test('the authority of a tenant is trusted for its senders only, not for what its senders make of it', async () => {
  const own = await issued(server)
  const pair = newPair()
  const forged = newRoot('forged', { subject: named('forged') }).issue({ cn: 'forged', key: pair })
  // Sent with the real chain above it, as if that had issued it.
  const credential = { cert: forged.pem + own.credential.cert, key: forged.credential.key }
  await recordOf(await askWith(server, { credential }))
})

test('a key too weak to be believed gets an answer, not an alert', async () => {
  const pair = keyPair('RSA 1024')
  const { der } = root.issue({ cn: 'weak', key: pair })
  const { pem, credential } = senderOf(der, pair, [])
  await assert.rejects(holds(server, { pem }), /1024/)
  // OpenSSL's own default would not let the sender use it either.
  const lax = { credential: { ...credential, ciphers: 'DEFAULT@SECLEVEL=0' } }
  assert.match((await recordOf(await askWith(server, lax))).reason, /1024 bits|stronger key/)
})

test('a root that is trusted no more vouches for nobody', async () => {
  const passing = newRoot('passing')
  const { fingerprint } = await trust(server, passing)
  const sender = passing.issue()
  await holds(server, sender)
  assert.equal((await askWith(server, sender)).status, 200)
  orThrow(await removeTrust(server.tenant, fingerprint, server.server.services))
  assert.match((await recordOf(await askWith(server, sender))).reason, /CN=passing,O=Foreign/)
})
