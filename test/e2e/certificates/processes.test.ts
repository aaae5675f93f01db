import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRoot, type Sender, selfSigned } from '../../support/senders.ts'
import { callUrl } from '../../support/server.ts'
import { type ServerProcess, startServer } from '../process/support.ts'

const hour = 3_600_000
const start = Math.floor(Date.now() / 1000) * 1000 - 50 * hour
const ca = newRoot('of processes')
/** Of one name, each issued an hour after the one before. */
const generations = (cn: string, count: number): Sender[] =>
  Array.from({ length: count }, (_, i) => ca.issue({ cn, notBefore: start + i * hour }))

const askFor = (server: ServerProcess, sender: Sender) =>
  callUrl(`${server.mtls}/oauth/token`, server.ca, {
    method: 'POST',
    body: { grant_type: 'client_credentials' },
    certificate: sender.credential,
  })

/** Connections go to the processes in turn: what many of them get, every process gives. */
async function statuses(server: ServerProcess, sender: Sender): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: 20 }, () => askFor(server, sender)))
  return [...new Set(answers.map(({ status }) => status))]
}

async function hold(server: ServerProcess, instance: string, sender: Sender, more: object = {}) {
  await server.admin('POST', '/instances', { name: instance })
  const parameters = { 'key-type': 'certificate_external', 'X.509': sender.pem, ...more }
  await server.admin('POST', `/instances/${instance}/keys`, { name: 'key', parameters })
}

const unpinned = { 'certificate-pinning': false }

test('what one process did with a certificate counts in every process on the next request', async t => {
  const server = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
  t.after(() => server.stop())
  const { certificates } = await server.admin<{ certificates: { fingerprint: string }[] }>('POST', '/trust', {
    certificates: ca.pem,
  })

  const senders = generations('successors', 5)
  await hold(server, 'successors', senders[0]!, unpinned)
  assert.deepEqual(await statuses(server, senders[0]!), [200])
  for (let i = 1; i < senders.length; i++) {
    assert.equal((await askFor(server, senders[i]!)).status, 200)
    assert.deepEqual(await statuses(server, senders[i - 1]!), [401])
    assert.deepEqual(await statuses(server, senders[i]!), [200])
  }

  for (let i = 0; i < 3; i++) {
    const [sender] = generations(`deleted ${i}`, 1) as [Sender]
    assert.deepEqual(await statuses(server, sender), [401])
    await hold(server, `deleted-${i}`, sender)
    assert.deepEqual(await statuses(server, sender), [200])
    await server.admin('DELETE', `/instances/deleted-${i}/keys/key`)
    assert.deepEqual(await statuses(server, sender), [401])
  }

  const alone = selfSigned('alone')
  await server.admin('PATCH', '/tenants/default', { selfSigned: true })
  await hold(server, 'alone', alone)
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(await statuses(server, alone), [200])
    await server.admin('PATCH', '/tenants/default', { selfSigned: false })
    assert.deepEqual(await statuses(server, alone), [401])
    await server.admin('PATCH', '/tenants/default', { selfSigned: true })
  }

  await server.admin('DELETE', `/trust/${certificates[0]!.fingerprint}`)
  assert.deepEqual(await statuses(server, senders.at(-1)!), [401])
})

test('that a certificate was succeeded is on the disk before its successor is answered: SIGKILL changes nothing', async () => {
  let server = await startServer()
  await server.admin('POST', '/trust', { certificates: ca.pem })
  const senders = generations('durable', 4)
  await hold(server, 'durable', senders[0]!, unpinned)
  for (let i = 1; i < senders.length; i++) {
    assert.equal((await askFor(server, senders[i]!)).status, 200)
    await server.kill()
    server = await startServer({ dataDir: server.dataDir })
    assert.equal((await askFor(server, senders[i - 1]!)).status, 401)
    assert.equal((await askFor(server, senders[i]!)).status, 200)
  }
  await server.stop()
})
