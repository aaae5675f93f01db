import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freshDatabase } from '../../support/postgres.ts'
import { askWith, holds, newRoot, type Sender, trust } from '../../support/senders.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { until } from '../worker/world.ts'

const hour = 3_600_000
const start = Math.floor(Date.now() / 1000) * 1000 - 20 * hour
const unpinned = { 'certificate-pinning': false }
const statusOf = async (server: TestServer, sender: Sender) => (await askWith(server, sender)).status

async function twoNodes(t: TestContext): Promise<readonly [TestServer, TestServer]> {
  const { url: databaseUrl, drop } = await freshDatabase()
  const masterKey = randomBytes(32)
  const nodes = [
    await startTestServer({ databaseUrl, masterKey }),
    await startTestServer({ databaseUrl, masterKey }),
  ] as const
  t.after(async () => {
    for (const node of nodes) await node.close()
    await drop()
  })
  return nodes
}

test('what one node has seen succeed another refuses within a second', async t => {
  const [one, other] = await twoNodes(t)
  const ca = newRoot('nodes')
  await trust(one, ca)
  const first = ca.issue({ notBefore: start })
  const second = ca.issue({ notBefore: start + hour })
  await holds(one, first, unpinned)
  await until(async () => (await statusOf(other, first)) === 200)
  assert.equal(await statusOf(one, second), 200)
  const since = performance.now()
  await until(async () => (await statusOf(other, first)) === 401)
  assert.ok(performance.now() - since < 1500)
  for (const node of [one, other]) {
    assert.equal(await statusOf(node, first), 401)
    assert.equal(await statusOf(node, second), 200)
  }
})

test('two successors at once, on two nodes: one wins on both', async t => {
  const nodes = await twoNodes(t)
  const ca = newRoot('race')
  await trust(nodes[0], ca)
  const first = ca.issue({ notBefore: start })
  await holds(nodes[0], first, unpinned)
  for (const node of nodes) await until(async () => (await statusOf(node, first)) === 200)
  const rivals = [ca.issue({ notBefore: start + hour }), ca.issue({ notBefore: start + hour })]
  const statuses = await Promise.all(rivals.map((sender, i) => statusOf(nodes[i]!, sender)))
  assert.deepEqual(statuses.toSorted(), [200, 401])
  const winner = rivals[statuses.indexOf(200)]!
  const loser = rivals[statuses.indexOf(401)]!
  for (const node of nodes) {
    await until(async () => (await statusOf(node, winner)) === 200)
    assert.equal(await statusOf(node, loser), 401)
  }
})

test('what was answered is remembered after a restart', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-restart-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const options = { databaseUrl: `sqlite:${directory}`, masterKey: randomBytes(32) }
  const before = await startTestServer(options)
  const ca = newRoot('restart')
  await trust(before, ca)
  const first = ca.issue({ notBefore: start })
  const second = ca.issue({ notBefore: start + hour })
  await holds(before, first, unpinned)
  assert.equal(await statusOf(before, first), 200)
  assert.equal(await statusOf(before, second), 200)
  await before.close()

  const after = await startTestServer(options)
  t.after(() => after.close())
  assert.equal(await statusOf(after, first), 401)
  assert.equal(await statusOf(after, second), 200)
})
