import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { freshDatabase } from '../../support/postgres.ts'
import { basic } from '../../support/server.ts'
import {
  eventually,
  freePort,
  readKey,
  type ServerProcess,
  type ServiceKey,
  startServer,
  temporaryDirectory,
} from './support.ts'

/** The way to the database, which can be cut (connections break) or fall silent (nothing arrives any more). */
interface DatabaseWay {
  readonly url: string
  cut(): void
  silence(): void
  restore(): void
  close(): void
}

function wayTo(target: string): Promise<DatabaseWay> {
  const url = new URL(target)
  const pairs = new Set<[Socket, Socket]>()
  let state: 'open' | 'cut' | 'silent' = 'open'
  const server = createTcpServer(near => {
    if (state === 'cut') return void near.destroy()
    const far = connect(Number(url.port), url.hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('error', () => {})
      from.on('data', data => {
        // As on a broken line: sent, and never heard of again.
        if (state === 'open') to.write(data)
      })
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
    }
  })
  const breakAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const here = new URL(target)
      here.hostname = '127.0.0.1'
      here.port = String((server.address() as AddressInfo).port)
      resolve({
        url: here.href,
        cut() {
          state = 'cut'
          breakAll()
        },
        silence() {
          state = 'silent'
        },
        restore() {
          state = 'open'
          breakAll()
        },
        close() {
          breakAll()
          server.close()
        },
      })
    })
  })
}

describe('two nodes on one PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let way: DatabaseWay
  let receiver: HttpServer
  let near: ServerProcess
  /** Its way to the database can be cut. */
  let far: ServerProcess
  const masterKey = randomBytes(32).toString('base64')

  /** A further node gets the administrator's key as an operator would give it: without, it has none. */
  async function start(databaseUrl: string, first?: ServerProcess): Promise<ServerProcess> {
    const port = String(await freePort())
    const dataDir = temporaryDirectory()
    if (first) copyFileSync(join(first.dataDir, 'admin.json'), join(dataDir, 'admin.json'))
    return startServer({
      dataDir,
      reachAt: `https://localhost:${port}`,
      env: {
        COUNTERSIGN_DATABASE_URL: databaseUrl,
        COUNTERSIGN_MASTER_KEY: masterKey,
        // One name for both: a balancer's.
        COUNTERSIGN_PUBLIC_URL: 'https://localhost',
        COUNTERSIGN_PORT: port,
      },
    })
  }

  before(async () => {
    database = await freshDatabase()
    way = await wayTo(database.url)
    receiver = createServer((request, response) => {
      request.resume()
      request.once('end', () => response.end('received'))
    }).listen(0, '127.0.0.1')
    far = await start(way.url)
    near = await start(database.url, far)
    await near.admin('POST', '/flows', {
      id: 'orders',
      name: 'Orders',
      sender: { adapter: 'HTTPS', address: '/orders' },
      receiver: { adapter: 'HTTP', url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` },
    })
  })
  after(async () => {
    way.restore()
    await Promise.all([near.stop(), far.stop()])
    receiver.close()
    receiver.closeAllConnections()
    way.close()
    await database.drop()
  })

  const requestToken = (node: ServerProcess, key: ServiceKey) =>
    node.call('/oauth/token', {
      method: 'POST',
      headers: { Authorization: basic(key) },
      body: { grant_type: 'client_credentials' },
    })
  const callFlow = (node: ServerProcess, authorization: string) =>
    node.call('/http/orders', { method: 'POST', headers: { Authorization: authorization }, body: '{}' })

  test('a key made on one is good on the other within a second, and so are its tokens', async () => {
    const key = await near.key('made', 'key')
    await eventually(async () => (await requestToken(far, key)).status === 200, 1000, 'a token on the other')
    for (const format of ['jwt', 'opaque']) {
      const token = await near.token(key, { token_format: format })
      assert.equal((await callFlow(far, `Bearer ${token}`)).status, 200)
    }
  })

  test('a key deleted on one is refused on the other within a second, and so are its tokens', async () => {
    for (let i = 0; i < 5; i++) {
      const name = `key-${i}`
      const key = await near.key('deleted', name)
      const token = await near.token(key)
      await eventually(async () => (await callFlow(far, `Bearer ${token}`)).status === 200, 1000, 'known')
      await near.admin('DELETE', `/instances/deleted/keys/${name}`)
      await eventually(
        async () => (await callFlow(far, `Bearer ${token}`)).status === 401,
        1000,
        'token refused',
      )
      assert.equal((await requestToken(far, key)).status, 401)
      assert.equal((await callFlow(far, basic(key))).status, 401)
    }
  })

  test('a further node with an empty data directory gets ready and leaves the administrator key alone', async () => {
    const node = await start(database.url)
    await node.logged(line => /administrator key was made by another node/.test(line.message))
    assert.equal((await node.call('/readyz')).status, 200)
    assert.ok(!existsSync(join(node.dataDir, 'admin.json')))
    for (const each of [near, far, node])
      assert.equal((await requestToken(each, readKey(join(far.dataDir, 'admin.json')))).status, 200)
    assert.equal((await node.stop()).status, 0)
  })

  test('a connection that breaks in the middle of a transaction ends no node, and its log holds no secret', async t => {
    const anotherWay = await wayTo(database.url)
    t.after(() => anotherWay.close())
    const node = await start(anotherWay.url, near)
    // Changes of one node go one after the other: what it does at its start is over now.
    await node.admin('POST', '/instances', { name: 'before' })
    // Whoever has this row is alone: the change waits in its transaction until the connection breaks.
    const holder = new Client({ connectionString: database.url })
    await holder.connect()
    await holder.query('begin')
    await holder.query('select last from change_counter for update')
    const waiting = node.admin('POST', '/instances', { name: 'broken-off' }).catch((error: Error) => error)
    await eventually(
      async () =>
        (
          await holder.query('select 1 from pg_stat_activity where $1 = any(pg_blocking_pids(pid))', [
            (await holder.query('select pg_backend_pid() as pid')).rows[0].pid,
          ])
        ).rows.length > 0,
      5000,
      'the transaction waits',
    )
    anotherWay.cut()
    const outcome = await waiting
    await holder.query('rollback')
    await holder.end()
    anotherWay.restore()
    assert.match(String(outcome), /POST \/instances: 5\d\d /)
    await eventually(async () => (await node.call('/readyz')).status === 200, 8000, 'ready again')
    const { status, stdout, stderr } = await node.stop()
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /connection/)
    assert.ok(!stdout.includes(decodeURIComponent(new URL(database.url).password)))
    assert.doesNotMatch(stdout, /secretKey|"password"/)
  })

  for (const [what, stop] of [
    ['is stopped', () => way.cut()],
    ['falls silent', () => way.silence()],
  ] as const)
    test(`when the database ${what}, credentials are refused after 5 s, until it is back`, async () => {
      const instance = `lost-${what.replace(' ', '-')}`
      const key = await near.key(instance, 'key')
      await eventually(async () => (await requestToken(far, key)).status === 200, 1000, 'known')
      // Changes are told in order: once this one is, none is on its way that would make the node forget what it knows.
      const last = await near.key(instance, 'last')
      await eventually(async () => (await requestToken(far, last)).status === 200, 1000, 'known')
      await near.admin('DELETE', `/instances/${instance}/keys/last`)
      await eventually(async () => (await requestToken(far, last)).status === 401, 1000, 'deleted')
      const token = await far.token(key)
      assert.equal((await callFlow(far, `Bearer ${token}`)).status, 200)
      const unseen = await near.key(instance, 'unseen')

      stop()
      const begun = Date.now()
      const asked = requestToken(far, unseen).then(answer => ({ answer, tookMs: Date.now() - begun }))
      // What is known is still good for a while; nobody may be let in past it.
      assert.equal((await callFlow(far, `Bearer ${token}`)).status, 200)
      await eventually(async () => (await far.call('/readyz')).status === 503, 7000, 'not ready')
      const after = Date.now() - begun
      assert.ok(after > 3500 && after < 6500, `${after} ms`)
      // What has to be looked up waits no longer than anything is vouched for.
      const { answer, tookMs } = await asked
      assert.equal(answer.status, 503)
      assert.ok(tookMs < 6500, `${tookMs} ms`)
      for (const refused of [
        await requestToken(far, key),
        await callFlow(far, `Bearer ${token}`),
        await callFlow(far, basic(key)),
      ]) {
        assert.equal(refused.status, 503)
        assert.equal(refused.headers['retry-after'], '1')
        assert.ok(refused.json().correlation_id)
      }
      assert.equal((await far.call('/livez')).status, 200)
      // The other node has its own way.
      assert.equal((await requestToken(near, key)).status, 200)
      // Deleted meanwhile: must not come back to life.
      await near.admin('DELETE', `/instances/${instance}/keys/key`)

      way.restore()
      await eventually(async () => (await far.call('/readyz')).status === 200, 8000, 'ready again')
      assert.equal((await callFlow(far, `Bearer ${token}`)).status, 401)
      assert.equal((await requestToken(far, key)).status, 401)
      assert.equal((await requestToken(far, unseen)).status, 200)
      const fresh = await near.key(`back-${what.replace(' ', '-')}`, 'key')
      await eventually(async () => (await requestToken(far, fresh)).status === 200, 1000, 'in use again')
    })

  test('SIGTERM ends a node with 0 in time while its database is silent', async t => {
    const anotherWay = await wayTo(database.url)
    t.after(() => anotherWay.close())
    const node = await start(anotherWay.url, near)
    anotherWay.silence()
    const begun = Date.now()
    const { status, at } = await node.stop()
    assert.equal(status, 0)
    assert.ok(at - begun < 10_000, `${at - begun} ms`)
  })
})

test('two nodes that start at the same time on an empty database both get ready', async () => {
  const database = await freshDatabase()
  const env = {
    COUNTERSIGN_DATABASE_URL: database.url,
    COUNTERSIGN_MASTER_KEY: randomBytes(32).toString('base64'),
  }
  const nodes = await Promise.allSettled([startServer({ env }), startServer({ env })])
  await Promise.all(nodes.map(node => node.status === 'fulfilled' && node.value.stop()))
  await database.drop()
  for (const node of nodes) if (node.status === 'rejected') assert.fail(String(node.reason))
})
