import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createKey, deleteKey, rotateKey } from '../../../src/core/broker/index.ts'
import { explainCredential } from '../../../src/core/explain/index.ts'
import {
  askWith,
  type Ca,
  holds,
  newKey,
  newRoot,
  type Sender,
  sending,
  sendWith,
  trust,
} from '../../support/senders.ts'
import { type Answer, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'

const hour = 3_600_000
const unpinned = { 'certificate-pinning': false }

let server: TestServer
let ca: Ca
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  ca = newRoot('renewing')
  await trust(server, ca)
  endReceiver = await deployOrders(server)
})
after(async () => {
  endReceiver()
  await server.close()
})

const start = Math.floor(Date.now() / 1000) * 1000 - 20 * hour
/** Of one name, issued so many hours after the first. */
const at = (cn: string, hours: number, by: Ca = ca): Sender =>
  by.issue({ cn, notBefore: start + hours * hour })

async function assertStatus(sender: Sender, status: number): Promise<Answer> {
  const answer = await askWith(server, sender)
  assert.equal(answer.status, status, answer.text)
  return answer
}

async function assertRefused(sender: Sender, reason: RegExp) {
  for (const answer of [await assertStatus(sender, 401), await sendWith(server, sender)]) {
    assert.equal(answer.status, 401, answer.text)
    assert.match((await decisionOf({ server }, answer)).reason, reason)
  }
}

test('the successor of an unpinned certificate is accepted, and the older one refused from then on', async () => {
  const [first, second, third] = [at('chain', 0), at('chain', 1), at('chain', 2)]
  const key = await holds(server, first, unpinned)
  await assertStatus(first, 200)
  const answer = await assertStatus(second, 200)
  assert.ok(answer.text.includes('access_token'))
  await assertRefused(first, /a later certificate of the same names was used on/)
  await assertStatus(second, 200)
  // At the flow as well as at the token server.
  assert.equal((await sendWith(server, third)).status, 200)
  await assertRefused(second, /a later certificate of the same names was used/)
  await assertRefused(first, /a later certificate of the same names was used/)
  assert.equal((await askWith(server, third, { client_id: key.clientid })).status, 200)
})

test('one that was issued before the one in use is not its successor, nor one issued at the same time', async () => {
  const held = at('dates', 2)
  await holds(server, held, unpinned)
  await assertRefused(at('dates', 1), /was issued before the one in use/)
  await assertRefused(at('dates', 2), /at the same time as the one in use/)
  await assertStatus(held, 200)
})

test('of two successors issued at the same time the first that is used wins', async () => {
  await holds(server, at('equal', 0), unpinned)
  const [one, other] = [at('equal', 1), at('equal', 1)]
  await assertStatus(one, 200)
  await assertRefused(other, /at the same time as the one in use/)
  await assertStatus(one, 200)
})

test('of two successors that come at once one wins, and stays the winner', async () => {
  await holds(server, at('race', 0), unpinned)
  const rivals = [at('race', 1), at('race', 1)]
  const requests = rivals.flatMap(sender => Array.from({ length: 4 }, () => askWith(server, sender)))
  const statuses = (await Promise.all(requests)).map(({ status }) => status)
  const winners = [statuses.slice(0, 4), statuses.slice(4)].map(four => four.includes(200))
  assert.equal(winners.filter(Boolean).length, 1, String(statuses))
  const [winner, loser] = winners[0] ? rivals : rivals.toReversed()
  await assertStatus(winner!, 200)
  await assertRefused(loser!, /at the same time as the one in use/)
})

test('of several that come at once the latest wins, whatever the order of their arrival', async () => {
  await holds(server, at('several', 0), unpinned)
  const senders = [1, 4, 2, 5, 3].map(hours => at('several', hours))
  await Promise.all(senders.map(sender => askWith(server, sender)))
  await assertStatus(senders[3]!, 200)
  for (const sender of senders.filter(one => one !== senders[3])) await assertStatus(sender, 401)
})

test('a pinned certificate has no successor', async () => {
  const held = at('pinned', 0)
  await holds(server, held)
  await assertRefused(at('pinned', 1), /no service key of the tenant holds/)
  await assertStatus(held, 200)
})

test('same names, but another key of the issuer: not the successor', async () => {
  const held = at('issuer', 0)
  await holds(server, held, unpinned)
  const impostor = newRoot('renewing')
  await trust(server, impostor)
  await assertRefused(at('issuer', 1, impostor), /no service key of the tenant holds/)
  // A trusted root that gave an intermediate the name.
  const other = newRoot('other')
  await trust(server, other)
  const below = other.intermediate('renewing', { subject: ca.subject })
  await assertRefused(at('issuer', 1, below), /no service key of the tenant holds/)
  // One that is not trusted, with the true issuer sent along.
  const unknown = newRoot('renewing')
  await assertRefused(sending(at('issuer', 1, unknown), ca.der), /no service key/)
  await assertStatus(held, 200)
})

test('other names, however similar, are not its successor', async () => {
  const held = at('similar', 0)
  await holds(server, held, unpinned)
  for (const cn of ['similar2', 'similar,', 'simi\u200blar', 'similаr'])
    await assertRefused(at(cn, 1), /no service key of the tenant holds/)
  await assertStatus(held, 200)
})

test('an expired successor, and one without clientAuth, succeed nothing', async () => {
  const held = at('broken', 0)
  await holds(server, held, unpinned)
  const late = { cn: 'broken', notBefore: start + hour }
  await assertRefused(ca.issue({ ...late, notAfter: Date.now() - 1000 }), /it was valid until/)
  await assertRefused(ca.issue({ ...late, extensions: { eku: undefined } }), /extKeyUsage/)
  await assertStatus(held, 200)
})

test('a wrong client_id does not make a successor', async () => {
  const held = at('intent', 0)
  await holds(server, held, unpinned)
  const next = at('intent', 1)
  assert.equal((await askWith(server, next, { client_id: 'somebody else' })).status, 401)
  await assertStatus(held, 200)
})

test('explaining a certificate changes nothing, and tells what would happen', async () => {
  const held = at('explained', 1)
  await holds(server, held, unpinned)
  const explain = ({ der, thumbprint }: Sender) =>
    explainCredential(
      { certificate: { der, thumbprint, chain: [] } },
      '/http/orders',
      server.tenant,
      server.server.services,
    )
  assert.equal((await explain(at('explained', 2))).accepted, true)
  const older = await explain(at('explained', 0))
  assert.equal(older.accepted, false)
  assert.match(older.reason, /was issued before the one in use/)
  await assertStatus(held, 200)
  assert.equal((await explain(held)).accepted, true)
})

test('a second key of the same names is a conflict when it is made, told with the name of the first', async () => {
  const first = at('conflict', 0)
  const key = await holds(server, first, unpinned)
  const told = new RegExp(
    `key key of instance ${key.instance} holds a certificate of the same subject and issuer`,
  )
  await assert.rejects(holds(server, at('conflict', 1), unpinned), told)
  await assert.rejects(holds(server, at('conflict', 1)), told)
  await assert.rejects(holds(server, first), /held by key key of instance/)
  // Two that are pinned do not get in each other's way.
  await holds(server, at('both pinned', 0))
  await holds(server, at('both pinned', 1))
})

test('without pinning an issuer that is not known is refused: its key is needed', async () => {
  const sender = newRoot('not known').issue()
  await assert.rejects(
    holds(server, sender, { ...unpinned, 'allow-untrusted': true }),
    /the key of its issuer is not known/,
  )
})

test('after a rotation to other names, the names of before have no successors any more', async () => {
  const { services } = server.server
  const key = await newKey(server, {
    'key-type': 'certificate_external',
    'X.509': at('before rotation', 0).pem,
    ...unpinned,
  })
  const next = at('after rotation', 1)
  orThrow(
    await rotateKey(
      server.tenant,
      key.instance,
      'key',
      { overlapDays: 0, parameters: { 'X.509': next.pem } },
      services,
    ),
  )
  await assertStatus(next, 200)
  await assertRefused(at('before rotation', 5), /was renewed, and accepted beside its successor until/)
  await assertStatus(next, 200)
  await assertStatus(at('after rotation', 2), 200)
})

test('within the overlap of a rotation to other names, whoever was rotated away does not take the key back', async () => {
  const { services } = server.server
  const [before, next] = [at('rotated away', 0), at('rotated to', 1)]
  const key = await holds(server, before, unpinned)
  const rotation = { overlapDays: 7, parameters: { 'X.509': next.pem } }
  orThrow(await rotateKey(server.tenant, key.instance, 'key', rotation, services))
  await assertStatus(next, 200)
  await assertRefused(at('rotated away', 5), /was rotated to a certificate of other names/)
  await assertStatus(before, 200)
  await assertStatus(next, 200)
  await assertStatus(at('rotated to', 6), 200)
})

test('names that a key was rotated away from, and that no certificate in use has, may be those of another key', async () => {
  const { services } = server.server
  const key = await holds(server, at('moved on', 0), unpinned)
  const rotation = { overlapDays: 0, parameters: { 'X.509': at('moved to', 1).pem } }
  orThrow(await rotateKey(server.tenant, key.instance, 'key', rotation, services))
  await assertStatus(at('moved to', 2), 200)
  const another = await holds(server, at('moved on', 3), unpinned)
  await assertStatus(at('moved on', 4), 200)
  assert.equal((await askWith(server, at('moved on', 5), { client_id: another.clientid })).status, 200)
  assert.equal((await askWith(server, at('moved to', 6), { client_id: key.clientid })).status, 200)
})

test('the key is deleted: neither it nor a successor is accepted', async () => {
  const { services } = server.server
  const held = at('deleted', 0)
  const key = await holds(server, held, unpinned)
  await assertStatus(held, 200)
  orThrow(await deleteKey(server.tenant, key.instance, 'key', services))
  await assertRefused(held, /no service key/)
  await assertRefused(at('deleted', 1), /no service key/)
  // The names are free again.
  const request = { 'key-type': 'certificate_external', 'X.509': at('deleted', 2).pem }
  orThrow(await createKey(server.tenant, key.instance, 'another', request, services))
})
