import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { freshDatabase } from '../../support/postgres.ts'
import { type Answer, basic, startTestServer, type TestServer } from '../../support/server.ts'
import { claimsOf, newSigner, signed } from '../assertions/world.ts'
import { jwtBearer } from '../entra/world.ts'
import { decisionOf } from '../worker/world.ts'

const engines = { SQLite: async () => undefined, PostgreSQL: freshDatabase }

for (const [engine, place] of Object.entries(engines))
  describe(`characters that a database cannot store, on ${engine}`, () => {
    let database: Awaited<ReturnType<typeof place>>
    let server: TestServer
    before(async () => {
      database = await place()
      server = await startTestServer(database ? { databaseUrl: database.url } : {})
    })
    after(async () => {
      await server.close()
      await database?.drop()
    })
    const post = (path: string, body: Record<string, string>, headers = {}): Promise<Answer> =>
      server.call(path, { method: 'POST', body: { grant_type: 'client_credentials', ...body }, headers })

    /** Ways to name a client that say nothing proven yet. */
    const ways: Record<string, (id: string) => Promise<Answer>> = {
      'client_id in the body': id => post('/oauth/token', { client_id: id, client_secret: 'x' }),
      'HTTP Basic': id =>
        post('/oauth/token', {}, { Authorization: basic({ clientid: id, clientsecret: 'x' }) }),
      'an assertion': id => {
        const client_assertion = signed(newSigner(), claimsOf(server, id))
        return post('/oauth/token', { client_assertion_type: jwtBearer, client_assertion })
      },
      'an address of Neo': id =>
        post('/oauth2/api/v1/token', {}, { Authorization: basic({ clientid: id, clientsecret: 'x' }) }),
      'an address of Entra': id =>
        post('/default/oauth2/v2.0/token', { client_id: id, client_secret: 'x', scope: 'a/.default' }),
    }
    for (const [way, ask] of Object.entries(ways))
      test(`in the id of a client that nobody knows are like any others: ${way}`, async () => {
        const [strange, unknown] = [await ask('\0no\0body'), await ask('nobody')]
        assert.equal(unknown.json().error, strange.json().error)
        assert.equal(strange.status, unknown.status)
        assert.ok(strange.status < 500, strange.text)
      })

    test('leave no error in the log, and decision records of their own', async () => {
      assert.deepEqual(
        server.log.filter(({ level }) => level === 'error').map(({ message }) => message),
        [],
      )
      const answer = await ways['client_id in the body']!('\0')
      await server.server.services.journal.flush()
      const id = String(answer.headers['x-correlation-id'])
      assert.ok(await server.server.services.journal.findDecision(server.tenant.id, id))
    })

    test('are told to an operator who wants to store them', async () => {
      const headers = { Authorization: `Bearer ${await server.adminToken('UserRolesEdit')}` }
      const body = JSON.stringify({ name: 'reader', description: 'a\0b' })
      const answer = await server.call('/admin/v1/roles', {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body,
      })
      assert.equal(answer.status, 400, answer.text)
      const { reason } = await decisionOf({ server }, answer)
      assert.match(reason, /cannot be stored/)
    })
  })
