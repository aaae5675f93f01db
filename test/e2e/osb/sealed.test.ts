import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { forgetAnswers } from '../../../src/core/broker/osb/index.ts'
import { type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { bytesOf } from '../admin/world.ts'
import { credentialsOf, guid, type Platform, platformBySecret, platformRoles } from './world.ts'

const directory = mkdtempSync(join(tmpdir(), 'countersign-osb-'))
const masterKey = randomBytes(32)
const running: TestServer[] = []
after(async () => {
  for (const server of running) await server.close()
  rmSync(directory, { recursive: true })
})
async function start(): Promise<TestServer> {
  const server = await startTestServer({ databaseUrl: `sqlite:${directory}`, masterKey })
  running.push(server)
  return server
}
async function stop(server: TestServer): Promise<void> {
  running.splice(running.indexOf(server), 1)
  await server.close()
}

const minute = 60_000
const certificate = { parameters: { 'key-type': 'certificate', 'key-length': 256 } }
const instance = guid()
const answersOf = ({ server }: TestServer, time = Number.MAX_SAFE_INTEGER) =>
  server.store.read.platforms.hasAnswersUntil(time)

let server = await start()
const key: SentKey = await server.sender({ plan: 'api', parameters: { roles: platformRoles } })
const platform = (): Platform => platformBySecret(server, key)
await platform().provision(instance)

test('after a restart the same request gets the same credentials, and past ten minutes none', async () => {
  const ids = [guid(), guid()] as const
  const made = [await platform().bind(instance, ids[0]), await platform().bind(instance, ids[1], certificate)]
  await stop(server)
  server = await start()
  const again = [
    await platform().bind(instance, ids[0]),
    await platform().bind(instance, ids[1], certificate),
  ]
  assert.deepEqual(
    again.map(({ status }) => status),
    [200, 200],
  )
  assert.deepEqual(
    again.map(answer => credentialsOf(answer)),
    made.map(answer => credentialsOf(answer)),
  )
  // The port is another one since.
  const here = { ...credentialsOf(again[0]!), tokenurl: `${server.url}/oauth/token` }
  assert.ok(await server.token(here))
  server.advance(10 * minute)
  assert.equal((await platform().bind(instance, ids[0])).status, 409)
})

test('no secret and no private key can be read in the files of the store', async () => {
  const { clientsecret } = credentialsOf(await platform().bind(instance, guid()))
  const { key: privateKey } = credentialsOf(await platform().bind(instance, guid(), certificate))
  const der = Buffer.from(privateKey.replace(/-----.*?-----|\s/g, ''), 'base64')
  const files = bytesOf(directory)
  assert.ok(await answersOf(server), 'there is something to be read')
  assert.ok(files.includes(instance), 'the files that are searched are the right ones')
  for (const text of [clientsecret, privateKey, 'PRIVATE KEY', ...privateKey.split('\n').slice(1, 4)])
    assert.ok(text === '' || !files.includes(text))
  for (const form of [der, der.subarray(36, 68), der.toString('hex'), der.toString('base64url')])
    assert.ok(!files.includes(form))
})

test('a sealed answer opens for its own binding only', async () => {
  const { store, vault } = server.server.services
  const [one, two] = [guid(), guid()]
  for (const id of [one, two]) await platform().bind(instance, id)
  const { instanceId } = (await store.read.platforms.instance(server.tenant.id, instance))!
  const [first, second] = await Promise.all(
    [one, two].map(async id => (await store.read.platforms.binding(instanceId, id))!.credentialId),
  )
  const { sealed } = (await store.read.platforms.answer(first!))!
  const context = (credentialId: string) => `countersign osb answer ${server.tenant.id} ${credentialId}`
  assert.match(vault.open(context(first!), sealed).toString(), /clientsecret/)
  assert.throws(() => vault.open(context(second!), sealed))
})

test('what was kept is gone after its time, and with its key; nothing is written when there is nothing', async () => {
  const { services } = server.server
  server.advance(11 * minute)
  await forgetAnswers(services)
  assert.equal(await answersOf(server), false)
  const id = guid()
  await platform().bind(instance, id)
  await forgetAnswers(services)
  assert.equal(await answersOf(server), true, 'not before its time')
  const { keys } = services.store.read
  const { instanceId } = (await services.store.read.platforms.instance(server.tenant.id, instance))!
  const made = (await keys.find(instanceId, id))!
  await services.store.write(tables => tables.keys.delete(made))
  assert.equal(await answersOf(server), false)
})
