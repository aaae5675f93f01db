import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { retireRoot, rollOverAuthority } from '../../../src/core/authority/index.ts'
import {
  deleteInstance,
  deleteKey,
  revokeCertificate,
  rotateKey,
  updateInstance,
} from '../../../src/core/broker/index.ts'
import { removeTrust } from '../../../src/core/trust/index.ts'
import { askWith, holds, issued, newRoot, type Sender, trust } from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders } from '../token-server/world.ts'
import { assertBoth, type KeptOpen, keepOpen, tokenRequest } from './kept-open.ts'

const day = 86_400_000

let server: TestServer
let endReceiver: () => void
const connections: KeptOpen[] = []
before(async () => {
  server = await startTestServer()
  endReceiver = await deployOrders(server)
})
after(async () => {
  for (const connection of connections) connection.close()
  endReceiver()
  await server.close()
})

/** A connection on which both the token server and the flow have accepted the sender. */
async function accepted(sender: Pick<Sender, 'credential'>): Promise<KeptOpen> {
  const connection = keepOpen(server, sender)
  connections.push(connection)
  await assertBoth(connection, 200)
  await assertBoth(connection, 200)
  return connection
}

test('a key that is deleted is refused on the next request of an open connection', async () => {
  for (const sender of [await issued(server), await foreign()]) {
    const connection = await accepted(sender)
    orThrow(await deleteKey(server.tenant, sender.instance, 'key', server.server.services))
    await assertBoth(connection, 401, /no service key of the tenant holds/)
  }
})

async function foreign() {
  const ca = newRoot('foreign')
  const trusted = await trust(server, ca)
  const sender = ca.issue()
  return { ...(await holds(server, sender)), ...sender, fingerprint: trusted.fingerprint }
}

test('so is one whose instance is deleted', async () => {
  const sender = await foreign()
  const connection = await accepted(sender)
  orThrow(await deleteInstance(server.tenant, sender.instance, server.server.services))
  await assertBoth(connection, 401, /no service key of the tenant holds/)
})

test('a certificate that is revoked is refused on the next request of an open connection', async () => {
  const sender = await issued(server)
  const connection = await accepted(sender)
  const { serialnumber } = sender.document.certificatedetails as { serialnumber: string }
  orThrow(await revokeCertificate(server.tenant, serialnumber, 'keyCompromise', server.server.services))
  await assertBoth(connection, 401, /the certificate was revoked on/)
})

test('a revoked certificate does not carry a token that is bound to it any more', async () => {
  for (const token_format of ['jwt', 'opaque']) {
    const sender = await issued(server, {}, { bindTokens: true })
    const answer = await askWith(server, sender, { token_format })
    const { access_token: token } = answer.json<{ access_token: string }>()
    const connection = await accepted(sender)
    const headers = { Authorization: `Bearer ${token}` }
    assert.equal(await connection.status('/http/orders', { headers }), 200)
    const { serialnumber } = sender.document.certificatedetails as { serialnumber: string }
    orThrow(await revokeCertificate(server.tenant, serialnumber, 'superseded', server.server.services))
    assert.equal(await connection.status('/http/orders', { headers }), 401)
    assert.match((await connection.decision()).reason, /bound to a certificate.* was revoked/)
  }
})

test('a role that is taken away counts on the next request of an open connection', async () => {
  const sender = await issued(server)
  const connection = await accepted(sender)
  const { services } = server.server
  orThrow(await updateInstance(server.tenant, sender.instance, { roles: [] }, services))
  assert.equal(await connection.status('/http/orders', { body: 'an order' }), 403)
})

test('a root that is trusted no more is so on the next request of an open connection', async () => {
  const sender = await foreign()
  const connection = await accepted(sender)
  orThrow(await removeTrust(server.tenant, sender.fingerprint, server.server.services))
  await assertBoth(connection, 401, /CN=foreign,O=Foreign/)
})

test('the overlap with a successor ends on an open connection too', async () => {
  const sender = await issued(server)
  const connection = await accepted(sender)
  const { document } = orThrow(
    await rotateKey(
      server.tenant,
      sender.instance,
      'key',
      { overlapDays: 2, parameters: { 'key-length': 256 } },
      server.server.services,
    ),
  )
  const { certificate: cert, key } = document as unknown as { certificate: string; key: string }
  const successor = await accepted({ credential: { cert, key } })
  await assertBoth(connection, 200)
  server.advance(2 * day - 60_000)
  await assertBoth(connection, 200)
  server.advance(61_000)
  await assertBoth(connection, 401, /was renewed, and accepted beside its successor until/)
  await assertBoth(successor, 200)
})

test('a certificate ends on an open connection too', async () => {
  const own = await issued(server, { validity: 3 })
  const ca = newRoot('ending')
  await trust(server, ca)
  const sender = ca.issue({ notAfter: server.now() + 3 * day })
  await holds(server, sender)
  const both = [await accepted(own), await accepted(sender)]
  server.advance(3 * day - 60_000)
  for (const connection of both) await assertBoth(connection, 200)
  server.advance(62_000)
  for (const connection of both) await assertBoth(connection, 401, /it was valid until/)
})

test('so does the trust in an authority, at its date', async () => {
  const ca = newRoot('short root', { notAfter: server.now() + day })
  await trust(server, ca)
  const sender = ca.issue({ notAfter: server.now() + 30 * day })
  await holds(server, sender)
  const connection = await accepted(sender)
  server.advance(day + 1000)
  await assertBoth(connection, 401, /it was valid until/)
})

test('the own root is rolled over, and the old one retired: what it vouched for is refused at once', async () => {
  const { services } = server.server
  const old = await issued(server)
  const connection = await accepted(old)
  const { members } = await services.authorities.of(server.tenant.id)
  const root = members.find(({ role }) => role === 'root')!
  await rollOverAuthority(server.tenant, { leadDays: 0, overlapDays: 5 }, services)
  // Both are trusted together.
  await assertBoth(connection, 200)
  const fresh = await accepted(await issued(server))
  orThrow(await retireRoot(server.tenant, root.id, services))
  await assertBoth(connection, 401, /Countersign Root CA/)
  await assertBoth(fresh, 200)
})

test('an old root retires by its date, without anybody doing anything', async () => {
  const { services } = server.server
  const connection = await accepted(await issued(server))
  await rollOverAuthority(server.tenant, { leadDays: 0, overlapDays: 5 }, services)
  const fresh = await accepted(await issued(server))
  server.advance(5 * day - 60_000)
  await assertBoth(connection, 200)
  server.advance(61_000)
  await assertBoth(connection, 401, /Countersign Root CA/)
  await assertBoth(fresh, 200)
})

test('senders may try the next authority before it issues', async () => {
  const { services } = server.server
  await rollOverAuthority(server.tenant, { leadDays: 30, overlapDays: 400 }, services)
  const next = await accepted(await issued(server, { authority: 'next' }))
  const active = await accepted(await issued(server))
  await assertBoth(next, 200)
  await assertBoth(active, 200)
  assert.equal(await next.status('/oauth/token', tokenRequest), 200)
})
