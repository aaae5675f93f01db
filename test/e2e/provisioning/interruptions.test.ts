import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { freshDatabase } from '../../support/postgres.ts'
import { type ScimServer, startScimServer } from '../../support/scim-server.ts'
import { startTestServer } from '../../support/server.ts'
import { counts, startWorld, type World, worldOf } from './world.ts'

const users = 400
const masterKey = randomBytes(32)
/** Where several nodes can be at work. */
let database: Awaited<ReturnType<typeof freshDatabase>>
let databaseUrl: string
let world: World
let hr: ScimServer
let cloud: ScimServer

before(async () => {
  database = await freshDatabase()
  databaseUrl = database.url
  ;[world, hr, cloud] = await Promise.all([
    startWorld(undefined, { databaseUrl, masterKey }),
    startScimServer(undefined),
    startScimServer(undefined),
  ])
  await hr.preload({ users, groups: 3, members: 5 })
  await world.scim('cloud', 'target', cloud, { 'ips.parallel.requests': '4' })
  await world.scim('hr', 'source', hr, { targets: 'cloud', 'scim.page.size': '50' })
})
after(async () => {
  await world.server.close()
  await Promise.all([hr.stop(), cloud.stop()])
  await database.drop()
})

beforeEach(async () => {
  await cloud.preload({})
  await world.api('POST', '/provisioning/systems/hr/reset')
  await cloud.forget()
})

/** When so many users are in the target. */
async function reached(count: number): Promise<void> {
  while (((await cloud.counts()).POST ?? 0) < count) await pause(5)
}

/** Nobody is missing, nobody is there twice, and nobody was made twice. */
async function assertComplete(): Promise<void> {
  const names = (await cloud.list('Users')).map(({ userName }) => userName)
  assert.equal(new Set(names).size, users)
  assert.equal(names.length, users)
  assert.equal((await cloud.counts()).POST, users + 3)
}

test('a job that somebody stops ends with what it has begun, and the next one goes on from there', async () => {
  const id = await world.start('hr')
  await reached(60)
  const stop = await world.api('POST', `/provisioning/jobs/${id}/stop`)
  assert.equal(stop.status, 202, stop.text)
  const job = await world.finished(id)
  assert.equal(job.status, 'Manually Terminated')
  const { created } = counts(job, 'cloud')
  assert.ok(created! < users, String(created))
  assert.equal((await cloud.list('Users')).length, created)
  assert.equal((await world.api('POST', `/provisioning/jobs/${id}/stop`)).status, 409)

  const rest = await world.run('hr')
  assert.equal(rest.status, 'Success')
  assert.deepEqual(counts(rest, 'cloud'), { created: users - created!, skipped: created })
  await assertComplete()
})

test('a job whose server stops goes on when a server runs again, and counts as if nothing had happened', async () => {
  const id = await world.start('hr')
  await reached(60)
  await world.server.close()
  world = await worldOf(await startTestServer({ databaseUrl, masterKey, jobs: true }))
  const job = await world.finished(id)
  assert.equal(job.status, 'Success', JSON.stringify(job))
  assert.deepEqual(counts(job, 'hr'), { read: users })
  assert.deepEqual(counts(job, 'cloud'), { created: users })
  assert.deepEqual(counts(job, 'cloud', 'group'), { created: 3 })
  await assertComplete()
})

test('a server that has lost a job to another writes nothing of it any more', async () => {
  const id = await world.start('hr')
  await reached(60)
  /** As if another node had taken it, and were heard of until then. */
  const takenUntil = (leaseUntil: number) =>
    world.server.server.services.store.write(async ({ jobs }) => {
      const current = (await jobs.byId(id))!
      await jobs.update({ ...current, runner: 'another', leaseUntil })
    })
  await takenUntil(world.server.now() + 60_000)
  await world.server.server.jobs.tick()
  await pause(200)
  const posted = (await cloud.counts()).POST!
  await pause(200)
  assert.equal((await cloud.counts()).POST, posted)
  await takenUntil(world.server.now() - 1)
  await world.server.server.jobs.tick()
  const job = await world.finished(id)
  assert.equal(job.status, 'Success')
  await assertComplete()
})

test('of two jobs of a source the second waits for the first', async () => {
  const [first, second] = [await world.start('hr'), await world.start('hr', 'resync')]
  await reached(20)
  assert.equal((await world.job(second)).status, 'Queued')
  assert.equal((await world.finished(first)).status, 'Success')
  const resync = await world.finished(second)
  assert.deepEqual(counts(resync, 'cloud'), { updated: users })
})

test('a job that waits can be stopped before it begins', async () => {
  const [first, second] = [await world.start('hr'), await world.start('hr')]
  await world.api('POST', `/provisioning/jobs/${second}/stop`)
  assert.equal((await world.finished(second)).status, 'Manually Terminated')
  assert.equal((await world.finished(first)).status, 'Success')
})

test('a source with a job under way is not deleted, and forgets nothing', async () => {
  const id = await world.start('hr')
  const deleted = await world.api('DELETE', '/provisioning/systems/hr')
  assert.deepEqual([deleted.status, deleted.json().error], [409, 'conflict'])
  assert.equal((await world.api('POST', '/provisioning/systems/hr/reset')).status, 409)
  await world.finished(id)
})
