import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
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
  await hr.preload({ users: 450, groups: 5, members: 20 })
  await world.scim('cloud', 'target', cloud)
  await world.scim('hr', 'source', hr, { targets: 'cloud' })
})
after(async () => {
  await world.server.close()
  await Promise.all([hr.stop(), cloud.stop()])
})

test('a first job creates every user and group in the target, with the members that they have there', async () => {
  const job = await world.run('hr')
  assert.equal(job.status, 'Success', JSON.stringify(job, null, 1))
  assert.equal(job.readMode, 'Full Read')
  assert.deepEqual(counts(job, 'hr'), { read: 450 })
  assert.deepEqual(counts(job, 'cloud'), { created: 450 })
  assert.deepEqual(counts(job, 'cloud', 'group'), { created: 5 })
  const users = await cloud.list('Users')
  assert.equal(users.length, 450)
  const names = new Map(users.map(({ id, userName }) => [id, userName]))
  const [original] = await hr.list('Groups')
  const group = (await cloud.list('Groups')).find(({ displayName }) => displayName === original!.displayName)
  const namesAt = new Map((await hr.list('Users')).map(({ id, userName }) => [id, userName]))
  const members = (of: typeof group, by: Map<string, unknown>) =>
    (of!.members as { value: string }[]).map(({ value }) => by.get(value)).sort()
  assert.deepEqual(members(group, names), members(original, namesAt))
})

test('a second job writes nothing', async () => {
  await cloud.forget()
  const job = await world.run('hr')
  assert.deepEqual(counts(job, 'cloud'), { skipped: 450 })
  assert.deepEqual(counts(job, 'cloud', 'group'), { skipped: 5 })
  assert.deepEqual(await cloud.counts(), {})
})
