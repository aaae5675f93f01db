import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { anInstance, aTenant, silentLog } from '../../../../test/contracts/store.ts'
import { insertUpToSeven } from '../../../../test/support/store-tasks.ts'
import { Problem } from '../../../core/problem.ts'
import type { Change } from '../../../core/store.ts'
import type { Tenant } from '../../../core/tenant.ts'
import { openStore, type Store, serveStoreToWorkers } from '../open.ts'

type WorkerProcess = Worker & { ask<Result>(task: string, argument?: unknown): Promise<Result> }
type Heard = { upToDate: boolean; heard: (Change | undefined)[] }

describe('several processes on one data directory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-workers-'))
  const url = `sqlite:${directory}`
  const program = fileURLToPath(new URL('../../../../test/support/store-worker.ts', import.meta.url))
  let store: Store
  let first: WorkerProcess
  let second: WorkerProcess
  const heard: (Change | undefined)[] = []

  async function fork(): Promise<WorkerProcess> {
    const worker = cluster.fork({ STORE_URL: url })
    await once(worker, 'message')
    const asked: ((answer: { result?: unknown; error?: string }) => void)[] = []
    worker.on('message', (answer: { number?: number; result?: unknown; error?: string }) => {
      if (answer.number !== undefined) asked[answer.number]!(answer)
    })
    const ask = <Result>(task: string, argument?: unknown) =>
      new Promise<Result>((resolve, reject) => {
        const number = asked.push(({ result, error }) => {
          if (error) reject(new Error(error))
          else resolve(result as Result)
        })
        worker.send({ task, argument, number: number - 1 })
      })
    return Object.assign(worker, { ask })
  }
  async function end(worker: WorkerProcess): Promise<void> {
    const exit = once(worker, 'exit')
    worker.process.kill('SIGKILL')
    await exit
  }
  const announcement = ({ id }: Tenant) => ({ kind: 'tenant', tenantId: id, id })

  before(async () => {
    cluster.setupPrimary({ exec: program, execArgv: [], serialization: 'advanced' })
    store = await openStore({ url, log: silentLog, now: Date.now, keepChanges: 20 })
    store.changes.onChange(change => heard.push(change))
    serveStoreToWorkers(store, cluster)
    ;[first, second] = await Promise.all([fork(), fork()])
  })
  after(async () => {
    await Promise.all([end(first), end(second)])
    await store.close()
    rmSync(directory, { recursive: true })
  })
  beforeEach(async () => {
    store.changes.upToDate()
    heard.length = 0
    for (const worker of [first, second]) await worker.ask('changes')
  })

  it('see each other’s commits at the very next look', async () => {
    const tenant = aTenant()
    await first.ask('insertTenant', tenant)
    assert.equal(store.changes.upToDate(), true)
    assert.deepEqual(heard, [announcement(tenant)])
    assert.deepEqual(await second.ask('changes'), { upToDate: true, heard: [announcement(tenant)] })
    assert.ok((await second.ask<string[]>('tenantIds')).includes(tenant.id))
  })

  it('have heard of their own commits when these are acknowledged', async () => {
    const tenant = aTenant()
    await first.ask('insertTenant', tenant)
    assert.deepEqual((await first.ask<Heard>('changes')).heard, [announcement(tenant)])
  })

  it('are told that they missed some when more was changed than is kept', async () => {
    const tenants = Array.from({ length: 30 }, () => aTenant())
    for (const tenant of tenants) await store.write(tables => tables.tenants.insert(tenant))
    assert.deepEqual((await first.ask<Heard>('changes')).heard, [undefined])
    const last = aTenant()
    await store.write(tables => tables.tenants.insert(last))
    assert.deepEqual((await first.ask<Heard>('changes')).heard, [announcement(last)])
  })

  it('pass bytes both ways unharmed', async () => {
    const sealed = Buffer.from([0, 255, 1, 128])
    const listed = await first.ask<Buffer[]>('insertInnerKey', sealed)
    assert.ok(listed.some(bytes => Buffer.isBuffer(bytes) && bytes.equals(sealed)))
    assert.ok((await store.read.innerKeys.list()).some(key => key.sealed.equals(sealed)))
  })

  it('keep one limit together', async () => {
    const tenant = aTenant()
    await store.write(({ tenants }) => tenants.insert(tenant))
    const here = async () => {
      const results = Array.from({ length: 20 }, () => insertUpToSeven(store, anInstance(tenant)))
      return (await Promise.all(results)).filter(result => result instanceof Problem).length
    }
    const refused = await Promise.all([
      here(),
      first.ask('upToSeven', tenant),
      second.ask('upToSeven', tenant),
    ])
    assert.equal(
      refused.reduce<number>((sum, count) => sum + (count as number), 0),
      60 - 7,
    )
    assert.equal(await store.read.instances.count(tenant.id), 7)
  })

  it('get the error of their own statement', async () => {
    const tenant = aTenant()
    await first.ask('insertTenant', tenant)
    await assert.rejects(first.ask('insertTenant', tenant), /UNIQUE constraint failed/)
    await second.ask('insertTenant', aTenant())
  })

  it('read each other’s journal', async () => {
    const tenant = aTenant()
    await first.ask('log', tenant)
    assert.equal((await store.journal.messages(tenant.id, { limit: 5 })).length, 1)
  })

  it('open no database for writing, except the primary', async () => {
    const files = await first.ask<{ path: string; writable: boolean }[]>('openFiles')
    assert.deepEqual(files.map(({ path }) => path).sort(), [
      join(directory, 'countersign.db'),
      join(directory, 'journal.db'),
    ])
    assert.ok(files.every(({ writable }) => !writable))
  })

  // Sooner than the writer gives up a transaction by itself.
  it('leave nothing of a transaction in which they are killed, and hold nobody up', {
    timeout: 20_000,
  }, async () => {
    const third = await fork()
    const [begun, waiting, next] = [aTenant(), aTenant(), aTenant()]
    await third.ask('begin', begun)
    const others = [store.write(({ tenants }) => tenants.insert(next)), second.ask('insertTenant', waiting)]
    await end(third)
    await Promise.all(others)
    const ids = (await store.read.tenants.list()).map(({ id }) => id)
    assert.deepEqual(
      [begun, waiting, next].map(({ id }) => ids.includes(id)),
      [false, true, true],
    )
  })
})
