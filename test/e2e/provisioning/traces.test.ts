import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ScimServer, startScimServer } from '../../support/scim-server.ts'
import { startWorld, type World } from './world.ts'

interface Line {
  readonly position: number
  readonly system: string
  readonly entityId: string
  readonly message: string
  readonly content: string | null
}

let world: World
let hr: ScimServer
let cloud: ScimServer
before(async () => {
  ;[world, hr, cloud] = await Promise.all([
    startWorld(undefined),
    startScimServer(undefined),
    startScimServer(undefined),
  ])
  await hr.preload({ users: 3 })
  await world.scim('cloud', 'target', cloud)
  await world.scim('hr', 'source', hr, { targets: 'cloud' })
})
after(async () => {
  await world.server.close()
  await Promise.all([hr.stop(), cloud.stop()])
})

const lines = async (id: string, log: string) =>
  (await world.api('GET', `/provisioning/jobs/${id}/lines?log=${log}`)).json<{ lines: Line[] }>().lines

test('without traces the log names only those that failed, and hides what they are', async () => {
  await cloud.inject({ kind: 'status', status: 400, on: 'write' })
  const { id } = await world.run('hr')
  const failed = await lines(id, 'failed')
  assert.equal(failed.length, 1)
  assert.equal(failed[0]?.content, '<hidden content>')
  for (const log of ['created', 'updated', 'deleted', 'skipped'])
    assert.deepEqual(await lines(id, log), [], log)
})

test('traces name entities; their content is logged for the next job only', async () => {
  await world.set('hr', { 'ips.trace.updated.entity': 'true', 'ips.trace.updated.entity.content': 'true' })
  await world.run('hr')
  const all = await world.run('hr', 'resync')
  const hidden = await lines(all.id, 'updated')
  assert.deepEqual(
    hidden.map(({ content }) => content),
    Array(3).fill('<hidden content>'),
  )
  const { properties } = (await world.api('GET', '/provisioning/systems/hr')).json<{
    properties: Record<string, string>
  }>()
  assert.equal(properties['ips.trace.updated.entity.content'], 'false')
  assert.equal(properties['ips.trace.updated.entity'], 'true')

  await world.set('hr', { 'ips.trace.updated.entity.content': 'true' })
  const shown = await lines((await world.run('hr', 'resync')).id, 'updated')
  assert.match(shown[0]?.content ?? '', /"userName":"user00000\d"/)
  assert.match(shown[0]?.message ?? '', /^updated as /)
})

test('what is secret in the content stays hidden', async () => {
  await hr.put('Users', { userName: 'with-password', password: 'pa55word-of-somebody' })
  await world.set('hr', {
    'ips.trace.created.entity': 'true',
    'ips.trace.created.entity.content': 'true',
    'ips.trace.failed.entity.content': 'true',
  })
  const { id } = await world.run('hr')
  const created = await lines(id, 'created')
  assert.match(created[0]?.content ?? '', /with-password/)
  assert.doesNotMatch(JSON.stringify(created), /pa55word-of-somebody/)
})

test('long content is cut, unless said otherwise', async () => {
  await hr.put('Users', { userName: 'long', displayName: 'x'.repeat(200_000) })
  const length = async () => {
    await world.set('hr', { 'ips.trace.created.entity.content': 'true' })
    const { id } = await world.run('hr')
    return (await lines(id, 'created')).find(({ content }) => content?.includes('xxx'))?.content?.length
  }
  assert.equal(await length(), 150_000)
  await world.set('hr', { 'ips.trace.entity.content.unlimited': 'true' })
  const long = (await cloud.list('Users')).find(({ userName }) => userName === 'long')!
  await cloud.remove('Users', long.id)
  await world.api('POST', '/provisioning/systems/hr/reset')
  assert.ok((await length())! > 200_000)
})

test('lines come in pages', async () => {
  const { id } = await world.run('hr', 'resync')
  const page = async (after: number) =>
    (await world.api('GET', `/provisioning/jobs/${id}/lines?log=updated&limit=2&after=${after}`)).json<{
      lines: Line[]
    }>().lines
  const first = await page(0)
  const second = await page(first.at(-1)!.position)
  assert.equal(first.length, 2)
  assert.equal(new Set([...first, ...second].map(({ entityId }) => entityId)).size, 4)
})
