import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { deleteKey, revokeCertificate } from '../../../src/core/broker/index.ts'
import { parseCertificate } from '../../../src/crypto/certificate.ts'
import { formatName } from '../../../src/crypto/names.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import {
  type Ca,
  derOf,
  holds,
  issued,
  newRoot,
  selfSigned,
  sending,
  sendWith,
  trust,
} from '../../support/senders.ts'
import { type Answer, basic, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { decisionOf, flowFile } from '../worker/world.ts'

let server: TestServer
let receiver: Receiver
let ca: Ca
before(async () => {
  server = await startTestServer()
  receiver = await startReceiver()
  ca = newRoot('senders')
  await trust(server, ca)
})
after(async () => {
  await receiver.close()
  await server.close()
})

async function assertRefused(answer: Answer, status: number, reason: RegExp) {
  assert.equal(answer.status, status, answer.text)
  const record = await decisionOf({ server }, answer)
  assert.match(record.reason, reason)
  return record
}

const namesOf = (der: Buffer) => {
  const { subject, issuer } = parseCertificate(der)
  return { subjectDN: formatName(subject), issuerDN: formatName(issuer) }
}

async function listing(id: string, ...clientCertificates: object[]) {
  await server.deploy(flowFile(id, receiver.origin, { sender: { authorization: { clientCertificates } } }))
  return `/http/${id}`
}

test('a flow that lists names: whoever has one of the pairs of subject and issuer needs no service key', async () => {
  const old = ca.issue({ cn: 'old' })
  const renewed = ca.issue({ cn: 'renewed' })
  const address = await listing('listed', namesOf(old.der), namesOf(renewed.der))
  for (const sender of [old, renewed, ca.issue({ cn: 'old' })]) {
    const answer = await sendWith(server, sender, { address })
    assert.equal(answer.status, 200, answer.text)
  }
  assert.equal(receiver.last().headers.sapauthenticatedusername, 'CN=old,O=Example')
})

test('a flow that lists names: other names are the documented 403, told to the operator only', async () => {
  const address = await listing('documented', namesOf(ca.issue({ cn: 'right' }).der))
  const sender = ca.issue({ cn: 'wrong' })
  await holds(server, sender)
  const answer = await sendWith(server, sender, { address })
  const record = await assertRefused(answer, 403, /./)
  assert.equal(
    record.reason,
    'Unauthorized. Subject and issuer (subject: CN=wrong,O=Example; issuer: CN=senders,O=Foreign) of the provided certificate is not contained in the accepted subjectAndIssuers list of the integration flow.',
  )
  assert.equal(answer.text.includes('CN='), false)
})

test('a flow that lists names: right names of an authority that is not trusted are refused', async () => {
  const address = await listing('names-alone', namesOf(ca.issue({ cn: 'right' }).der))
  const impostor = newRoot('senders').issue({ cn: 'right' })
  for (const sender of [impostor, sending(impostor, ca.der), selfSigned('right')])
    await assertRefused(await sendWith(server, sender, { address }), 401, /trusted|known here|self-signed/)
  // Names of two entries do not mix.
  const other = newRoot('another')
  await trust(server, other)
  const mixed = await listing(
    'mixed',
    namesOf(ca.issue({ cn: 'a' }).der),
    namesOf(other.issue({ cn: 'b' }).der),
  )
  await assertRefused(await sendWith(server, ca.issue({ cn: 'b' }), { address: mixed }), 403, /^Unauthorized/)
  await assertRefused(await sendWith(server, other.issue({ cn: 'a' }), { address: mixed }), 403, /^Unauth/)
})

test('a flow that lists names: nothing but a certificate is taken', async () => {
  const right = ca.issue({ cn: 'right' })
  const address = await listing('certificate-only', namesOf(right.der))
  const secret = await server.sender()
  const token = `Bearer ${await server.token(secret)}`
  for (const Authorization of [token, basic(secret), 'x'])
    for (const sender of [right, undefined]) {
      const answer = await sendWith(server, sender, { address, headers: { Authorization } })
      await assertRefused(answer, 401, /takes client certificates only/)
    }
  await assertRefused(await sendWith(server, undefined, { address }), 401, /without a client certificate/)
  const publicly = await server.call(address, { method: 'POST', certificate: right.credential })
  const { hint } = await assertRefused(publicly, 401, /without a client certificate/)
  assert.ok(hint!.includes(server.mtlsUrl), hint)
})

test('a flow that lists names: a certificate of the own authority that was revoked, or whose key was deleted, is refused', async () => {
  const { services } = server.server
  const revoked = await issued(server)
  const deleted = await issued(server)
  const pairs = [revoked, deleted].map(({ credential }) => namesOf(derOf(credential.cert)))
  const address = await listing('own-authority', ...pairs)
  for (const sender of [revoked, deleted])
    assert.equal((await sendWith(server, sender, { address })).status, 200)
  const { serialnumber } = revoked.document.certificatedetails as { serialnumber: string }
  orThrow(await revokeCertificate(server.tenant, serialnumber, 'keyCompromise', services))
  orThrow(await deleteKey(server.tenant, deleted.instance, 'key', services))
  for (const sender of [revoked, deleted])
    await assertRefused(await sendWith(server, sender, { address }), 401, /revoked/)
})

test('a flow that lists names: deploying it gives the warning of the documentation, and the address to call', async () => {
  const token = await server.adminToken('WorkspaceArtifactsDeploy')
  const body = JSON.stringify(
    flowFile('warned', receiver.origin, {
      sender: { authorization: { clientCertificates: [namesOf(ca.issue().der)] } },
    }),
  )
  const answer = await server.call('/admin/v1/flows', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: Buffer.from(body),
  })
  assert.ok([200, 201].includes(answer.status), answer.text)
  const { warnings, endpoint } = answer.json<{ warnings: string[]; endpoint: string }>()
  assert.match(String(warnings), /not recommended: only the names are/)
  assert.equal(endpoint, `${server.mtlsUrl}/http/warned`, 'where a certificate is asked for')
})
