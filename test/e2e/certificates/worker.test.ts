import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createInstance, createKey, createRole, updateInstance } from '../../../src/core/broker/index.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import {
  type Ca,
  callMtls,
  holds,
  issued,
  newRoot,
  selfSigned,
  sendWith,
  trust,
} from '../../support/senders.ts'
import { type Answer, basic, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { newTenant } from '../token-server/world.ts'
import { decisionOf, flowFile, newestMessage } from '../worker/world.ts'

let server: TestServer
let receiver: Receiver
let ca: Ca
before(async () => {
  server = await startTestServer()
  receiver = await startReceiver()
  ca = newRoot('senders')
  await trust(server, ca)
  orThrow(await createRole(server.tenant, 'Special.send', '', server.server.services))
  await server.deploy(flowFile('orders', receiver.origin))
  await server.deploy(
    flowFile('special', receiver.origin, { sender: { authorization: { userRole: 'Special.send' } } }),
  )
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

test('a certificate alone calls a flow: certificate, service key, instance, role', async () => {
  for (const sender of [await issued(server), ca.issue()]) {
    const key = 'clientid' in sender ? sender : await holds(server, sender)
    const before = receiver.received.length
    const answer = await sendWith(server, sender)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(receiver.received.length, before + 1)
    assert.equal(receiver.last().headers.sapauthenticatedusername, key.clientid)
    assert.equal((await newestMessage({ server }, 'orders', before + 1)).sender, key.clientid)
  }
})

test('the role of the instance decides: 403 without it, and the record says what to add', async () => {
  const sender = ca.issue()
  const key = await holds(server, sender)
  assert.equal((await sendWith(server, sender)).status, 200)
  const refused = await sendWith(server, sender, { address: '/http/special' })
  const record = await assertRefused(refused, 403, /asks for Special.send/)
  assert.match(record.hint!, /--role ESBMessaging.send --role Special.send/)
  assert.equal(record.clientId, key.clientid)

  const { services } = server.server
  orThrow(await updateInstance(server.tenant, key.instance, { roles: ['Special.send'] }, services))
  assert.equal((await sendWith(server, sender, { address: '/http/special' })).status, 200)
  assert.equal((await sendWith(server, sender)).status, 403)
})

test('no certificate, on the port that asks for one: 401 without an error code', async () => {
  const answer = await sendWith(server, undefined)
  const record = await assertRefused(answer, 401, /carries no credentials/)
  assert.match(record.hint!, /its HTTP client sent none/)
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="default"')
})

test('on the port that asks for no certificate a sender with nothing but one is refused, and the record has the right address', async () => {
  const sender = ca.issue()
  await holds(server, sender)
  const answer = await server.call('/http/orders', { method: 'POST', certificate: sender.credential })
  const record = await assertRefused(answer, 401, /carries no credentials/)
  assert.ok(record.hint!.includes(server.mtlsUrl), record.hint)
})

test('an unknown certificate, a self-signed one and one of an unknown root are all the same 401 outside', async () => {
  const answers = [
    await sendWith(server, ca.issue()),
    await sendWith(server, selfSigned('x')),
    await sendWith(server, newRoot('unknown').issue()),
  ]
  const bodies = answers.map(answer => ({ ...answer.json(), correlation_id: '' }))
  for (const body of bodies)
    assert.deepEqual(body, {
      error: 'unauthorized',
      error_description: 'the credentials are not valid',
      correlation_id: '',
    })
  await assertRefused(answers[0]!, 401, /it is of a trusted authority/)
  await assertRefused(answers[1]!, 401, /self-signed/)
  await assertRefused(answers[2]!, 401, /CN=unknown/)
})

test('Basic beside a certificate is refused, whoever they belong to', async () => {
  const secret = await server.sender()
  const sender = ca.issue()
  await holds(server, sender)
  for (const by of [sender, ca.issue(), newRoot('whoever').issue()]) {
    const answer = await sendWith(server, by, { headers: { Authorization: basic(secret) } })
    await assertRefused(answer, 400, /exactly one credential/)
  }
  assert.equal((await sendWith(server, undefined, { headers: { Authorization: basic(secret) } })).status, 200)
})

test('an invalid token is not made good by a right certificate, nor is a header of another scheme', async () => {
  const sender = ca.issue()
  await holds(server, sender)
  for (const Authorization of ['Bearer nonsense', 'Bearer', 'Bearer a b', 'Digest x', 'x'])
    await assertRefused(await sendWith(server, sender, { headers: { Authorization } }), 401, /./)
})

test('a key of plan api is no sender', async () => {
  const api = await issued(server)
  const { services } = server.server
  orThrow(
    await createInstance(
      server.tenant,
      { name: 'api-certificate', plan: 'api', parameters: { roles: ['MonitoringDataRead'] } },
      services,
    ),
  )
  const request = { 'key-type': 'certificate', 'key-length': 256 }
  const { document } = orThrow(await createKey(server.tenant, 'api-certificate', 'key', request, services))
  const { certificate: cert, key } = document as unknown as { certificate: string; key: string }
  await assertRefused(await sendWith(server, { credential: { cert, key } }), 403, /the credential is for/)
  assert.equal((await sendWith(server, api)).status, 200)
})

test('the admin API is not there where certificates are asked for', async () => {
  const sender = await issued(server)
  assert.equal((await callMtls(server, '/admin/v1/instances', sender)).status, 404)
})

test('a certificate is of its tenant: the flow of another one does not know it', async () => {
  const other = await newTenant(server, 'elsewhere')
  await server.deploy(flowFile('orders', receiver.origin), other)
  const sender = await issued(server)
  const answer = await sendWith(server, sender, { address: '/tenants/elsewhere/http/orders' })
  assert.equal(answer.status, 401, answer.text)
  const record = await decisionOf({ server }, answer, other.id)
  assert.match(record.reason, /no service key of the tenant holds/)
})
