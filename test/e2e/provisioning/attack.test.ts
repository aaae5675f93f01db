import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { freshDatabase } from '../../support/postgres.ts'
import { type Rogue, startRogue } from './rogue.ts'
import { counts, startWorld, type World } from './world.ts'

const day = 24 * 60 * 60 * 1000

for (const engine of ['SQLite', 'PostgreSQL'])
  describe(`on ${engine}`, () => {
    let world: World
    let database: Awaited<ReturnType<typeof freshDatabase>> | undefined
    let hr: Rogue
    let cloud: Rogue

    before(async () => {
      database = engine === 'SQLite' ? undefined : await freshDatabase()
      world = await startWorld(undefined, { ...(database && { databaseUrl: database.url }) })
    })
    after(async () => {
      await world.server.close()
      await database?.drop()
    })
    const source = 'hr'
    const target = 'cloud'
    beforeEach(async () => {
      ;[hr, cloud] = await Promise.all([startRogue(), startRogue()])
      await world.system(target, 'scim', 'target', quickly(cloud))
      await world.system(source, 'scim', 'source', { ...quickly(hr), targets: target })
    })
    afterEach(async () => {
      await Promise.all([hr.close(), cloud.close()])
      const { systems } = (await world.api('GET', '/provisioning/systems')).json<{
        systems: { name: string; role: string }[]
      }>()
      for (const { name, role } of systems.toSorted((one, other) => one.role.localeCompare(other.role)))
        assert.equal((await world.api('DELETE', `/provisioning/systems/${name}`)).status, 204, role)
    })
    /** PostgreSQL was not heard of for as long as the clock was moved. */
    const heard = async () => {
      while ((await world.api('GET', '/provisioning/jobs')).status === 503) await pause(20)
    }
    const quickly = ({ url }: Rogue) => ({ URL: url, 'ips.failed.request.retry.attempts': '0' })
    const people = (...names: string[]) => names.map(name => ({ id: `of-${name}`, userName: name }))
    const names = () => cloud.users.map(({ userName }) => userName).sort()

    test('who is on no page because others went while it was read is asked for, and not deleted', async () => {
      hr.users = Array.from({ length: 20 }, (_, at) => ({ id: `u${at}`, userName: `name-${at}` }))
      await world.set('hr', { 'scim.page.size': '10' })
      assert.equal((await world.run('hr')).status, 'Success')
      let pages = 0
      hr.instead = ({ url }) => {
        if (!url?.includes('startIndex=11')) return false
        // One of the first page goes, and another comes at the end: the total stays what it was.
        if (pages++ === 0) hr.users = [...hr.users.slice(1), { id: 'u20', userName: 'name-20' }]
        return false
      }
      const job = await world.run('hr')
      hr.instead = () => false
      assert.equal(job.status, 'Finished with Error')
      assert.match(job.error ?? '', /on none of its pages \(u10, for one\)/)
      assert.ok(cloud.users.some(({ userName }) => userName === 'name-10'))
      const next = await world.run('hr')
      assert.equal(next.status, 'Success', JSON.stringify(next))
      assert.deepEqual(counts(next, 'cloud'), { deleted: 1, skipped: 20 })
      await world.set('hr', { 'scim.page.size': null })
    })

    test('a job does its work also when all earlier ones were forgotten long ago', async () => {
      hr.users = people('ann', 'bob')
      assert.deepEqual(counts(await world.run(source), target), { created: 2 })
      const { store, context } = world.server.server.services
      await store.write(({ jobs }) => jobs.deleteEndedBefore(context.now() + 8 * day))
      hr.users = people('ann', 'carol')
      assert.deepEqual(counts(await world.run(source), target), { created: 1, deleted: 1, skipped: 1 })
    })

    test('a page of which nothing can be read is told of, entity by entity', async () => {
      // It gives more than it was asked for.
      const page = { totalResults: 40_000, Resources: Array.from({ length: 40_000 }, () => ({})) }
      hr.instead = (request, response) => {
        if (!request.url?.startsWith('/Users')) return false
        response.end(JSON.stringify(page))
        return true
      }
      const job = await world.run(source)
      assert.deepEqual(counts(job, source), { read: 40_000, failed: 40_000 }, JSON.stringify(job))
      assert.doesNotMatch(job.error ?? '', /inside Countersign/)
    })

    test('a person who comes again under another id stays, and goes when that one goes', async () => {
      hr.users = people('ann', 'bob')
      await world.run(source)
      hr.users = [...people('ann'), { id: 'hired-again', userName: 'bob' }]
      const job = await world.run(source)
      assert.deepEqual(counts(job, target), { updated: 1, skipped: 2 }, JSON.stringify(job))
      assert.deepEqual(names(), ['ann', 'bob'])
      hr.users = people('ann')
      assert.equal(counts(await world.run(source), target).deleted, 1)
      assert.deepEqual(names(), ['ann'])
    })

    test('of two sources of a target the one takes away nobody whom the other has', async () => {
      const other = await startRogue()
      await world.system(`${source}-other`, 'scim', 'source', { ...quickly(other), targets: target })
      hr.users = people('ann', 'bob')
      other.users = people('bob', 'carol').map(one => ({ ...one, id: `other-${one.id}` }))
      await world.run(source)
      await world.run(`${source}-other`)
      hr.users = people('ann')
      assert.equal(counts(await world.run(source), target).deleted, undefined)
      assert.deepEqual(names(), ['ann', 'bob', 'carol'])
      other.users = people('carol').map(one => ({ ...one, id: `other-${one.id}` }))
      assert.equal(counts(await world.run(`${source}-other`), target).deleted, 1)
      assert.deepEqual(names(), ['ann', 'carol'])
      await other.close()
    })

    describe('ids', () => {
      for (const [what, id] of [
        ['with NUL', 'a\0b'],
        ['with half a character', 'a\ud800'],
        ['of ten thousand characters', Array.from({ length: 2000 }, (_, at) => `${at}/x`).join('')],
      ] as const) {
        test(`${what} at the source are told of; everybody else is written, and nobody deleted`, async () => {
          hr.users = people('ann', 'bob')
          await world.run(source)
          hr.users = [...people('ann', 'carol'), { id, userName: 'wrong' }]
          const job = await world.run(source)
          assert.deepEqual(counts(job, source), { read: 3, failed: 1 }, JSON.stringify(job))
          assert.deepEqual(names(), ['ann', 'bob', 'carol'])
          const lines = await world.api('GET', `/provisioning/jobs/${job.id}/lines`)
          assert.equal(lines.json<{ lines: object[] }>().lines.length, 1)
        })
      }

      test('that two entities have, on one page or far apart: the second is told of', async () => {
        await world.api('PUT', `/provisioning/systems/${source}/transformations/read`, {
          user: {
            mappings: [
              { sourcePath: '$', targetPath: '$' },
              { sourcePath: '$.badge', targetVariable: 'entityIdSourceSystem' },
            ],
          },
        })
        const last = 510
        for (const doubled of [1, last]) {
          hr.users = Array.from({ length: last + 1 }, (_, at) => ({
            ...{ id: `u${at}`, userName: `name-${at}` },
            badge: String(at === doubled ? 0 : at),
          }))
          const job = await world.run(source)
          assert.equal(job.status, 'Finished with Error')
          assert.equal(job.failed[0]?.id, `u${doubled}`)
          assert.match(job.failed[0].message, /its id is that of another entity too/)
        }
      })

      for (const id of ['..', '.', '', 'a\0b', 'a\ud800', 'x'.repeat(5000)])
        test(`that a target gives are looked at: ${JSON.stringify(id.slice(0, 10))}`, async () => {
          let given = 0
          cloud.newId = () => (given++ === 1 ? id : `good-${given}`)
          hr.users = people('ann', 'bob', 'carol')
          await world.set(target, { 'ips.parallel.requests': '1' })
          const job = await world.run(source)
          assert.deepEqual(counts(job, target), { created: 2, failed: 1 }, JSON.stringify(job))
          assert.match(job.failed[0]!.message, /gave an id that cannot be used/)
          hr.users = people('ann')
          await world.run(source)
          assert.ok(!cloud.requests.some(one => /^(DELETE|PUT) \/(Users\/?)?$/.test(one)))
        })
    })

    test('what a target of no sense says of one entity stops nothing else', async () => {
      cloud.instead = ({ method }, response, body) => {
        if (method !== 'POST' || !body.includes('"bob"')) return false
        response.writeHead(201, { location: '/Users/%E0%A4%A' }).end()
        return true
      }
      hr.users = people('ann', 'bob', 'carol')
      const job = await world.run(source)
      assert.doesNotMatch(job.error ?? '', /inside Countersign/)
      assert.deepEqual(names(), ['ann', 'carol'])
    })

    test('a source that gives more than it counts is not believed when it comes to deleting', async () => {
      hr.users = people('ann', 'bob', 'carol')
      await world.run(source)
      hr.instead = ({ url }, response) => {
        if (!url?.startsWith('/Users')) return false
        response.end(JSON.stringify({ totalResults: 1, Resources: people('ann', 'bob') }))
        return true
      }
      const job = await world.run(source)
      assert.match(job.error ?? '', /gave more than it says that there are/)
      assert.deepEqual(names(), ['ann', 'bob', 'carol'])
    })

    test('an answer that never ends is given up after ips.timeout', async () => {
      await world.set(source, { 'ips.timeout': '1' })
      const drips: NodeJS.Timeout[] = []
      hr.instead = (_, response) => {
        response.writeHead(200)
        drips.push(setInterval(() => response.write(' '), 100))
        return true
      }
      const job = await world.run(source)
      for (const drip of drips) clearInterval(drip)
      assert.match(job.error ?? '', /no answer within 1 s/)
    })

    test('a target that knows no filters has nobody overwritten whom it names instead', async () => {
      cloud.users = [{ id: 'root', userName: 'admin' }]
      cloud.instead = ({ method }, response) => {
        if (method === 'POST') response.writeHead(409).end('{}')
        else if (method === 'GET') response.end(JSON.stringify({ totalResults: 1, Resources: cloud.users }))
        else return false
        return true
      }
      hr.users = people('ann')
      const job = await world.run(source)
      assert.match(job.failed[0]!.message, /gives others than those that are asked for/)
      assert.deepEqual(names(), ['admin'])
    })

    test('targets are those that there are, from the first on', async () => {
      const properties = { ...quickly(hr), targets: source }
      const made = await world.api('POST', '/provisioning/systems', {
        name: `${source}-x`,
        type: 'scim',
        role: 'source',
        properties,
      })
      assert.equal(made.status, 400, made.text)
      assert.match(made.text, /is a source, not a target/)
    })

    describe('a delta read', () => {
      const sinces = () =>
        hr.requests.flatMap(
          one => /lastModified gt "([^"]*)"/.exec(decodeURIComponent(one.replaceAll('+', ' ')))?.[1] ?? [],
        )

      test('takes in what changed in the second in which the last read began', async () => {
        hr.users = people('ann')
        const began = Math.floor(Date.now() / 1000) * 1000
        await world.run(source)
        await world.run(source, 'delta')
        assert.equal(sinces().length, 2)
        for (const since of sinces()) assert.ok(Date.parse(since) < began, since)
      })

      test('is a full one where the clock of the source said something absurd', async () => {
        hr.users = people('ann')
        hr.instead = (_, response) => {
          response.setHeader('date', 'Fri, 31 Dec 9999 23:59:59 GMT')
          return false
        }
        await world.run(source)
        assert.equal((await world.run(source, 'delta')).readMode, 'Full Read')
      })

      test('begins where it began before, if more or less came than was said', async () => {
        hr.users = people('ann')
        await world.run(source)
        const totals = [3, 2, 2]
        hr.instead = ({ url }, response) => {
          if (!url?.includes('filter') || !url.startsWith('/Users')) return false
          const Resources = people(`new${totals.length}`)
          response.end(JSON.stringify({ totalResults: totals.shift() ?? 2, Resources }))
          return true
        }
        const before = (await world.run(source, 'delta')).readMode
        assert.equal(before, 'Delta Read')
        hr.instead = () => false
        await world.run(source, 'delta')
        assert.equal(new Set(sinces()).size, 1, sinces().join())
      })
    })

    test('ids of one target are never used in another that takes its place', async () => {
      hr.users = people('ann', 'bob')
      await world.run(source)
      const prod = await startRogue()
      prod.users = [
        { id: 'id-1', userName: 'root' },
        { id: 'id-2', userName: 'operator' },
      ]
      assert.equal((await world.set(target, { URL: prod.url })).status, 200)
      hr.users = people('ann')
      const job = await world.run(source)
      await prod.close()
      assert.deepEqual(counts(job, target), { created: 1 })
      assert.deepEqual(
        prod.users.map(({ userName }) => userName),
        ['root', 'operator', 'ann'],
      )
    })

    test('a new target is given everybody, also by the next delta read', async () => {
      hr.users = people('ann', 'bob')
      await world.run(source)
      await world.system('second', 'scim', 'target', quickly(cloud))
      await world.set(source, { targets: `${target},second` })
      assert.equal((await world.run(source, 'delta')).readMode, 'Full Read')
    })

    test('a process that was asleep for longer than its lease sends nothing before it has looked', async () => {
      hr.users = people('ann', 'bob', 'carol')
      await world.set(target, { 'ips.parallel.requests': '1' })
      const { store } = world.server.server.services
      let asleep: Promise<unknown> | undefined
      cloud.instead = ({ method }, response, body) => {
        if (method !== 'POST' || asleep) return false
        asleep = store
          .write(async ({ jobs }) => {
            const [job] = await jobs.open()
            await jobs.update({ ...job!, runner: 'another', leaseUntil: world.server.now() + 120_000 })
          })
          .then(() => {
            world.server.advance(61_000)
            cloud.users.push({ ...JSON.parse(body), id: 'first' })
            response.writeHead(201).end(JSON.stringify({ id: 'first' }))
          })
        return true
      }
      const id = await world.start(source)
      while (!asleep) await pause(5)
      await asleep
      await pause(100)
      assert.deepEqual(names(), ['ann'])
      world.server.advance(120_000)
      await heard()
      await world.server.server.jobs.tick()
      assert.equal((await world.finished(id)).status, 'Success')
      assert.deepEqual(names(), ['ann', 'bob', 'carol'])
    })

    test('a job that waits before it tries again can be stopped', async () => {
      hr.users = people('ann')
      await world.set(target, {
        'ips.failed.request.retry.attempts': '3',
        'ips.failed.request.retry.attempts.interval': '60',
      })
      let refused = false
      cloud.instead = ({ method }, response) => {
        if (method !== 'POST') return false
        response.writeHead(503).end()
        refused = true
        return true
      }
      const id = await world.start(source)
      while (!refused) await pause(5)
      await world.api('POST', `/provisioning/jobs/${id}/stop`)
      assert.equal((await world.finished(id)).status, 'Manually Terminated')
    })

    test('who was in the target before stays, also if nobody heard how their creation ended', async () => {
      const meta = { created: '2020-01-01T00:00:00Z' }
      cloud.users = [{ id: 'early', userName: 'ann', meta }]
      cloud.instead = ({ method }, response) => {
        if (method !== 'POST') return false
        response.writeHead(504).end()
        return true
      }
      hr.users = people('ann', 'bob', 'carol')
      assert.equal((await world.run(source)).status, 'Finished with Error')
      cloud.users.push({ id: 'made', userName: 'bob', meta: { created: new Date().toISOString() } })
      cloud.instead = ({ method }, response, body) => {
        if (method === 'PUT') {
          const row = cloud.users.find(({ userName }) => userName === JSON.parse(body).userName)
          response.end(JSON.stringify(row))
        }
        return method === 'PUT'
      }
      assert.equal((await world.run(source)).status, 'Success')
      assert.deepEqual(names(), ['ann', 'bob', 'carol'])
      hr.users = people('carol')
      assert.equal((await world.run(source)).status, 'Success')
      assert.deepEqual(names(), ['ann', 'carol'])
    })

    test('who was deleted in the target is made again, and is ours also if nobody heard how that ended', async () => {
      hr.users = people('ann')
      await world.run(source)
      cloud.users = []
      cloud.instead = ({ method }, response, body) => {
        if (method !== 'POST') return false
        cloud.users.push({ ...JSON.parse(body), id: 'again', meta: { created: new Date().toISOString() } })
        response.destroy()
        return true
      }
      assert.equal((await world.run(source, 'resync')).status, 'Finished with Error')
      cloud.instead = () => false
      assert.equal((await world.run(source)).status, 'Success')
      hr.users = people('bob')
      assert.deepEqual(counts(await world.run(source), target), { created: 1, deleted: 1 })
      assert.deepEqual(names(), ['bob'])
    })

    test('who may be in the target and is in the source no more is told of, not forgotten in silence', async () => {
      hr.users = people('ann', 'bob')
      cloud.instead = ({ method }, response, body) => {
        if (method !== 'POST' || !body.includes('ann')) return false
        response.destroy()
        return true
      }
      await world.run(source)
      cloud.instead = () => false
      hr.users = people('bob')
      const job = await world.run(source)
      assert.equal(job.status, 'Finished with Error')
      assert.equal(job.failed[0]?.id, 'of-ann')
      assert.match(job.failed[0].message, /never answered.*if cloud has it, delete it there/)
      assert.equal((await world.run(source)).status, 'Success')
    })

    test('references that wait for the end of a job are written also if another process comes to that end', async () => {
      hr.groups = [
        { id: 'outer', displayName: 'outer', members: [{ value: 'inner', type: 'Group' }] },
        { id: 'inner', displayName: 'inner' },
      ]
      const held = Promise.withResolvers<() => void>()
      cloud.instead = ({ method }, response) => {
        if (method !== 'PUT') return false
        held.resolve(() => response.destroy())
        return true
      }
      const id = await world.start(source)
      const free = await held.promise
      const takeOver = (leaseUntil: number) =>
        world.server.server.services.store.write(async ({ jobs }) => {
          const [job] = await jobs.open()
          await jobs.update({ ...job!, runner: 'another', leaseUntil })
        })
      await takeOver(world.server.now() + 120_000)
      cloud.instead = () => false
      free()
      // The first one sees that the job is not its own any more.
      await world.server.server.jobs.tick()
      await takeOver(0)
      await world.server.server.jobs.tick()
      const job = await world.finished(id)
      assert.equal(job.status, 'Success', JSON.stringify(job))
      const [outer, inner] = ['outer', 'inner'].map(name =>
        cloud.groups.find(({ displayName }) => displayName === name),
      )
      assert.deepEqual(outer?.members, [{ value: inner?.id, type: 'Group' }])
    })

    test('what failed is counted once, also if it refers to what failed before', async () => {
      hr.users = people('ann')
      hr.groups = [{ id: 'crew', displayName: 'crew', members: [{ value: 'of-ann', type: 'User' }] }]
      cloud.instead = ({ method }, response) => {
        if (method === 'POST') response.writeHead(400).end()
        return method === 'POST'
      }
      const job = await world.run(source)
      assert.deepEqual(
        job.failed.map(({ id }) => id),
        ['of-ann', 'crew'],
      )
      assert.deepEqual(counts(job, target, 'group'), { failed: 1 })
    })

    test('who was made by a job that was interrupted, and is as it is to be, is not written again', async () => {
      hr.users = people('ann', 'bob')
      cloud.instead = ({ method }, response, body) => {
        if (method !== 'POST') return false
        const { userName } = JSON.parse(body)
        const made = userName === 'ann' ? JSON.parse(body) : { userName }
        cloud.users.push({ ...made, active: true, id: userName, meta: { created: new Date().toISOString() } })
        response.destroy()
        return true
      }
      hr.users = hr.users.map(user => ({ ...user, title: 'Captain' }))
      await world.run(source)
      cloud.instead = () => false
      assert.deepEqual(counts(await world.run(source), target), { created: 2 })
      assert.deepEqual(
        cloud.requests.filter(one => one.startsWith('PUT')),
        ['PUT /Users/bob'],
      )
    })

    test('one answer of no sense is no reason to leave a target alone', async () => {
      hr.users = people('ann', 'bob', 'carol')
      await world.set(target, { 'ips.parallel.requests': '1' })
      let once = true
      cloud.instead = ({ method }, response) => {
        if (method !== 'POST' || !once) return false
        once = false
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
        return true
      }
      const job = await world.run(source)
      assert.deepEqual(counts(job, target), { created: 2, failed: 1 })
      assert.match(job.failed[0]!.message, /text\/html, which is not SCIM/)
    })

    test('a token server that does not say how long its tokens live is named, with the property for it', async () => {
      hr.users = people('ann')
      cloud.instead = ({ url }, response) => {
        if (url !== '/token') return false
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end('{"access_token":"t","token_type":"Bearer"}')
        return true
      }
      await world.set(target, {
        ...{ Authentication: 'BasicAuthentication', User: 'u', Password: 'p' },
        OAuth2TokenServiceURL: `${cloud.url}/token`,
      })
      const refused = await world.run(source)
      assert.match(refused.failed[0]!.message, /set the property OAuth2TokenDefaultExpiresIn/)
      await world.set(target, { OAuth2TokenDefaultExpiresIn: '300' })
      assert.deepEqual(counts(await world.run(source), target), { created: 1 })
    })

    test('who was in the target before stays, also if the answer to their creation was lost once', async () => {
      await world.set(target, {
        'ips.failed.request.retry.attempts': '1',
        'ips.failed.request.retry.attempts.interval': '0',
      })
      cloud.users = [{ id: 'early', userName: 'ann', meta: { created: '2020-01-01T00:00:00Z' } }]
      let lost = false
      cloud.instead = ({ method }, response) => {
        if (method !== 'POST' || lost) return false
        lost = true
        response.writeHead(504).end()
        return true
      }
      hr.users = people('ann')
      assert.deepEqual(counts(await world.run(source), target), { updated: 1 })
      hr.users = people('bob')
      assert.equal((await world.run(source)).status, 'Success')
      assert.deepEqual(names(), ['ann', 'bob'])
    })

    test('a token server that was not there before is not shown a password that was', async () => {
      await world.set(source, { Authentication: 'BasicAuthentication', User: 'u', Password: 'secret' })
      const set = await world.set(source, { OAuth2TokenServiceURL: 'https://evil.example/token' })
      assert.equal(set.status, 400)
      assert.match(set.text, /give Password again/)
    })
  })
