import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore } from '../../adapters/store/open.ts'
import { createAddresses } from '../addresses.ts'
import type { Context, Log } from '../context.ts'
import { isProblem } from '../problem.ts'
import { openVault } from '../vault.ts'
import { createTenantDirectory } from './directory.ts'
import { createTenant, deleteTenant, ensureDefaultTenant, reservedTenantNames } from './manage.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const context: Context = { now: Date.now, random: randomBytes, log }
const path = await mkdtemp(join(tmpdir(), 'countersign-tenants-'))
const store = await openStore({ url: `sqlite:${path}`, log, now: Date.now })
after(async () => {
  await store.close()
  await rm(path, { recursive: true })
})
const vault = await openVault(store, randomBytes(32), context)
const addresses = createAddresses({
  publicUrl: 'https://a.example',
  mtlsUrl: 'https://mtls.a.example',
  pkiUrl: 'http://pki.a.example',
})
const management = { store, vault, addresses, context }

test('the tenant default is there from the start, once, whoever comes first', async () => {
  const made = await Promise.all(Array.from({ length: 5 }, () => ensureDefaultTenant(management)))
  assert.equal(new Set(made.map(tenant => tenant.id)).size, 1)
  assert.equal(made[0]?.number, 1)
  assert.equal((await store.read.tenants.list()).length, 1)
})

test('of two tenants made at once under one name, one is made', async () => {
  const made = await Promise.all(Array.from({ length: 4 }, () => createTenant({ name: 'twice' }, management)))
  assert.equal(made.filter(tenant => !isProblem(tenant)).length, 1)
})

test('every tenant has a number of its own, and a key of each use', async () => {
  const tenants = await Promise.all(['n-1', 'n-2', 'n-3'].map(name => createTenant({ name }, management)))
  const numbers = tenants.map(tenant => (isProblem(tenant) ? 0 : tenant.number))
  assert.equal(new Set(numbers).size, 3)
  for (const tenant of tenants) {
    assert.ok(!isProblem(tenant))
    const keys = await store.read.tenantKeys.list(tenant.id)
    assert.deepEqual(keys.map(key => key.use).sort(), ['enc', 'sig'])
  }
})

test('a refused tenant leaves no keys behind', async () => {
  const before = await store.read.tenants.list()
  for (const input of [{ name: 'twice' }, { name: 'admin' }, { name: 'ok-name', guid: before[0]!.guid }])
    assert.ok(isProblem(await createTenant(input, management)), JSON.stringify(input))
  assert.deepEqual(await store.read.tenants.list(), before)
})

test('the words of the contract are reserved: first parts of addresses, and what Entra clients say', () => {
  for (const word of [
    ...['oauth', 'oauth2', 'osb', 'admin', 'http', 'cxf', 'gw', 'v2', 'identity', 'pki', 'console', 'livez'],
    ...[
      'readyz',
      'actuator',
      'metrics',
      'tenants',
      'introspect',
      'discovery',
      'common',
      'organizations',
      'consumers',
    ],
  ])
    assert.ok(reservedTenantNames.has(word), word)
})

test('the directory shows what was committed as soon as it has settled', async () => {
  const directory = await createTenantDirectory(store.read.tenants, store.changes)
  assert.equal(directory.byName('late'), undefined)
  await createTenant({ name: 'late' }, management)
  store.changes.upToDate()
  await directory.settled()
  assert.equal(directory.byName('late')?.name, 'late')
  for (const name of ['LATE', 'late ', '', '__proto__', 'constructor'])
    assert.equal(directory.byName(name), undefined, name)
  await deleteTenant('late', management)
  store.changes.upToDate()
  await directory.settled()
  assert.equal(directory.byName('late'), undefined)
  assert.ok(directory.all().every(tenant => tenant.name !== 'late'))
})
