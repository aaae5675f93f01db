import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { basic, orThrow, startTestServer, type TestServer } from '../../test/support/server.ts'
import { createKey, deleteInstance, deleteKey } from '../core/broker/index.ts'
import { adminFile, adminInstance, ensureAdminKey, firstAdminKey } from './admin-key.ts'

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

  const ensure = () => ensureAdminKey(world.server.services, world.tenant, dataDir)
  const text = () => readFileSync(adminFile(dataDir), 'utf8')
  const key = () => JSON.parse(text()) as { clientid: string; clientsecret: string }
  const unfinished = () => `${adminFile(dataDir)}.unfinished`
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
    assert.ok(!existsSync(unfinished()))
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
      await Promise.all([ensure(), ensureAdminKey(world.server.services, world.tenant, other)])
      const written = [dataDir, other].filter(directory => existsSync(adminFile(directory)))
      assert.equal(written.length, 1)
      assert.ok(await works(JSON.parse(readFileSync(adminFile(written[0]!), 'utf8'))))
      for (const directory of [dataDir, other]) assert.ok(!existsSync(`${adminFile(directory)}.unfinished`))
    } finally {
      rmSync(other, { recursive: true })
    }
  })

  describe('a start that was killed while it made the key is completed by the next one', () => {
    test('before the key was made', async () => {
      orThrow(await deleteKey(world.tenant, adminInstance, firstAdminKey, world.server.services))
      rmSync(adminFile(dataDir))
      writeFileSync(unfinished(), '')
      await ensure()
      assert.ok(await works(key()))
      assert.ok(!existsSync(unfinished()))
    })

    test('before its file was written', async () => {
      const lost = key()
      rmSync(adminFile(dataDir))
      writeFileSync(unfinished(), '')
      await ensure()
      assert.ok(await works(key()))
      assert.ok(!(await works(lost)))
      assert.ok(!existsSync(unfinished()))
    })

    test('after its file was written: the key stays', async () => {
      const made = key()
      writeFileSync(unfinished(), '')
      await ensure()
      assert.deepEqual(key(), made)
      assert.ok(!existsSync(unfinished()))
    })
  })
})
