import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type ScimFault, type ScimServer, startScimServer } from '../../support/scim-server.ts'
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
  await world.scim('hr', 'source', hr, { targets: 'cloud', 'scim.page.size': '10' })
})
after(async () => {
  await world.server.close()
  await Promise.all([hr.stop(), cloud.stop()])
})

beforeEach(async () => {
  await Promise.all([hr.heal(), cloud.heal()])
  await Promise.all([hr.preload({ users: 25, groups: 1, members: 2 }), cloud.preload({})])
  await world.api('POST', '/provisioning/systems/hr/reset')
  await cloud.forget()
})

describe('a source that cannot be believed', () => {
  const faults: readonly [title: string, fault: ScimFault, words: RegExp][] = [
    [
      'an empty page before the end',
      { kind: 'emptyPage', on: 'read', type: 'Users', after: 1 },
      /hr: GET \/Users says that there are 25, and gave only 10/,
    ],
    [
      'the same page again',
      { kind: 'samePage', on: 'read', type: 'Users', after: 1 },
      /hr: GET \/Users was asked from 11 on, and answered from 1 on|gave from 11 on what it had given before/,
    ],
    [
      'an id that comes twice',
      { kind: 'repeatedId', on: 'read', type: 'Users', after: 1 },
      /hr repeats ids from page to page \(GET \/Users, from 11 on\)/,
    ],
    [
      'a total that is more than there is',
      { kind: 'wrongTotal', total: 40, on: 'read', type: 'Users', after: 2 },
      /hr: GET \/Users says that there are 40, and gave only 25|hr changed while it was read/,
    ],
    [
      'a total that is less than there is',
      { kind: 'wrongTotal', total: 20, on: 'read', type: 'Users', after: 1 },
      /hr changed while it was read \(GET \/Users: first 25, then 20 results\)/,
    ],
    [
      'a page for people',
      { kind: 'html', on: 'read', type: 'Users', after: 1 },
      /hr: GET \/Users answered 200 with text\/html.*which is not SCIM\. Is the property URL right\?/,
    ],
    [
      'a redirect',
      { kind: 'status', status: 302, on: 'read', type: 'Users' },
      /statusCode: 302.*\. Redirects are not followed: put the final address into the property URL/,
    ],
    [
      'a refusal',
      { kind: 'status', status: 403, on: 'read', type: 'Users' },
      /hr: HTTP operation failed invoking https:\/\/.*\/Users with statusCode: 403/,
    ],
    [
      'an error that stays',
      { kind: 'status', status: 500, times: 9, on: 'read', type: 'Users' },
      /with statusCode: 500/,
    ],
  ]
  for (const [title, fault, words] of faults)
    test(`${title}: the job says it, deletes nothing, and the next one makes it good`, async () => {
      assert.equal((await world.run('hr')).status, 'Success')
      const gone = (await hr.list('Users'))[24]!
      await hr.remove('Users', gone.id)
      await hr.put('Users', { userName: 'aaa-replacement' })
      await hr.inject(fault)
      const job = await world.run('hr')
      await hr.heal()
      assert.equal(job.status, 'Finished with Error', JSON.stringify(job))
      assert.match(job.error ?? '', words)
      assert.equal(counts(job, 'cloud').deleted, undefined)
      assert.ok((await cloud.list('Users')).some(({ userName }) => userName === gone.userName))
      assert.match(job.outcome.join(), /Nothing was deleted|No user was deleted/)

      const mended = await world.run('hr')
      assert.equal(mended.status, 'Success', JSON.stringify(mended))
      assert.equal(counts(mended, 'cloud').deleted, 1)
      assert.equal((await cloud.list('Users')).length, 25)
    })
})

describe('a target that stumbles', () => {
  const passing: readonly [title: string, faults: ScimFault[]][] = [
    ['429 with Retry-After', [{ kind: 'status', status: 429, retryAfter: 0, times: 10, on: 'write' }]],
    [
      '502 and 503',
      [
        { kind: 'status', status: 502, times: 3, on: 'write' },
        { kind: 'status', status: 503, times: 3, on: 'write' },
      ],
    ],
    ['connections that break before anything is done', [{ kind: 'drop', times: 8, on: 'write' }]],
    ['answers that are lost after everything was done', [{ kind: 'loseAnswer', times: 8, on: 'write' }]],
  ]
  for (const [title, faults] of passing)
    test(`${title}: nobody is lost, nobody comes twice`, async () => {
      await cloud.inject(...faults)
      const job = await world.run('hr')
      assert.equal(job.status, 'Success', JSON.stringify(job))
      assert.deepEqual(counts(job, 'cloud'), { created: 25 })
      assert.equal((await cloud.list('Users')).length, 25)
      assert.equal((await cloud.list('Groups')).length, 1)
      assert.deepEqual(counts(await world.run('hr'), 'cloud'), { skipped: 25 })
    })

  test('waits as long as Retry-After says', async () => {
    await cloud.inject({ kind: 'status', status: 429, retryAfter: 1, on: 'write' })
    const before = Date.now()
    assert.equal((await world.run('hr')).status, 'Success')
    assert.ok(Date.now() - before >= 1000)
  })

  test('an entity that it refuses is counted, named with its words, and tried again by the next job', async () => {
    await cloud.inject({ kind: 'status', status: 400, on: 'write', type: 'Users' })
    const job = await world.run('hr')
    assert.equal(job.status, 'Finished with Error')
    assert.deepEqual(counts(job, 'cloud'), { created: 24, failed: 1 })
    const [failed] = job.failed
    assert.equal(failed?.system, 'cloud')
    assert.match(
      failed?.message ?? '',
      /cloud: HTTP operation failed invoking https:\/\/localhost.*\/Users with statusCode: 400/,
    )
    assert.deepEqual(counts(await world.run('hr'), 'cloud'), { created: 1, skipped: 24 })
  })

  test('more failures than it is tried again are a failure', async () => {
    await world.set('cloud', { 'ips.failed.request.retry.attempts': '0' })
    await cloud.inject({ kind: 'status', status: 503, on: 'write', type: 'Users' })
    const job = await world.run('hr')
    await world.set('cloud', { 'ips.failed.request.retry.attempts': null })
    assert.deepEqual(counts(job, 'cloud'), { created: 24, failed: 1 })
  })

  test('that lost an answer for good is asked before anything is made again', async () => {
    await world.set('cloud', { 'ips.failed.request.retry.attempts': '0' })
    await cloud.inject({ kind: 'loseAnswer', times: 5, on: 'write', type: 'Users' })
    assert.deepEqual(counts(await world.run('hr'), 'cloud'), { created: 20, failed: 5 })
    await world.set('cloud', { 'ips.failed.request.retry.attempts': null })
    await cloud.forget()
    assert.deepEqual(counts(await world.run('hr'), 'cloud'), { created: 5, skipped: 20 })
    assert.equal((await cloud.counts()).POST, undefined)
    assert.equal((await cloud.list('Users')).length, 25)
  })

  test('that takes nobody any more is left alone: the rest is counted as failed and not tried', async () => {
    await cloud.inject({ kind: 'status', status: 401, times: 1000, on: 'any' })
    const job = await world.run('hr')
    await cloud.heal()
    assert.deepEqual(counts(job, 'cloud'), { failed: 25 })
    assert.match(job.failed[0]!.message, /with statusCode: 401.*Look at the properties Authentication/)
    assert.ok(((await cloud.counts()).POST ?? 0) <= 16)
    assert.deepEqual(counts(await world.run('hr'), 'cloud'), { created: 25 })
  })
})

test('an address where nobody listens is named, with what to do', async () => {
  await world.system('nowhere', 'scim', 'source', {
    URL: 'https://localhost:1/scim/v2',
    targets: 'cloud',
    'ips.failed.request.retry.attempts': '0',
  })
  const job = await world.run('nowhere')
  assert.equal(job.status, 'Finished with Error')
  assert.match(
    job.error!,
    /^nowhere: https:\/\/localhost:1\/scim\/v2\/Users cannot be reached: .*Is the property URL right/,
  )
})

test('a server whose certificate nobody vouches for is sent nothing', async () => {
  const stranger = await startScimServer(undefined)
  await world.system('stranger', 'scim', 'source', { URL: stranger.url, targets: 'cloud' })
  const job = await world.run('stranger')
  await world.set('stranger', { TrustAll: 'true' })
  const trusting = await world.run('stranger')
  await stranger.stop()
  assert.match(job.error!, /TLS failed: .*connectivity-test.*keystore import/)
  assert.equal(trusting.error, null)
})

test('a link-local address is never called', async () => {
  await world.system('metadata', 'scim', 'source', {
    URL: 'https://169.254.169.254/scim',
    targets: 'cloud',
    'ips.failed.request.retry.attempts': '0',
  })
  assert.match((await world.run('metadata')).error!, /link-local/)
})
