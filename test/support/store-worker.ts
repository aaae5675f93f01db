/** A worker process of node:cluster that does with its store what the test asks for. */
import { openStore } from '../../src/adapters/store/open.ts'
import { Problem } from '../../src/core/problem.ts'
import type { Change } from '../../src/core/store.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import { aMessage, anInstance, silentLog } from '../contracts/store.ts'
import { insertUpToSeven, openDatabaseFiles, type Task } from './store-tasks.ts'

const store = await openStore({ url: process.env.STORE_URL!, log: silentLog, now: Date.now, role: 'worker' })
const heard: (Change | undefined)[] = []
store.changes.onChange(change => heard.push(change))

const tasks = {
  insertTenant: (tenant: Tenant) => store.write(({ tenants }) => tenants.insert(tenant)),
  insertInnerKey: (sealed: Buffer) =>
    store.write(async ({ innerKeys }) => {
      await innerKeys.insert({
        id: sealed.toString('hex'),
        purpose: sealed.toString('hex'),
        sealed,
        createdAt: 1,
      })
      return (await innerKeys.list()).map(key => key.sealed)
    }),
  tenantIds: async () => (await store.read.tenants.list()).map(({ id }) => id),
  async changes() {
    const upToDate = store.changes.upToDate()
    return { upToDate, heard: heard.splice(0) }
  },
  async log(tenant: Tenant) {
    store.journal.message(aMessage(tenant))
    await store.journal.flush()
  },
  /** Twenty at once; tells how many were refused. */
  async upToSeven(tenant: Tenant) {
    const results = await Promise.all(
      Array.from({ length: 20 }, () => insertUpToSeven(store, anInstance(tenant))),
    )
    return results.filter(result => result instanceof Problem).length
  },
  async begin(tenant: Tenant) {
    await new Promise<void>((begun, failed) => {
      const work = store.write(async ({ tenants }) => {
        await tenants.insert(tenant)
        begun()
        await new Promise(() => {})
      })
      work.catch(failed)
    })
  },
  openFiles: async () => openDatabaseFiles(),
}

process.on('message', async (message: Task) => {
  if (!('task' in message)) return
  const run = tasks[message.task as keyof typeof tasks] as (argument: unknown) => Promise<unknown>
  const answer = await run(message.argument).then(
    result => ({ result }),
    error => ({ error: String(error) }),
  )
  process.send!({ number: message.number, ...answer })
})
process.send!({ ready: true })
