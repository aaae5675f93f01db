import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { applicationsContract } from '../../../test/contracts/applications.ts'
import { certificatesContract } from '../../../test/contracts/certificates.ts'
import { identityContract } from '../../../test/contracts/identity.ts'
import { keystoreContract } from '../../../test/contracts/keystore.ts'
import { platformsContract } from '../../../test/contracts/platforms.ts'
import { registrationContract } from '../../../test/contracts/registration.ts'
import { aTenant, type Place, silentLog, storeContract } from '../../../test/contracts/store.ts'
import { killContract, runWriter } from '../../../test/contracts/store-kill.ts'
import { openDatabaseFiles } from '../../../test/support/store-tasks.ts'
import { openStore } from './open.ts'
import { openForWriting } from './sqlite/files.ts'

async function directory(): Promise<Place & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'countersign-store-'))
  const url = `sqlite:${path}`
  return {
    path,
    url,
    open: options => openStore({ url, log: silentLog, now: Date.now, ...options }),
    drop: () => rm(path, { recursive: true }),
  }
}

storeContract('SQLite', directory)
applicationsContract('SQLite', directory)
certificatesContract('SQLite', directory)
identityContract('SQLite', directory)
keystoreContract('SQLite', directory)
platformsContract('SQLite', directory)
registrationContract('SQLite', directory)
killContract('SQLite', directory)

describe('SQLite: a data directory', () => {
  it('is refused to a second server, in this process and in another, and the first one goes on', async () => {
    const place = await directory()
    const store = await place.open()
    for (const _ of [1, 2]) {
      await assert.rejects(place.open(), { name: 'StoreInUse', message: /another .* data directory/ })
    }
    assert.deepEqual(await runWriter([place.url, 'i', 't', '0']), ['StoreInUse'])
    const tenant = aTenant()
    await store.write(({ tenants }) => tenants.insert(tenant))
    assert.deepEqual(await store.read.tenants.list(), [tenant])
    await store.close()
    await place.drop()
  })

  it('holds files that only their owner can read', async () => {
    const place = await directory()
    const store = await place.open()
    await store.write(({ tenants }) => tenants.insert(aTenant()))
    const files = readdirSync(place.path)
    assert.ok(files.includes('countersign.db-wal'))
    for (const file of files) assert.equal(statSync(join(place.path, file)).mode & 0o777, 0o600, file)
    await store.close()
    assert.deepEqual(readdirSync(place.path).sort(), ['countersign.db', 'journal.db', 'lock.db'])
    await place.drop()
  })

  it('is opened for writing once: by the thread of the writer', async () => {
    const place = await directory()
    const store = await place.open()
    for (const name of ['countersign.db', 'journal.db']) {
      const opened = openDatabaseFiles().filter(({ path }) => path === join(place.path, name))
      assert.deepEqual(opened.map(({ writable }) => writable).sort(), [false, true], name)
    }
    await store.close()
    await place.drop()
  })

  it('is not taken from a relative path', async () => {
    await assert.rejects(
      openStore({ url: 'sqlite:data', log: silentLog, now: Date.now }),
      /not an absolute path/,
    )
  })

  for (const file of ['countersign.db', 'journal.db']) {
    it(`is refused, and left as it was, when a newer program has migrated ${file}`, async () => {
      const place = await directory()
      await (await place.open()).close()
      const table = file === 'journal.db' ? 'journal_migration' : 'kysely_migration'
      const database = new Database(join(place.path, file))
      database.prepare(`insert into ${table} values ('9999-future', '2999-01-01T00:00:00.000Z')`).run()
      const before = database.serialize()
      await assert.rejects(place.open(), { name: 'SchemaTooNew', message: /newer Countersign .*9999-future/ })
      assert.ok(database.serialize().equals(before))
      database.prepare(`delete from ${table} where name = '9999-future'`).run()
      database.close()
      await (await place.open()).close()
      await place.drop()
    })
  }

  it('has commits on the disk before they are acknowledged, those of the journal soon after', async () => {
    const place = await directory()
    await (await place.open()).close()
    const settings = (['store', 'journal'] as const).map(file => {
      const database = openForWriting(Database, place.path, file)
      const [mode, synchronous] = ['journal_mode', 'synchronous'].map(name =>
        database.pragma(name, { simple: true }),
      )
      database.close()
      return { mode, synchronous }
    })
    const [full, normal] = [2, 1]
    assert.deepEqual(settings, [
      { mode: 'wal', synchronous: full },
      { mode: 'wal', synchronous: normal },
    ])
    await place.drop()
  })
})
