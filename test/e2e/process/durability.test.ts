import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freshDatabase } from '../../support/postgres.ts'
import { basic } from '../../support/server.ts'
import {
  eventually,
  type ServerProcess,
  type ServiceKey,
  startServer,
  temporaryDirectory,
} from './support.ts'

const writers = 4
const instance = 'durable'

/** What one key was told about itself before the server was killed. */
interface Known {
  readonly name: string
  /** Its document arrived: the creation was acknowledged. */
  readonly created?: ServiceKey
  readonly deletion?: 'asked' | 'acknowledged'
}

/** Creates keys and deletes every second one, one after the other, until the server is gone. */
async function write(server: ServerProcess, prefix: string, known: Map<string, Known>): Promise<void> {
  for (let i = 0; ; i++) {
    const name = `${prefix}-${i}`
    known.set(name, { name })
    try {
      const created = await server.admin<ServiceKey>('POST', `/instances/${instance}/keys`, { name })
      known.set(name, { name, created })
      if (i % 2 === 0) continue
      known.set(name, { name, created, deletion: 'asked' })
      await server.admin('DELETE', `/instances/${instance}/keys/${name}`)
      known.set(name, { name, created, deletion: 'acknowledged' })
    } catch (error) {
      // The connection broke: the server was killed. A refusal would be the server's own and a failure.
      if (/: \d{3} /.test((error as Error).message)) throw error
      return
    }
  }
}

async function works(server: ServerProcess, key: ServiceKey): Promise<boolean> {
  const headers = { Authorization: basic(key) }
  const body = { grant_type: 'client_credentials' }
  const { status } = await server.call('/oauth/token', { method: 'POST', headers, body })
  assert.ok(status === 200 || status === 401, String(status))
  return status === 200
}

/** Every key is there as far as it was acknowledged, and whole or absent otherwise. */
async function check(server: ServerProcess, known: Iterable<Known>): Promise<{ kept: number; gone: number }> {
  const { keys } = await server.admin<{ keys: { name: string; clientid: string }[] }>(
    'GET',
    `/instances/${instance}/keys`,
  )
  const listed = new Map(keys.map(key => [key.name, key]))
  assert.equal(listed.size, keys.length, 'no name twice')
  const names = new Set<string>()
  const count = { kept: 0, gone: 0 }
  for (const { name, created, deletion } of known) {
    names.add(name)
    const found = listed.get(name)
    if (!created) continue
    if (deletion === undefined) assert.ok(found, `${name} was acknowledged and is gone`)
    if (deletion === 'acknowledged') assert.ok(!found, `${name} was deleted and is there`)
    if (found) assert.equal(found.clientid, created.clientid)
    assert.equal(
      await works(server, created),
      found !== undefined,
      `${name}: the list and its secret disagree`,
    )
    count[found ? 'kept' : 'gone']++
  }
  // What was not acknowledged and is there is whole: it can be shown and deleted like any other.
  for (const key of keys) {
    assert.ok(names.has(key.name), `${key.name} was never asked for`)
    const shown = await server.admin('GET', `/instances/${instance}/keys/${key.name}`)
    assert.equal(shown.clientid, key.clientid)
  }
  return count
}

async function survive(rounds: number, start: () => Promise<ServerProcess>): Promise<void> {
  let server = await start()
  await server.admin('POST', '/instances', { name: instance })
  const total = { kept: 0, gone: 0 }
  for (let round = 0; round < rounds; round++) {
    const known = new Map<string, Known>()
    const writing = Array.from({ length: writers }, (_, i) => write(server, `r${round}-w${i}`, known))
    // Not before there is something of each kind to be lost; then at any moment.
    const some = (fits: (key: Known) => boolean) => [...known.values()].some(fits)
    await eventually(
      async () =>
        some(key => key.deletion === 'acknowledged') &&
        some(key => key.created !== undefined && key.deletion === undefined),
      20_000,
      'a creation and a deletion were acknowledged',
    )
    await new Promise(resolve => setTimeout(resolve, randomInt(200)))
    const { signal } = await server.kill()
    assert.equal(signal, 'SIGKILL')
    await Promise.all(writing)
    server = await start()
    const { kept, gone } = await check(server, known.values())
    total.kept += kept
    total.gone += gone
    for (const { name } of (await server.admin<{ keys: Known[] }>('GET', `/instances/${instance}/keys`)).keys)
      await server.admin('DELETE', `/instances/${instance}/keys/${name}`)
  }
  assert.ok(total.kept >= rounds && total.gone >= rounds, `the test saw too little: ${JSON.stringify(total)}`)
  assert.equal((await server.stop()).status, 0)
}

test('SIGKILL while keys are created and deleted, SQLite: what was acknowledged counts', async () => {
  const dataDir = join(temporaryDirectory(), 'data')
  await survive(4, () => startServer({ dataDir }))
})

test('SIGKILL while keys are created and deleted, SQLite, workers: 2: what was acknowledged counts', async () => {
  const dataDir = join(temporaryDirectory(), 'data')
  await survive(2, () => startServer({ dataDir, env: { COUNTERSIGN_WORKERS: '2' } }))
})

describe('on PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  before(async () => {
    database = await freshDatabase()
  })
  after(() => database.drop())

  test('SIGKILL while keys are created and deleted: what was acknowledged counts', async () => {
    const dataDir = join(temporaryDirectory(), 'data')
    const env = {
      COUNTERSIGN_DATABASE_URL: database.url,
      COUNTERSIGN_MASTER_KEY: randomBytes(32).toString('base64'),
    }
    await survive(4, () => startServer({ dataDir, env }))
  })
})
