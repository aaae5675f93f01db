import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type ScimServer, startScimServer } from '../../support/scim-server.ts'
import { counts, startWorld, type World } from './world.ts'

let world: World
let hr: ScimServer
let cloud: ScimServer

before(async () => {
  ;[world, hr, cloud] = await Promise.all([
    startWorld(undefined),
    startScimServer(undefined),
    startScimServer(undefined),
  ])
  await world.scim('cloud', 'target', cloud)
  // Each entity is a page of its own.
  await world.scim('hr', 'source', hr, { targets: 'cloud', 'scim.page.size': '1' })
})
after(async () => {
  await world.server.close()
  await Promise.all([hr.stop(), cloud.stop()])
})
beforeEach(async () => {
  await Promise.all([hr.preload({}), cloud.preload({})])
  await world.api('POST', '/provisioning/systems/hr/reset')
  await cloud.forget()
})

const group = (displayName: string, ...members: string[]) => ({
  displayName,
  members: members.map(value => ({ value, type: 'Group' })),
})

test('what refers to what was written before is written once, with its reference', async () => {
  // So many are written down at once, and what is written down can be referred to.
  await hr.preload({ groups: 500 })
  const [first] = await hr.list('Groups')
  await hr.put('Groups', group('last', first!.id as string))
  await world.set('hr', { 'scim.page.size': '500' })
  const job = await world.run('hr')
  await world.set('hr', { 'scim.page.size': '1' })
  assert.equal(job.status, 'Success', JSON.stringify(job))
  assert.deepEqual(counts(job, 'cloud', 'group'), { created: 501 })
  const { POST, PUT } = await cloud.counts()
  assert.deepEqual({ POST, PUT }, { POST: 501, PUT: undefined })
  const made = await cloud.list('Groups')
  const { id } = made.find(({ displayName }) => displayName === first!.displayName)!
  const last = made.find(({ displayName }) => displayName === 'last')!
  assert.deepEqual(
    (last.members as { value: string }[]).map(({ value }) => value),
    [id],
  )
})

test('what refers to a later page is created, and gets its reference at the end', async () => {
  const outer = (await hr.put('Groups', group('outer')))!
  const { id } = (await hr.put('Groups', group('inner')))!
  await hr.put('Groups', group('outer', id), outer.id)
  const job = await world.run('hr')
  assert.deepEqual(counts(job, 'cloud', 'group'), { created: 2, updated: 1 })
  assert.equal((await cloud.counts()).PUT, 1)
  const again = await world.run('hr')
  assert.deepEqual(counts(again, 'cloud', 'group'), { skipped: 2 })
})

test('a source that breaks off leaves nothing unnoted of what was written before', async () => {
  await hr.preload({ users: 6 })
  await world.set('hr', { 'ips.failed.request.retry.attempts': '0' })
  await hr.inject({ kind: 'status', status: 500, on: 'read', after: 3 })
  const broken = await world.run('hr')
  assert.equal(broken.status, 'Finished with Error')
  assert.deepEqual(counts(broken, 'cloud'), { created: 3 })
  await cloud.forget()
  const rest = await world.run('hr')
  assert.deepEqual(counts(rest, 'cloud'), { created: 3, skipped: 3 })
  // Nobody is looked for: of all that was sent it is known what came of it.
  assert.deepEqual(await cloud.counts(), { POST: 3 })
})
