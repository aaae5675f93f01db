import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../store.ts'
import type { Client } from './client.ts'
import { createClientDirectory } from './directory.ts'

function world() {
  const rows = new Map<string, Client>()
  let tell: (change: Change | undefined) => void = () => {}
  let reads = 0
  let hold: Promise<void> | undefined
  const put = (credentialId: string, more: Partial<Client> = {}) => {
    const row = {
      credentialId,
      clientId: 'sender',
      tenantId: 't1',
      instanceId: 'i1',
      certificates: [],
      ...more,
    } as Client
    rows.set(credentialId, row)
  }
  const find = async (matches: (row: Client) => boolean) => {
    reads++
    const row = [...rows.values()].find(matches)
    await hold
    return row
  }
  const directory = createClientDirectory(
    {
      byClientId: (tenantId, clientId) => find(row => row.tenantId === tenantId && row.clientId === clientId),
      byCredentialId: id => find(row => row.credentialId === id),
      byCertificate: (tenantId, thumbprint) =>
        find(row => row.tenantId === tenantId && row.certificates.some(one => one.thumbprint === thumbprint)),
      raiseGeneration: async () => false,
    },
    { find: async () => [], insert: async () => {}, put: async () => {} },
    {
      upToDate: () => true,
      onChange(listener) {
        tell = listener
      },
    },
  )
  return {
    directory,
    put,
    drop: (id: string) => rows.delete(id),
    tell: (change: Change | undefined) => tell(change),
    reads: () => reads,
    pause(until: Promise<void>) {
      hold = until
    },
  }
}

test('a client is read once and then comes without waiting, by either id', async () => {
  const { directory, put, reads } = world()
  put('c1')
  const found = await directory.byClientId('t1', 'sender')
  assert.equal(directory.byClientId('t1', 'sender'), found)
  assert.equal(directory.byCredentialId('c1'), found)
  assert.equal(reads(), 1)
})

test('a client of another tenant is not found by the same id', async () => {
  const { directory, put } = world()
  put('c1')
  await directory.byClientId('t1', 'sender')
  assert.equal(await directory.byClientId('t2', 'sender'), undefined)
})

test('who does not exist is not remembered: a key made a moment later works', async () => {
  const { directory, put } = world()
  assert.equal(await directory.byClientId('t1', 'sender'), undefined)
  put('c1')
  assert.equal((await directory.byClientId('t1', 'sender'))?.credentialId, 'c1')
})

const changes: Record<string, Change | undefined> = {
  'its credential changed': { kind: 'credential', tenantId: 't1', id: 'c1', detail: 'sender' },
  'its instance changed': { kind: 'instance', tenantId: 't1', id: 'i1' },
  'its tenant changed': { kind: 'tenant', tenantId: 't1', id: 't1' },
  'changes may have been missed': undefined,
}
for (const [title, change] of Object.entries(changes))
  test(`a client is forgotten when ${title}`, async () => {
    const { directory, put, drop, tell } = world()
    put('c1')
    await directory.byClientId('t1', 'sender')
    drop('c1')
    tell(change)
    assert.equal(await directory.byClientId('t1', 'sender'), undefined)
    assert.equal(await directory.byCredentialId('c1'), undefined)
  })

test('changes of others leave it alone', async () => {
  const { directory, put, tell, reads } = world()
  put('c1')
  await directory.byClientId('t1', 'sender')
  tell({ kind: 'credential', tenantId: 't1', id: 'c2', detail: 'other' })
  tell({ kind: 'instance', tenantId: 't1', id: 'i2' })
  tell({ kind: 'tenant', tenantId: 't2', id: 't2' })
  tell({ kind: 'flow', tenantId: 't1', id: 'c1' })
  assert.ok(!(directory.byClientId('t1', 'sender') instanceof Promise))
  assert.equal(reads(), 1)
})

test('what was being read while it changed is used once and not remembered', async () => {
  const { directory, put, drop, tell, pause } = world()
  put('c1')
  let release: () => void = () => {}
  pause(
    new Promise(resolve => {
      release = resolve
    }),
  )
  const reading = directory.byClientId('t1', 'sender')
  drop('c1')
  tell({ kind: 'credential', tenantId: 't1', id: 'c1', detail: 'sender' })
  release()
  await reading
  assert.equal(await directory.byClientId('t1', 'sender'), undefined)
})
