import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { credentialsOf, guid, type Platform, platformBySecret, platformRoles } from '../osb/world.ts'
import { type ServerProcess, type ServiceKey, startServer, temporaryDirectory } from './support.ts'

/** Connections go to the processes in turn: so many reach each of them. */
const connections = 12

describe('a platform that did not hear the answer asks again', () => {
  const dataDir = join(temporaryDirectory(), 'data')
  const parameters = { 'key-type': 'certificate', 'key-length': 256 }
  const [instance, bySecret, byCertificate] = [guid(), guid(), guid()]
  let server: ServerProcess
  let key: ServiceKey
  let platform: Platform
  const start = async () => {
    server = await startServer({ dataDir, env: { COUNTERSIGN_WORKERS: '2' } })
  }
  const told: string[] = []
  before(async () => {
    await start()
    await server.admin('POST', '/instances', {
      name: 'cf',
      plan: 'api',
      parameters: { roles: platformRoles },
    })
    key = await server.admin<ServiceKey>('POST', '/instances/cf/keys', { name: 'platform' })
    platform = platformBySecret(server, key)
    await platform.provision(instance)
  })
  after(() => server.stop())

  const askBoth = async () => [
    await platform.bind(instance, bySecret),
    await platform.bind(instance, byCertificate, { parameters }),
  ]

  test('every process gives the same credentials', async () => {
    for (const answer of await askBoth()) {
      assert.equal(answer.status, 201)
      told.push(JSON.stringify(credentialsOf(answer)))
    }
    for (let i = 0; i < connections; i++)
      for (const [which, answer] of (await askBoth()).entries()) {
        assert.equal(answer.status, 200)
        assert.equal(JSON.stringify(credentialsOf(answer)), told[which])
      }
  })

  test('so do several that are asked for a new one at once', async () => {
    const id = guid()
    const answers = await Promise.all(Array.from({ length: 8 }, () => platform.bind(instance, id)))
    assert.deepEqual(
      answers.map(({ status }) => status).sort(),
      Array.from({ length: 8 }, (_, i) => (i < 7 ? 200 : 201)),
    )
    assert.equal(new Set(answers.map(answer => credentialsOf(answer).clientsecret)).size, 1)
  })

  test('and a server that was killed and started again', async () => {
    await server.kill()
    await start()
    platform = platformBySecret(server, key)
    for (const [which, answer] of (await askBoth()).entries()) {
      assert.equal(answer.status, 200)
      assert.equal(JSON.stringify(credentialsOf(answer)), told[which])
    }
  })
})
