import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { startTestServer } from '../../support/server.ts'
import { introspectAs } from './world.ts'

test('issuing 100 tokens of each form leaves the store as it was, to the byte', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-store-'))
  const server = await startTestServer({ databaseUrl: `sqlite:${directory}` })
  const database = new Database(join(directory, 'countersign.db'), { readonly: true })
  t.after(async () => {
    database.close()
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const key = await server.sender()
  const first = await server.token(key)
  await server.server.services.journal.flush()

  /** The store proper; what is written in passing, such as last-used times, lives in a journal of its own. */
  const state = () => ({
    version: database.pragma('data_version', { simple: true }),
    files: readdirSync(directory)
      .filter(name => name.startsWith('countersign.db') && !name.endsWith('-shm'))
      .map(name => {
        const path = join(directory, name)
        const { size, mtimeMs } = statSync(path)
        return { name, size, mtimeMs, hash: createHash('sha256').update(readFileSync(path)).digest('hex') }
      }),
  })
  const before = state()
  assert.ok(before.files.length >= 1)

  let last = ''
  for (let i = 0; i < 100; i++) {
    await server.token(key)
    last = await server.token(key, { token_format: 'opaque' })
  }
  await server.server.services.journal.flush()
  assert.deepEqual(state(), before)

  for (const token of [first, last]) assert.equal((await introspectAs(server, key, token)).active, true)
  assert.deepEqual(state(), before, 'introspection')

  const used = await server.server.services.store.read.keys.list(
    (await server.server.services.store.read.instances.find(server.tenant.id, key.instance))!.id,
  )
  const times = await server.server.services.journal.lastUsed(used.map(row => row.id))
  assert.ok(Math.abs(times.get(used[0]!.id)! - server.now()) < 60_000, 'the last use is noted all the same')
})

test('no file of the data directory holds the secret', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-store-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const server = await startTestServer({ databaseUrl: `sqlite:${directory}` })
  const key = await server.sender()
  const token = await server.token(key, { token_format: 'opaque' })
  await introspectAs(server, { ...key, clientsecret: 'wrong' }, token).catch(() => undefined)
  const files = () => Buffer.concat(readdirSync(directory).map(name => readFileSync(join(directory, name))))
  await server.server.services.journal.flush()
  const open = files()
  await server.close()
  for (const bytes of [open, files()]) {
    assert.ok(bytes.includes(key.clientid))
    assert.ok(!bytes.includes(key.clientsecret))
    assert.ok(!bytes.includes(Buffer.from(key.clientsecret.slice('csec_'.length), 'base64url')))
    assert.ok(!bytes.includes(token))
  }
})
