import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startRefused, startServer, temporaryDirectory } from './support.ts'

const rotationFiles = (dataDir: string) => readdirSync(dataDir).filter(name => name.startsWith('master.key'))

test('a rotation over the admin API, workers: 2: all goes on, also after a restart, and the old key is dead', async () => {
  const first = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
  const { dataDir } = first
  const file = join(dataDir, 'master.key')
  const old = readFileSync(file, 'utf8')
  const key = await first.key('sender', 'key')
  const rotation = await first.admin<{ rewrapped: number; next: string }>('POST', '/master-key/rotation', {})
  assert.equal(rotation.rewrapped, 3)
  assert.match(rotation.next, /holds the new key/)
  assert.notEqual(readFileSync(file, 'utf8'), old)
  await first.token(key)
  assert.equal((await first.stop()).status, 0)

  const second = await startServer({ dataDir })
  await second.token(key)
  await second.key('sender', 'another')
  await second.stop()
  const right = readFileSync(file, 'utf8')
  writeFileSync(file, old)
  const refused = await startRefused({ dataDir })
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /does not open the keys of this store/)
  writeFileSync(file, right)
})

test('rotations asked for at the same time in two processes leave one key that opens the store', async () => {
  const server = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
  const { dataDir } = server
  const key = await server.key('sender', 'key')
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, () => server.admin('POST', '/master-key/rotation', {})),
  )
  assert.ok(outcomes.some(outcome => outcome.status === 'fulfilled'))
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') assert.match(String(outcome.reason), /400.*another rotation/)
  await server.stop()
  assert.deepEqual(rotationFiles(dataDir), ['master.key'])
  const again = await startServer({ dataDir })
  await again.token(key)
  await again.stop()
})

test('a rotation cut short between the commit and its file is completed by the next start', async () => {
  const server = await startServer()
  const { dataDir } = server
  const file = join(dataDir, 'master.key')
  const old = readFileSync(file, 'utf8')
  const key = await server.key('sender', 'key')
  await server.admin('POST', '/master-key/rotation', {})
  await server.kill()
  const fresh = readFileSync(file, 'utf8')
  // As SIGKILL leaves it there: the store is wrapped under the new key, the file has the old one.
  writeFileSync(`${file}.next`, fresh)
  writeFileSync(file, old)
  const again = await startServer({ dataDir, env: { COUNTERSIGN_WORKERS: '2' } })
  await again.token(key)
  assert.equal(readFileSync(file, 'utf8'), fresh)
  assert.deepEqual(rotationFiles(dataDir), ['master.key'])
  await again.stop()
})

test('a key of the environment is rotated to one that is given, which the next start needs', async () => {
  const dataDir = join(temporaryDirectory(), 'data')
  const [old, fresh] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const server = await startServer({ dataDir, env: { COUNTERSIGN_MASTER_KEY: old } })
  const key = await server.key('sender', 'key')
  await assert.rejects(server.admin('POST', '/master-key/rotation', {}), /400 .*give the new one/)
  await assert.rejects(server.admin('POST', '/master-key/rotation', { newKey: 'short' }), /400 .*32 bytes/)
  await server.admin('POST', '/master-key/rotation', { newKey: fresh })
  assert.ok(!JSON.stringify(server.log()).includes(fresh))
  await server.stop()
  assert.equal((await startRefused({ dataDir, env: { COUNTERSIGN_MASTER_KEY: old } })).status, 1)
  const again = await startServer({ dataDir, env: { COUNTERSIGN_MASTER_KEY: fresh } })
  await again.token(key)
  await again.stop()
})
