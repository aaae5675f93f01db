import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { freshDatabase } from '../../support/postgres.ts'
import { callUrl } from '../../support/server.ts'
import { freePort, type ServerProcess, startServer, temporaryDirectory } from '../process/support.ts'
import { claimsOf, jwkOf, jwtBearer, newSigner, signed } from './world.ts'

const signer = newSigner()

/** A key that signs assertions for the issuer. */
async function registerAt(server: ServerProcess, issuer: string) {
  await server.admin('POST', '/instances', { name: 'asserting' })
  const parameters = { 'key-type': 'jwks', jwks: { keys: [jwkOf(signer)] } }
  const { clientid } = await server.admin<{ clientid: string }>('POST', '/instances/asserting/keys', {
    name: 'key',
    parameters,
  })
  return (more = {}) => signed(signer, claimsOf({ url: issuer, now: Date.now }, clientid, more))
}

const statusOf = async (server: ServerProcess, assertion: string): Promise<number> => {
  const answer = await callUrl(`${server.url}/oauth/token`, server.ca, {
    method: 'POST',
    body: {
      grant_type: 'client_credentials',
      client_assertion_type: jwtBearer,
      client_assertion: assertion,
    },
  })
  return answer.status
}

/** One assertion twenty times at once, at these servers in turn. */
async function assertOnce(servers: readonly ServerProcess[], assertion: string): Promise<void> {
  const all = Array.from({ length: 20 }, (_, i) => statusOf(servers[i % servers.length]!, assertion))
  const statuses = await Promise.all(all)
  assert.deepEqual(
    [200, 401].map(status => statuses.filter(one => one === status).length),
    [1, 19],
  )
}

describe('an assertion counts once', () => {
  test('in two processes on one SQLite file', async t => {
    const server = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
    t.after(() => server.stop())
    const fresh = await registerAt(server, server.url)
    // Connections go to the processes in turn.
    for (let round = 0; round < 5; round++) await assertOnce([server], fresh())
  })

  test('on two nodes with one PostgreSQL', async t => {
    const database = await freshDatabase()
    const issuer = 'https://countersign.example'
    const masterKey = randomBytes(32).toString('base64')
    const node = async () => {
      const port = await freePort()
      const started = await startServer({
        env: {
          COUNTERSIGN_DATABASE_URL: database.url,
          COUNTERSIGN_MASTER_KEY: masterKey,
          COUNTERSIGN_PUBLIC_URL: issuer,
          COUNTERSIGN_PORT: String(port),
        },
        reachAt: `https://localhost:${port}`,
      })
      t.after(() => started.stop())
      return started
    }
    const near = await node()
    const far = await node()
    t.after(() => database.drop())
    const fresh = await registerAt(near, issuer)
    for (const [first, second] of [
      [near, far],
      [far, near],
    ] as const) {
      const assertion = fresh()
      assert.equal(await statusOf(first, assertion), 200)
      assert.equal(await statusOf(second, assertion), 401)
    }
    for (let round = 0; round < 5; round++) await assertOnce([near, far], fresh())
  })

  test('across a restart, and after SIGKILL', async () => {
    const dataDir = join(temporaryDirectory(), 'data')
    const start = { dataDir, env: { COUNTERSIGN_PORT: String(await freePort()) } }
    let server = await startServer(start)
    const fresh = await registerAt(server, server.url)
    const used: string[] = []
    for (const end of ['stop', 'kill', 'kill'] as const) {
      // What was answered before the end counts, however it ends.
      for (let i = 0; i < 5; i++) {
        const assertion = fresh({ exp: Math.floor(Date.now() / 1000) + 500 })
        assert.equal(await statusOf(server, assertion), 200)
        used.push(assertion)
      }
      await server[end]()
      server = await startServer(start)
      for (const assertion of used) assert.equal(await statusOf(server, assertion), 401)
      assert.equal(await statusOf(server, fresh()), 200)
    }
    await server.stop()
  })
})
