import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openStore } from '../adapters/store/open.ts'
import type { Context, Log } from './context.ts'
import { openVault, rewrapVault, WrongMasterKey } from './vault.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const context: Context = { now: Date.now, random: randomBytes, log }

async function newStore(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-vault-'))
  const store = await openStore({ url: `sqlite:${directory}`, log, now: Date.now })
  t.after(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  return store
}
const rowsOf = async (store: Awaited<ReturnType<typeof newStore>>) =>
  (await store.read.innerKeys.list()).toSorted((a, b) => a.purpose.localeCompare(b.purpose))

test('the inner keys are made once, each its own, and opened by the same master key ever after', async t => {
  const store = await newStore(t)
  const master = randomBytes(32)
  const first = await openVault(store, master, context)
  const rows = await rowsOf(store)
  assert.deepEqual(
    rows.map(row => row.purpose),
    ['csrf', 'pepper', 'storage'],
  )
  assert.equal(first.pepper.length, 32)
  assert.notDeepEqual(first.pepper, first.csrf)
  const again = await openVault(store, master, context)
  assert.deepEqual([again.pepper, again.csrf], [first.pepper, first.csrf])
  assert.deepEqual(await rowsOf(store), rows, 'nothing was written the second time')
  assert.equal(again.open('a', first.seal('a', Buffer.from('kept'))).toString(), 'kept')
})

test('the inner keys do not stand in their rows', async t => {
  const store = await newStore(t)
  const { pepper, csrf } = await openVault(store, randomBytes(32), context)
  for (const { sealed } of await rowsOf(store)) {
    assert.equal(sealed.length, 12 + 32 + 16)
    for (const key of [pepper, csrf]) assert.ok(!sealed.includes(key.subarray(0, 8)))
  }
})

test('a wrong master key stops the start and leaves everything as it was', async t => {
  const store = await newStore(t)
  const master = randomBytes(32)
  await openVault(store, master, context)
  const rows = await rowsOf(store)
  const almost = Buffer.from(master)
  almost[31]! ^= 1
  for (const wrong of [randomBytes(32), almost, Buffer.alloc(32)])
    await assert.rejects(openVault(store, wrong, context), WrongMasterKey)
  assert.deepEqual(await rowsOf(store), rows)
  await openVault(store, master, context)
})

test('a key that is missing is not made under a wrong master key', async t => {
  const store = await newStore(t)
  const master = randomBytes(32)
  await openVault(store, master, context)
  const [, pepper] = await rowsOf(store)
  const other = await newStore(t)
  await other.write(({ innerKeys }) => innerKeys.insert(pepper!))
  await assert.rejects(openVault(other, randomBytes(32), context), WrongMasterKey)
  assert.equal((await rowsOf(other)).length, 1)
  await openVault(other, master, context)
  assert.equal((await rowsOf(other)).length, 3)
})

test('a sealed key moved to another row, or changed by one bit, does not open', async t => {
  const store = await newStore(t)
  const master = randomBytes(32)
  await openVault(store, master, context)
  const [csrf, pepper] = await rowsOf(store)
  await store.write(({ innerKeys }) => innerKeys.replaceSealed(csrf!.id, pepper!.sealed))
  await assert.rejects(openVault(store, master, context), WrongMasterKey)
  const flipped = Buffer.from(csrf!.sealed)
  flipped[20]! ^= 1
  for (const broken of [flipped, csrf!.sealed.subarray(0, 20), Buffer.alloc(0)]) {
    await store.write(({ innerKeys }) => innerKeys.replaceSealed(csrf!.id, broken))
    await assert.rejects(openVault(store, master, context), WrongMasterKey)
  }
  await store.write(({ innerKeys }) => innerKeys.replaceSealed(csrf!.id, csrf!.sealed))
  await openVault(store, master, context)
})

test('rotation rewraps every inner key and changes none', async t => {
  const store = await newStore(t)
  const [old, next] = [randomBytes(32), randomBytes(32)]
  const before = await openVault(store, old, context)
  const kept = before.seal('kept', Buffer.from('since before'))
  const rows = await rowsOf(store)
  assert.equal(await rewrapVault(store, old, next, context), 3)
  for (const [at, row] of (await rowsOf(store)).entries()) {
    assert.equal(row.id, rows[at]!.id)
    assert.notDeepEqual(row.sealed, rows[at]!.sealed)
  }
  const after = await openVault(store, next, context)
  assert.deepEqual([after.pepper, after.csrf], [before.pepper, before.csrf])
  assert.equal(after.open('kept', kept).toString(), 'since before')
  await assert.rejects(openVault(store, old, context), WrongMasterKey)
  await assert.rejects(rewrapVault(store, old, randomBytes(32), context), WrongMasterKey)
  await openVault(store, next, context)
})

test('rotation rewraps all or none', async t => {
  const store = await newStore(t)
  const [old, next] = [randomBytes(32), randomBytes(32)]
  await openVault(store, old, context)
  const rows = await rowsOf(store)
  const last = (await store.read.innerKeys.list()).at(-1)!
  await store.write(({ innerKeys }) => innerKeys.replaceSealed(last.id, randomBytes(60)))
  await assert.rejects(rewrapVault(store, old, next, context), WrongMasterKey)
  await store.write(({ innerKeys }) => innerKeys.replaceSealed(last.id, last.sealed))
  assert.deepEqual(await rowsOf(store), rows)
  await openVault(store, old, context)
})

test('what the vault sealed opens only as what it was, and only unchanged', async t => {
  const vault = await openVault(await newStore(t), randomBytes(32), context)
  const sealed = vault.seal('tenant key sig a b', Buffer.from('key'))
  assert.equal(vault.open('tenant key sig a b', sealed).toString(), 'key')
  assert.notDeepEqual(vault.seal('tenant key sig a b', Buffer.from('key')), sealed, 'never the same twice')
  for (const what of ['tenant key sig a c', 'tenant key enc a b', ''])
    assert.throws(() => vault.open(what, sealed), /does not open/)
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 0x80
    assert.throws(() => vault.open('tenant key sig a b', changed), /does not open/)
  }
})

test('two starts at once make one set of keys', async t => {
  const store = await newStore(t)
  const master = randomBytes(32)
  const vaults = await Promise.all(Array.from({ length: 4 }, () => openVault(store, master, context)))
  assert.equal((await rowsOf(store)).length, 3)
  for (const vault of vaults) assert.deepEqual(vault.pepper, vaults[0]!.pepper)
})
