import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ScimServer, startScimServer } from '../../support/scim-server.ts'
import { counts, type Job } from '../provisioning/world.ts'
import { eventually, type ServerProcess, startServer, temporaryDirectory } from './support.ts'

const users = 600
const patienceMs = 40_000

let hr: ScimServer
let cloud: ScimServer
before(async () => {
  ;[hr, cloud] = await Promise.all([startScimServer(undefined), startScimServer(undefined)])
  await hr.preload({ users, groups: 3, members: 5 })
})
after(() => Promise.all([hr.stop(), cloud.stop()]))

async function prepare(server: ServerProcess): Promise<void> {
  await cloud.preload({})
  await cloud.forget()
  for (const [name, scim, role] of [
    ['cloud', cloud, 'target'],
    ['hr', hr, 'source'],
  ] as const) {
    await server.admin('POST', '/keystore/import', { alias: name, file: scim.ca })
    const retry = { 'ips.failed.request.retry.attempts.interval': '0' }
    const more =
      role === 'source' ? { targets: 'cloud', 'scim.page.size': '50' } : { 'ips.parallel.requests': '4' }
    await server.admin('POST', '/provisioning/systems', {
      name,
      type: 'scim',
      role,
      properties: { URL: scim.url, ...retry, ...more },
    })
  }
}

const start = async (server: ServerProcess) =>
  (await server.admin<{ id: string }>('POST', '/provisioning/systems/hr/jobs', { type: 'read' })).id

const ended = (server: ServerProcess, id: string) =>
  eventually(
    async () => {
      const job = await server.admin<Job & { endedAt: string | null }>('GET', `/provisioning/jobs/${id}`)
      return job.endedAt !== null && job
    },
    patienceMs,
    'the job ends',
  )

const reached = (count: number) =>
  eventually(async () => ((await cloud.counts()).POST ?? 0) >= count, patienceMs, `${count} users`)

async function assertComplete(): Promise<void> {
  const names = (await cloud.list('Users')).map(({ userName }) => userName)
  assert.equal(names.length, users, 'nobody is missing')
  assert.equal(new Set(names).size, users, 'nobody is there twice')
  assert.equal((await cloud.list('Groups')).length, 3)
}

test('a job whose server is killed goes on when the server runs again, and makes nobody twice', async () => {
  const dataDir = temporaryDirectory()
  let server = await startServer({ dataDir })
  await prepare(server)
  const id = await start(server)
  for (const count of [60, 200, 350]) {
    await reached(count)
    await server.kill()
    server = await startServer({ dataDir })
  }
  const job = await ended(server, id)
  await server.stop()
  assert.equal(job.status, 'Success', JSON.stringify(job))
  assert.deepEqual(counts(job, 'hr'), { read: users })
  assert.deepEqual(counts(job, 'cloud'), { created: users })
  await assertComplete()
})

test('with several processes a job is run by the one that answers no requests', async () => {
  const server = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
  await prepare(server)
  const job = await ended(server, await start(server))
  await server.stop()
  assert.deepEqual(counts(job, 'cloud'), { created: users })
  await assertComplete()
})
