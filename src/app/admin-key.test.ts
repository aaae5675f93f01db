import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { basic, orThrow, startTestServer, type TestServer } from '../../test/support/server.ts'
import { createKey, deleteInstance, deleteKey } from '../core/broker/index.ts'
import { adminInstance, ensureAdminKey, firstAdminKey } from './admin-key.ts'
import { adminFile } from './data-directory.ts'

describe("the administrator's service key", () => {
  let world: TestServer
  let dataDir: string
  before(async () => {
    world = await startTestServer()
  })
  after(() => world.close())
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'countersign-admin-key-'))
    await ensure()
  })
  afterEach(async () => {
    orThrow(await deleteInstance(world.tenant, adminInstance, world.server.services))
    rmSync(dataDir, { recursive: true })
  })

  const ensureIn = (directory: string, databaseUrl?: string) =>
    ensureAdminKey(world.server.services, world.tenant, { dataDir: directory, databaseUrl })
  const ensure = () => ensureIn(dataDir)
  const text = () => readFileSync(adminFile(dataDir), 'utf8')
  const key = () => JSON.parse(text()) as { clientid: string; clientsecret: string }
  const mark = (directory = dataDir) => join(directory, 'admin.made')
  const lastWarning = () => world.log.findLast(line => line.level === 'warn')!.message
  async function works(credential: { clientid: string; clientsecret: string }): Promise<boolean> {
    const headers = { Authorization: basic(credential) }
    const body = { grant_type: 'client_credentials' }
    return (await world.call('/oauth/token', { method: 'POST', headers, body })).status === 200
  }
  async function replace(): Promise<{ clientid: string; clientsecret: string }> {
    const { services } = world.server
    const made = orThrow(await createKey(world.tenant, adminInstance, 'second', {}, services))
    orThrow(await deleteKey(world.tenant, adminInstance, firstAdminKey, services))
    return made.document as unknown as { clientid: string; clientsecret: string }
  }

  test('is written for its owner only, works, and nothing unfinished is left', async () => {
    assert.equal(statSync(adminFile(dataDir)).mode & 0o777, 0o600)
    assert.ok(await works(key()))
    assert.equal(readFileSync(mark(), 'utf8'), key().clientid)
  })

  test('is the same after every further start', async () => {
    const first = text()
    await ensure()
    assert.equal(text(), first)
  })

  test('keeps what was written beside it, and gets its addresses renewed', async () => {
    writeFileSync(adminFile(dataDir), JSON.stringify({ ...key(), tokenurl: 'https://old/', note: 'mine' }))
    await ensure()
    assert.deepEqual(
      [JSON.parse(text()).tokenurl, JSON.parse(text()).note],
      [`${world.url}/oauth/token`, 'mine'],
    )
  })

  test('is made anew when its file is missing, and the old secret is dead', async () => {
    const old = key()
    rmSync(adminFile(dataDir))
    await ensure()
    assert.ok(await works(key()))
    assert.ok(!(await works(old)))
    assert.match(lastWarning(), /made anew; the old secret is dead/)
  })

  for (const content of [
    '{"clientid": "sb-',
    '',
    'null',
    '[]',
    '4',
    '{"clientid":"nobody","clientsecret":"x"}',
  ])
    test(`is left alone, with a warning, when its file holds: ${content || 'nothing'}`, async () => {
      const good = key()
      writeFileSync(adminFile(dataDir), content)
      await ensure()
      assert.equal(text(), content)
      assert.ok(await works(good))
      assert.match(lastWarning(), /key that does not exist/)
    })

  test('is not made anew once it was replaced, whether its file is there or not', async () => {
    const second = await replace()
    writeFileSync(adminFile(dataDir), JSON.stringify(second))
    await ensure()
    assert.equal(key().clientsecret, second.clientsecret)
    rmSync(adminFile(dataDir))
    await ensure()
    assert.ok(!existsSync(adminFile(dataDir)))
    assert.ok(await works(second))
  })

  test('is made once when two nodes start at the same time, and no start fails', async () => {
    orThrow(await deleteInstance(world.tenant, adminInstance, world.server.services))
    rmSync(adminFile(dataDir))
    const other = mkdtempSync(join(tmpdir(), 'countersign-admin-key-'))
    try {
      await Promise.all([ensure(), ensureIn(other)])
      const written = [dataDir, other].filter(directory => existsSync(adminFile(directory)))
      assert.equal(written.length, 1)
      assert.ok(await works(JSON.parse(readFileSync(adminFile(written[0]!), 'utf8'))))
      for (const directory of [dataDir, other])
        assert.equal(existsSync(mark(directory)), written.includes(directory))
    } finally {
      rmSync(other, { recursive: true })
    }
  })

  describe('on a database that nodes share', () => {
    const url = 'postgres://shared'
    let other: string
    beforeEach(() => {
      other = mkdtempSync(join(tmpdir(), 'countersign-admin-key-'))
    })
    afterEach(() => rmSync(other, { recursive: true }))

    test('stays as it is when a node without it starts, and that node says where to get it', async () => {
      const good = key()
      await ensureIn(other, url)
      assert.ok(!existsSync(adminFile(other)))
      assert.ok(await works(good))
      assert.ok(world.log.some(line => /made by another node: .* copy admin\.json/.test(line.message)))
    })

    test('is made anew where it was made when its file is missing there', async () => {
      const old = key()
      rmSync(adminFile(dataDir))
      await ensureIn(dataDir, url)
      assert.ok(await works(key()))
      assert.ok(!(await works(old)))
    })

    test('is not made anew where it was copied to, nor where an older one was made', async () => {
      const good = key()
      for (const older of [undefined, 'sb-older']) {
        writeFileSync(adminFile(other), text())
        if (older) writeFileSync(mark(other), older)
        await ensureIn(other, url)
        rmSync(adminFile(other))
        await ensureIn(other, url)
        assert.ok(!existsSync(adminFile(other)))
        assert.ok(await works(good))
      }
    })

    test('is made anew by another node where an operator asks for it with an empty file', async () => {
      const lost = key()
      writeFileSync(mark(other), '')
      await ensureIn(other, url)
      assert.ok(await works(JSON.parse(readFileSync(adminFile(other), 'utf8'))))
      assert.ok(!(await works(lost)))
      await ensureIn(dataDir, url)
      assert.ok(!(await works(key())))
      assert.match(lastWarning(), /key that does not exist/)
    })
  })

  describe('a start that was killed while it made the key is completed by the next one', () => {
    test('before the key was made', async () => {
      orThrow(await deleteKey(world.tenant, adminInstance, firstAdminKey, world.server.services))
      rmSync(adminFile(dataDir))
      writeFileSync(mark(), '')
      await ensure()
      assert.ok(await works(key()))
      assert.equal(readFileSync(mark(), 'utf8'), key().clientid)
    })

    test('before its file was written', async () => {
      const lost = key()
      rmSync(adminFile(dataDir))
      writeFileSync(mark(), '')
      await ensure()
      assert.ok(await works(key()))
      assert.ok(!(await works(lost)))
      assert.equal(readFileSync(mark(), 'utf8'), key().clientid)
    })

    test('after its file was written: the key stays', async () => {
      const made = key()
      writeFileSync(mark(), '')
      await ensure()
      assert.deepEqual(key(), made)
      assert.equal(readFileSync(mark(), 'utf8'), key().clientid)
    })
  })
})
