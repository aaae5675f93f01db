import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type ScimServer, startScimServer } from '../../support/scim-server.ts'
import { ended, type Job, startWorld, type World } from './world.ts'

const minute = 60_000
let world: World
let hr: ScimServer
let cloud: ScimServer
before(async () => {
  ;[world, hr, cloud] = await Promise.all([
    startWorld(undefined),
    startScimServer(undefined),
    startScimServer(undefined),
  ])
  await hr.preload({ users: 5 })
  await hr.advance(5000)
  await world.scim('cloud', 'target', cloud)
  await world.scim('hr', 'source', hr, { targets: 'cloud' })
})
after(async () => {
  await world.server.close()
  await Promise.all([hr.stop(), cloud.stop()])
})
beforeEach(() => cloud.heal())

const schedule = (everyMinutes: number | null) =>
  world.api('PUT', '/provisioning/systems/hr/schedule', { everyMinutes })
type Listed = Job & { trigger: string; type: string; triggeredBy: string | null }
const jobs = async () =>
  (await world.api('GET', '/provisioning/jobs?system=hr')).json<{ jobs: Listed[] }>().jobs

/** Lets time pass, and gives the newest job once it has ended. */
async function pass(minutes: number): Promise<Listed | undefined> {
  const before = (await jobs())[0]?.id
  world.server.advance(minutes * minute)
  await world.server.server.jobs.tick()
  const [newest] = await jobs()
  if (newest?.id === before) return undefined
  await world.finished(newest!.id)
  return (await jobs())[0]
}

test('a schedule is more than 30 minutes apart', async () => {
  for (const wrong of [30, 1, 0, -60, 1_000_000])
    assert.equal((await schedule(wrong)).status, 400, String(wrong))
  assert.equal((await schedule(31)).status, 200)
  assert.equal(
    (await world.api('PUT', '/provisioning/systems/cloud/schedule', { everyMinutes: 60 })).status,
    400,
  )
  assert.equal((await world.api('GET', '/provisioning/systems/hr')).json().everyMinutes, 31)
})

test('a scheduled job runs when its time has come, and not before', async () => {
  await schedule(60)
  assert.equal(await pass(59), undefined)
  const job = await pass(1)
  assert.deepEqual(
    [job?.trigger, job?.type, job?.triggeredBy, job?.status],
    ['REPEAT', 'read', null, 'Success'],
  )
  assert.equal(await pass(59), undefined)
  assert.ok(await pass(1))
})

test('times that were missed are made good by one job', async () => {
  await schedule(60)
  assert.ok(await pass(60 * 10 + 5))
  assert.equal(await pass(54), undefined)
  assert.ok(await pass(1), 'the times stay what they were')
})

test('reads what has changed where ips.delta.read is enabled, and everything after so many times', async () => {
  await world.set('hr', { 'ips.delta.read': 'enabled', 'ips.full.read.force.count': '2' })
  await schedule(60)
  await world.run('hr')
  const modes = []
  for (let at = 0; at < 4; at++) modes.push((await pass(60))?.readMode)
  await world.set('hr', { 'ips.delta.read': null, 'ips.full.read.force.count': null })
  assert.deepEqual(modes, ['Delta Read', 'Delta Read', 'Full Read', 'Delta Read'])
})

test('a full read that was forced and failed is repeated until one succeeds', async () => {
  await world.set('hr', { 'ips.delta.read': 'enabled', 'ips.full.read.force.count': '1' })
  await world.run('hr')
  await schedule(60)
  assert.equal((await pass(60))?.readMode, 'Delta Read')
  await hr.inject({ kind: 'status', status: 500, times: 2, on: 'read' })
  const modes = []
  for (let at = 0; at < 4; at++) modes.push((await pass(60))?.readMode)
  await hr.heal()
  await world.set('hr', { 'ips.delta.read': null, 'ips.full.read.force.count': null })
  assert.deepEqual(modes, ['Full Read', 'Full Read', 'Full Read', 'Delta Read'])
})

test('no longer scheduled, it runs no more', async () => {
  await schedule(60)
  await schedule(null)
  assert.equal(await pass(600), undefined)
})

test('the first failure is told of, the next ones are not, and the first success is', async () => {
  const told = () =>
    world.server.log.map(({ fields }) => fields.notification).filter(text => String(text).startsWith('Prov'))
  const before = told().length
  await hr.inject({ kind: 'status', status: 400, times: 2, on: 'read' })
  await world.run('hr')
  await world.run('hr')
  await world.run('hr')
  await world.run('hr')
  assert.deepEqual(told().slice(before), [
    'Provisioning Finished with Error. Source System: hr',
    'Provisioning Success. Source System: hr',
  ])
})

test('the failure of an entity is told of while the job runs', async () => {
  const before = world.server.log.length
  await cloud.inject({ kind: 'status', status: 400, on: 'write' })
  await world.run('hr', 'resync')
  const told = world.server.log.slice(before).map(({ fields }) => fields.notification)
  assert.deepEqual(told.filter(Boolean), [
    'Provisioning Running with Error. Source System: hr',
    'Provisioning Finished with Error. Source System: hr',
  ])
  await world.run('hr')
})

test('jobs that ended more than seven days ago are forgotten, but the last one of a source', async () => {
  const { forgetOldJobs } = await import('../../../src/core/provisioning/index.ts')
  const kept = (await jobs()).filter(({ status }) => ended.test(status)).length
  assert.ok(kept > 0)
  await forgetOldJobs(world.server.server.services)
  assert.equal((await jobs()).length, kept)
  world.server.advance(7 * 24 * 60 * minute + 1)
  await forgetOldJobs(world.server.server.services)
  assert.equal((await jobs()).length, 1)
})
