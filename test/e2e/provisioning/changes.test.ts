import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
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
  await world.scim('hr', 'source', hr, { targets: 'cloud' })
})
after(async () => {
  await world.server.close()
  await Promise.all([hr.stop(), cloud.stop()])
})

/** Ten users and two groups of three, in both systems; nothing else is known or set. */
beforeEach(async () => {
  await Promise.all([hr.preload({ users: 10, groups: 2, members: 3 }), cloud.preload({})])
  await hr.advance(5000)
  await world.api('POST', '/provisioning/systems/hr/reset')
  const job = await world.run('hr')
  assert.equal(job.status, 'Success', JSON.stringify(job))
  await cloud.forget()
  await hr.advance(5000)
})

const userOf = async (server: ScimServer, at: number) => {
  const name = `user${String(at).padStart(6, '0')}`
  return (await server.list('Users')).find(({ userName }) => userName === name)!
}

/** Sets properties for one test. */
async function having(system: string, properties: Record<string, string>, work: () => Promise<void>) {
  const set = await world.set(system, properties)
  assert.equal(set.status, 200, set.text)
  try {
    await work()
  } finally {
    await world.set(system, Object.fromEntries(Object.keys(properties).map(name => [name, null])))
  }
}

describe('a full read', () => {
  test('creates what is new, changes what has changed, deletes what is gone, and leaves the rest alone', async () => {
    await hr.put('Users', { userName: 'new@example.com', displayName: 'New' })
    const changed = await userOf(hr, 1)
    await hr.put('Users', { ...changed, displayName: 'Another name' }, changed.id)
    await hr.remove('Users', (await userOf(hr, 10)).id)
    const job = await world.run('hr')
    assert.equal(job.status, 'Success', JSON.stringify(job))
    assert.deepEqual(counts(job, 'cloud'), { created: 1, updated: 1, deleted: 1, skipped: 8 })
    assert.equal((await userOf(cloud, 1)).displayName, 'Another name')
    assert.equal(await userOf(cloud, 10), undefined)
    const { POST, PUT, DELETE } = await cloud.counts()
    assert.deepEqual({ POST, PUT, DELETE }, { POST: 1, PUT: 1, DELETE: 1 })
  })

  test('writes a group again whose members have changed', async () => {
    const [group] = await hr.list('Groups')
    const members = (group!.members as object[]).slice(1)
    await hr.put('Groups', { ...group!, members }, group!.id)
    const job = await world.run('hr')
    assert.deepEqual(counts(job, 'cloud', 'group'), { updated: 1, skipped: 1 })
    const written = (await cloud.list('Groups')).find(({ displayName }) => displayName === group!.displayName)
    assert.equal((written!.members as object[]).length, 2)
  })

  test('brings back what somebody deleted in the target, once it is to be changed', async () => {
    await cloud.remove('Users', (await userOf(cloud, 3)).id)
    const changed = await userOf(hr, 3)
    await hr.put('Users', { ...changed, displayName: 'Back' }, changed.id)
    const job = await world.run('hr')
    assert.deepEqual(counts(job, 'cloud'), { created: 1, skipped: 9 })
    assert.equal((await userOf(cloud, 3)).displayName, 'Back')
  })

  test('deletes whom the condition of the source does not let through any more', async () => {
    const transformation = {
      user: {
        condition: "$.userName != 'user000004'",
        mappings: [
          { sourcePath: '$', targetPath: '$' },
          { sourcePath: '$.id', targetVariable: 'entityIdSourceSystem' },
          { type: 'remove', targetPath: '$.id' },
          { type: 'remove', targetPath: '$.meta' },
        ],
      },
      group: { ignore: true, mappings: [] },
    }
    const path = '/provisioning/systems/hr/transformations/read'
    const put = await world.api('PUT', path, transformation)
    assert.equal(put.status, 200, put.text)
    const job = await world.run('hr')
    await world.api('DELETE', path)
    assert.deepEqual(counts(job, 'hr'), { read: 10, skipped: 1 })
    assert.equal(counts(job, 'cloud').deleted, 1)
    assert.equal(await userOf(cloud, 4), undefined)
    assert.equal((await cloud.list('Groups')).length, 2, 'what the transformation ignores stays')
  })
})

describe('a delta read', () => {
  test('asks the source for what has changed since, and deletes nothing', async () => {
    const changed = await userOf(hr, 2)
    await hr.put('Users', { ...changed, displayName: 'Changed' }, changed.id)
    await hr.remove('Users', (await userOf(hr, 9)).id)
    await hr.forget()
    const job = await world.run('hr', 'delta')
    assert.equal(job.readMode, 'Delta Read')
    assert.deepEqual(counts(job, 'cloud'), { updated: 1 })
    assert.deepEqual(job.outcome, ['A delta read deletes nothing.'])
    assert.ok(await userOf(cloud, 9))
    const asked = (await hr.requests()).map(({ path }) => decodeURIComponent(path))
    assert.ok(
      asked.every(path => /filter=meta\.lastModified\+gt\+"/.test(path)),
      asked.join('\n'),
    )
  })

  test('is a full one where the source was never read', async () => {
    await world.api('POST', '/provisioning/systems/hr/reset')
    const job = await world.run('hr', 'delta')
    assert.equal(job.readMode, 'Full Read')
  })

  test('begins where the last one without failures began, so that a failed entity comes again', async () => {
    const changed = await userOf(hr, 2)
    await hr.put('Users', { ...changed, displayName: 'Refused' }, changed.id)
    await cloud.inject({ kind: 'status', status: 400, on: 'write' })
    assert.equal((await world.run('hr', 'delta')).status, 'Finished with Error')
    await hr.advance(5000)
    const job = await world.run('hr', 'delta')
    assert.equal(job.status, 'Success')
    assert.deepEqual(counts(job, 'cloud'), { updated: 1 })
    assert.equal((await userOf(cloud, 2)).displayName, 'Refused')
  })
})

test('a resync writes everything again', async () => {
  const mine = await userOf(cloud, 5)
  await cloud.put('Users', { ...mine, displayName: 'Meddled with' }, mine.id)
  assert.deepEqual(counts(await world.run('hr'), 'cloud'), { skipped: 10 })
  const job = await world.run('hr', 'resync')
  assert.deepEqual(counts(job, 'cloud'), { updated: 10 })
  assert.equal((await userOf(cloud, 5)).displayName, (await userOf(hr, 5)).displayName)
})

test('a simulation counts what the next read would do, and writes nothing, nowhere', async () => {
  await hr.put('Users', { userName: 'new@example.com' })
  const changed = await userOf(hr, 1)
  await hr.put('Users', { ...changed, displayName: 'Another name' }, changed.id)
  await hr.remove('Users', (await userOf(hr, 10)).id)
  for (const type of ['simulate', 'simulate', 'read'])
    assert.deepEqual(
      counts(await world.run('hr', type), 'cloud'),
      { created: 1, updated: 1, deleted: 1, skipped: 8 },
      type,
    )
  assert.equal((await cloud.counts()).POST, 1)
})

describe('deleting', () => {
  test('of more than the threshold allows deletes none, and says so', async () => {
    for (const at of [7, 8, 9]) await hr.remove('Users', (await userOf(hr, at)).id)
    await having('cloud', { 'ips.delete.threshold.users': '2' }, async () => {
      const job = await world.run('hr')
      assert.equal(job.status, 'Finished with Error')
      assert.deepEqual(counts(job, 'cloud'), { skipped: 7, failed: 3 })
      assert.match(
        job.outcome.join(),
        /3 users would be deleted in cloud, more than ips\.delete\.threshold\.users=2/,
      )
      assert.equal((await cloud.list('Users')).length, 10)
    })
    await having('cloud', { 'ips.delete.threshold.users': '3' }, async () => {
      assert.equal(counts(await world.run('hr'), 'cloud').deleted, 3)
    })
  })

  test('does not follow an empty read, unless the source is said to be empty', async () => {
    await hr.preload({})
    const job = await world.run('hr')
    assert.equal(job.status, 'Finished with Error')
    assert.match(
      job.outcome.join(),
      /hr reported no user at all, so none of the 10 users in cloud was deleted/,
    )
    assert.equal((await cloud.list('Users')).length, 10)
    await having('hr', { 'ips.delete.after.empty.read': 'true' }, async () => {
      assert.equal(counts(await world.run('hr'), 'cloud').deleted, 10)
    })
    assert.equal((await cloud.list('Groups')).length, 0)
  })

  test('spares who was in the target before, unless told otherwise', async () => {
    await hr.put('Users', { userName: 'early', displayName: 'of the source' })
    await cloud.put('Users', { userName: 'early', displayName: 'of the target' })
    const taken = await world.run('hr')
    assert.deepEqual(counts(taken, 'cloud'), { updated: 1, skipped: 10 })
    const early = async (server: ScimServer) =>
      (await server.list('Users')).find(one => one.userName === 'early')
    assert.equal((await early(cloud))?.displayName, 'of the source')
    await hr.remove('Users', (await early(hr))!.id)
    const spared = await world.run('hr')
    assert.equal(counts(spared, 'cloud').deleted, undefined)
    assert.ok(await early(cloud))
  })

  test('can be a change instead: mappings of the scope deleteEntity', async () => {
    const path = '/provisioning/systems/cloud/transformations/write'
    const { transformation } = (await world.api('GET', path)).json<{
      transformation: { user: { mappings: object[] } }
    }>()
    transformation.user.mappings.push({ constant: false, targetPath: '$.active', scope: 'deleteEntity' })
    assert.equal((await world.api('PUT', path, transformation)).status, 200)
    await hr.remove('Users', (await userOf(hr, 6)).id)
    const job = await world.run('hr')
    await world.api('DELETE', path)
    assert.equal(counts(job, 'cloud').deleted, 1)
    const left = await userOf(cloud, 6)
    assert.deepEqual([left.active, left.userName], [false, 'user000006'])
  })
})

test('a group that was there before keeps its members where the property says so', async () => {
  const stranger = (await cloud.put('Users', { userName: 'stranger' }))!
  await cloud.put('Groups', { displayName: 'Both', members: [{ value: stranger.id }] })
  const own = await userOf(hr, 1)
  await hr.put('Groups', { displayName: 'Both', members: [{ value: own.id }] })
  await having('cloud', { 'ips.overwrite.existedbefore.assignments': 'false' }, async () => {
    assert.equal(counts(await world.run('hr'), 'cloud', 'group').updated, 1)
  })
  const both = (await cloud.list('Groups')).find(({ displayName }) => displayName === 'Both')!
  const members = (both.members as { value: string }[]).map(({ value }) => value).sort()
  assert.deepEqual(members, [stranger.id, (await userOf(cloud, 1)).id].sort())
})

test('a manager who is read after those who report to him is theirs at the end of the same job', async () => {
  const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
  await hr.put('Users', { userName: 'zz-boss' })
  const boss = (await hr.list('Users')).find(({ userName }) => userName === 'zz-boss')!
  const first = await userOf(hr, 1)
  await hr.put('Users', { ...first, [enterprise]: { manager: { value: boss.id } } }, first.id)
  const job = await world.run('hr')
  assert.equal(job.status, 'Success', JSON.stringify(job))
  const written = (await userOf(cloud, 1))[enterprise] as { manager: { value: string } }
  const bossThere = (await cloud.list('Users')).find(({ userName }) => userName === 'zz-boss')!
  assert.equal(written.manager.value, bossThere.id)
  assert.equal(counts(await world.run('hr'), 'cloud').skipped, 11)
})

test('with PATCH only the attributes that the source has are replaced', async () => {
  const changed = await userOf(hr, 1)
  await hr.put('Users', { ...changed, displayName: 'Patched' }, changed.id)
  await having('cloud', { 'scim.support.patch.operation': 'true' }, async () => {
    assert.deepEqual(counts(await world.run('hr'), 'cloud'), { updated: 1, skipped: 9 })
  })
  assert.equal((await userOf(cloud, 1)).displayName, 'Patched')
  const { PATCH, PUT } = await cloud.counts()
  assert.deepEqual({ PATCH, PUT }, { PATCH: 1, PUT: undefined })
})

test('a filter of the property is what the source is asked for', async () => {
  await having('hr', { 'scim.user.filter': 'userName eq "user000001"' }, async () => {
    await having('cloud', { 'ips.delete.threshold.users': '1' }, async () => {
      const job = await world.run('hr')
      assert.deepEqual(counts(job, 'hr'), { read: 1 })
      assert.deepEqual(counts(job, 'cloud'), { skipped: 1, failed: 9 })
    })
  })
})
