import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import { openStore, type Store } from '../adapters/store/open.ts'
import type { Context } from '../core/context.ts'
import { openVault, rewrapVault, WrongMasterKey } from '../core/vault.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { openConfiguredVault, parseMasterKey, rotateMasterKey } from './master-key.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const context: Context = { now: Date.now, random: randomBytes, log: quiet }

describe('a master key is 32 bytes', () => {
  const bytes = randomBytes(32)
  for (const form of ['base64', 'base64url', 'hex'] as const)
    test(`in ${form}, with or without space around it`, () => {
      const text = bytes.toString(form)
      for (const given of [text, `${text}\n`, ` ${text} `])
        assert.deepEqual(parseMasterKey(given, 'x'), bytes)
    })
  test('and nothing else', () => {
    const short = randomBytes(31)
    const long = randomBytes(33)
    for (const text of [
      '',
      'secret',
      short.toString('hex'),
      short.toString('base64'),
      long.toString('base64url'),
    ])
      assert.throws(
        () => parseMasterKey(text, 'COUNTERSIGN_MASTER_KEY'),
        error =>
          error instanceof ConfigError && /^COUNTERSIGN_MASTER_KEY must hold 32 bytes/.test(error.message),
      )
  })
})

describe('the generated master key', () => {
  let directory: string
  let config: Config
  let store: Store
  const file = () => join(directory, 'master.key')
  const next = () => `${file()}.next`
  const key = () => parseMasterKey(readFileSync(file(), 'utf8'), 'file')
  const open = (alone = true) => openConfiguredVault(config, store, context, { alone })
  const others = () => readdirSync(directory).filter(name => /^master\.key\./.test(name))

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-master-key-'))
    config = readConfig({ env: { COUNTERSIGN_DATA_DIR: directory }, cwd: '/', processors: 1 })
    store = await openStore({ url: `sqlite:${directory}`, log: quiet, now: Date.now })
  })
  afterEach(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })

  test('is made at the first start, for its owner only, and opens the same keys afterwards', async () => {
    const made = await open()
    assert.equal(statSync(file()).mode & 0o777, 0o600)
    assert.deepEqual((await open()).pepper, made.pepper)
  })

  test('that is wrong opens nothing; right again, it opens everything', async () => {
    const { pepper } = await open()
    const right = readFileSync(file())
    writeFileSync(file(), randomBytes(32).toString('hex'))
    await assert.rejects(open(), WrongMasterKey)
    writeFileSync(file(), right)
    assert.deepEqual((await open()).pepper, pepper)
  })

  test('that is missing is not made anew over a store that has keys', async () => {
    await open()
    rmSync(file())
    await assert.rejects(open(), /master\.key is missing/)
    assert.ok(!existsSync(file()))
  })

  test('is rotated: another key in the file, the same inner keys', async () => {
    const { pepper } = await open()
    const old = key()
    const rotation = await rotateMasterKey(config, undefined, store, context)
    assert.equal(rotation.rewrapped, 3)
    assert.notDeepEqual(key(), old)
    assert.equal(statSync(file()).mode & 0o777, 0o600)
    assert.deepEqual(others(), [])
    assert.deepEqual((await open()).pepper, pepper)
    await assert.rejects(openVault(store, old, context), WrongMasterKey)
  })

  test('is rotated to a key of the operator', async () => {
    await open()
    const wanted = randomBytes(32)
    await rotateMasterKey(config, ` ${wanted.toString('hex')}\n`, store, context)
    assert.deepEqual(key(), wanted)
    await open()
  })

  test('stays when the new one is none', async () => {
    await open()
    const old = key()
    await assert.rejects(rotateMasterKey(config, 'secret', store, context), /the new key must hold 32 bytes/)
    assert.deepEqual([key(), others()], [old, []])
    await open()
  })

  test('is rotated once when it is asked for several times at once', async () => {
    const { pepper } = await open()
    const rotations = await Promise.allSettled(
      Array.from({ length: 5 }, () => rotateMasterKey(config, undefined, store, context)),
    )
    const refused = rotations.filter(rotation => rotation.status === 'rejected')
    assert.equal(refused.length, 4)
    for (const { reason } of refused) assert.match(reason.message, /another rotation .* under way/)
    assert.deepEqual(others(), [])
    assert.deepEqual((await open()).pepper, pepper)
    await rotateMasterKey(config, undefined, store, context)
    assert.deepEqual((await open()).pepper, pepper)
  })

  describe('with a rotation that was killed', () => {
    test('after the commit, before the file was replaced: the next start completes it', async () => {
      const { pepper } = await open()
      const old = key()
      const wanted = randomBytes(32)
      await rewrapVault(store, old, wanted, context)
      writeFileSync(next(), wanted.toString('base64url'))
      assert.deepEqual((await open()).pepper, pepper)
      assert.deepEqual([key(), others()], [wanted, []])
    })

    test('before the commit: the next start forgets it', async () => {
      const { pepper } = await open()
      const old = key()
      writeFileSync(next(), randomBytes(32).toString('base64url'))
      assert.deepEqual((await open()).pepper, pepper)
      assert.deepEqual([key(), others()], [old, []])
    })

    test('until then no further one begins', async () => {
      await open()
      const left = randomBytes(32).toString('base64url')
      writeFileSync(next(), left)
      await assert.rejects(rotateMasterKey(config, undefined, store, context), /the next start completes it/)
      assert.equal(readFileSync(next(), 'utf8'), left)
    })

    test('with two keys of which neither opens the store, the start stops and both stay', async () => {
      await open()
      writeFileSync(file(), randomBytes(32).toString('hex'))
      writeFileSync(next(), randomBytes(32).toString('hex'))
      const before = [readFileSync(file()), readFileSync(next())]
      await assert.rejects(open(), WrongMasterKey)
      assert.deepEqual([readFileSync(file()), readFileSync(next())], before)
    })
  })

  test('is put in place by the process that rotates, not by a worker that starts meanwhile', async () => {
    const { pepper } = await open()
    const old = key()
    const wanted = randomBytes(32)
    writeFileSync(next(), wanted.toString('base64url'))
    assert.deepEqual((await open(false)).pepper, pepper)
    await rewrapVault(store, old, wanted, context)
    assert.deepEqual((await open(false)).pepper, pepper)
    assert.deepEqual([key(), others()], [old, ['master.key.next']])
  })
})

describe('a master key from outside', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-master-key-'))
  const given = randomBytes(32)
  const keyFile = join(directory, 'key')
  writeFileSync(keyFile, `${given.toString('base64')}\n`)
  const of = (env: Record<string, string>) =>
    readConfig({ env: { COUNTERSIGN_DATA_DIR: directory, ...env }, cwd: '/', processors: 1 })
  let store: Store
  beforeEach(async () => {
    store = await openStore({ url: `sqlite:${directory}`, log: quiet, now: Date.now })
  })
  afterEach(() => store.close())
  after(() => rmSync(directory, { recursive: true }))

  test('is read from the environment or from a file, and none is made in the data directory', async () => {
    const environment = of({ COUNTERSIGN_MASTER_KEY: given.toString('hex') })
    const first = await openConfiguredVault(environment, store, context, { alone: true })
    const fromFile = of({ COUNTERSIGN_MASTER_KEY_FILE: keyFile })
    const again = await openConfiguredVault(fromFile, store, context, { alone: true })
    assert.deepEqual(again.pepper, first.pepper)
    assert.ok(!existsSync(join(directory, 'master.key')))
  })

  test('in a file that is not there is named', async () => {
    const config = of({ COUNTERSIGN_MASTER_KEY_FILE: join(directory, 'absent') })
    await assert.rejects(
      openConfiguredVault(config, store, context, { alone: true }),
      /COUNTERSIGN_MASTER_KEY_FILE: there is no file .*absent/,
    )
  })

  test('is rotated only to one that is given, and the operator puts it in place', async () => {
    const config = of({ COUNTERSIGN_MASTER_KEY_FILE: keyFile })
    await openConfiguredVault(config, store, context, { alone: true })
    await assert.rejects(
      rotateMasterKey(config, undefined, store, context),
      /give the new one with --secret-file/,
    )
    const wanted = randomBytes(32)
    const { next } = await rotateMasterKey(config, wanted.toString('base64'), store, context)
    assert.match(next, /Replace the key in the environment of every node/)
    await assert.rejects(openConfiguredVault(config, store, context, { alone: true }), WrongMasterKey)
    const replaced = of({ COUNTERSIGN_MASTER_KEY: wanted.toString('base64url') })
    await openConfiguredVault(replaced, store, context, { alone: true })
  })
})
