import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { basic } from '../../support/server.ts'
import { eventually, type ServerProcess, type ServiceKey, startServer } from './support.ts'

/** Connections go to the processes in turn: so many reach each of them. */
const connections = 50

/** The process ids of the workers, as the kernel knows them. */
function workersOf({ pid }: ServerProcess): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('with two workers', () => {
  let server: ServerProcess
  let receiver: Server
  before(async () => {
    receiver = createServer((request, response) => {
      request.resume()
      request.once('end', () => response.end('received'))
    }).listen(0, '127.0.0.1')
    server = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
    const { port } = receiver.address() as AddressInfo
    await server.admin('POST', '/flows', {
      id: 'orders',
      name: 'Orders',
      sender: { adapter: 'HTTPS', address: '/orders' },
      receiver: { adapter: 'HTTP', url: `http://127.0.0.1:${port}/` },
    })
  })
  after(async () => {
    await server.stop()
    receiver.close()
    receiver.closeAllConnections()
  })

  const requestToken = (key: Pick<ServiceKey, 'clientid' | 'clientsecret'>, format = 'jwt') =>
    server.call('/oauth/token', {
      method: 'POST',
      headers: { Authorization: basic(key) },
      body: { grant_type: 'client_credentials', token_format: format },
    })
  const callFlow = (authorization: string) =>
    server.call('/http/orders', { method: 'POST', headers: { Authorization: authorization }, body: '{}' })
  const all = <Value>(ask: () => Promise<Value>, count = connections) =>
    Promise.all(Array.from({ length: count }, ask))
  const statuses = async (ask: () => Promise<{ status: number }>, count?: number) => [
    ...new Set((await all(ask, count)).map(answer => answer.status)),
  ]
  async function counted(metric: RegExp): Promise<number> {
    const { text } = await server.call('/metrics')
    return Number(metric.exec(text)?.[1] ?? 0)
  }

  test('there are two processes beside the primary', () => {
    assert.equal(workersOf(server).length, 2)
  })

  test('what one process did counts in every process on the next request: a key is made', async () => {
    for (let i = 0; i < 5; i++) {
      const key = await server.key('made', `key-${i}`)
      assert.deepEqual(await statuses(() => requestToken(key)), [200])
    }
  })

  test('a key is deleted: its secret and its tokens of both formats are refused on the next request', async () => {
    for (let i = 0; i < 5; i++) {
      const key = await server.key('deleted', `key-${i}`)
      const tokens = [
        await server.token(key, { token_format: 'jwt' }),
        await server.token(key, { token_format: 'opaque' }),
      ]
      // In the caches of both.
      for (const token of tokens) assert.deepEqual(await statuses(() => callFlow(`Bearer ${token}`)), [200])
      await server.admin('DELETE', `/instances/deleted/keys/key-${i}`)
      // Together no more than the back-off lets pass.
      assert.deepEqual(await statuses(() => requestToken(key), 10), [401])
      assert.deepEqual(await statuses(() => callFlow(basic(key)), 10), [401])
      for (const token of tokens) assert.deepEqual(await statuses(() => callFlow(`Bearer ${token}`)), [401])
    }
  })

  test('a token of one process is good in the other, and once revoked in neither', async () => {
    const key = await server.key('revoked', 'key')
    for (const format of ['jwt', 'opaque']) {
      const token = await server.token(key, { token_format: format })
      assert.deepEqual(await statuses(() => callFlow(`Bearer ${token}`)), [200])
      const headers = { Authorization: basic(key) }
      const revoked = await server.call('/oauth/revoke', { method: 'POST', headers, body: { token } })
      assert.equal(revoked.status, 200)
      assert.deepEqual(await statuses(() => callFlow(`Bearer ${token}`)), [401])
    }
  })

  test('a flow that is undeployed is gone in both', async () => {
    const key = await server.key('undeployed', 'key')
    await server.admin('POST', '/flows', {
      id: 'short',
      name: 'Short-lived',
      sender: { adapter: 'HTTPS', address: '/short' },
      receiver: { adapter: 'HTTP', url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` },
    })
    const call = () => server.call('/http/short', { headers: { Authorization: basic(key) } })
    assert.deepEqual(await statuses(call), [200])
    await server.admin('DELETE', '/flows/short')
    assert.deepEqual(await statuses(call), [404])
  })

  test('failures are counted together, and the right secret is never refused', async () => {
    const key = await server.key('backoff', 'key')
    const wrong = { clientid: key.clientid, clientsecret: 'wrong' }
    let failures = 0
    const first = await eventually(
      async () => {
        const { status } = await requestToken(wrong)
        if (status === 429) return failures
        assert.equal(status, 401)
        failures++
        // The processes tell each other every 100 ms: only who is slower than that is counted exactly.
        await new Promise(resolve => setTimeout(resolve, 20))
        return undefined
      },
      20_000,
      '429',
    )
    assert.ok(first >= 20 && first <= 30, `after ${first} failures, not 20 in each process`)
    await eventually(
      async () => (await statuses(() => requestToken(wrong))).every(status => status === 429),
      2000,
      'both processes have heard',
    )
    assert.deepEqual(await statuses(() => requestToken(key)), [200])
  })

  test('metrics are those of both', async () => {
    const metric = /^countersign_tokens_issued_total\{tenant="default",format="opaque"\} (\d+)$/m
    const key = await server.key('metrics', 'key')
    const before = await counted(metric)
    await all(() => requestToken(key, 'opaque'))
    for (let i = 0; i < 10; i++) assert.equal(await counted(metric), before + connections)
  })

  test('a decision record and an entry of the message log are read from both within a second', async () => {
    const key = await server.key('records', 'key')
    const refused = await callFlow('Bearer nonsense')
    const accepted = await callFlow(basic(key))
    assert.deepEqual([refused.status, accepted.status], [401, 200])
    // The promised second; asking earlier would make them be written.
    await new Promise(resolve => setTimeout(resolve, 1000))
    const id = refused.headers['x-correlation-id']
    const messages = await all(() =>
      server.admin<{ messages: { correlationId: string }[] }>('GET', '/messages?flow=orders'),
    )
    for (const { messages: found } of messages)
      assert.equal(found[0]!.correlationId, accepted.headers['x-correlation-id'])
    for (const decision of await all(() => server.admin('GET', `/decisions/${id}`)))
      assert.equal(decision.code, 'invalid_token')
  })

  test('a worker that is killed is replaced, and nothing acknowledged is lost', async () => {
    const key = await server.key('killed', 'key')
    const old = workersOf(server)
    // One after the other: in the end only new ones are left to answer.
    for (const victim of old) {
      process.kill(victim, 'SIGKILL')
      const line = await server.logged(({ message, pid }) => /a worker died/.test(message) && pid === victim)
      assert.deepEqual([line.level, line.signal], ['error', 'SIGKILL'])
      await eventually(
        async () => {
          const answer = await server.call('/readyz').catch(() => undefined)
          return workersOf(server).length === 2 && answer?.status === 200
        },
        20_000,
        'replaced',
      )
    }
    assert.ok(!workersOf(server).some(pid => old.includes(pid)))
    assert.deepEqual(await statuses(() => requestToken(key)), [200])
    const made = await server.key('killed', 'after')
    assert.deepEqual(await statuses(() => requestToken(made)), [200])
  })
})

test('SIGTERM ends all processes; so does the sudden end of the primary', async () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const server = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
    const workers = workersOf(server)
    assert.equal(workers.length, 2)
    server.signal(signal)
    const ended = await server.ended
    assert.deepEqual([ended.status, ended.signal], signal === 'SIGTERM' ? [0, null] : [null, 'SIGKILL'])
    await eventually(async () => !workers.some(isAlive), 5000, `no worker is left after ${signal}`)
  }
})
