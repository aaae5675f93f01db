import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { freshDatabase } from '../../support/postgres.ts'
import type { HeldKey } from '../../support/senders.ts'
import { type Answer, startTestServer, type TestServer } from '../../support/server.ts'
import { decisionOf } from '../worker/world.ts'
import { assertRefused, assertToken, claimsOf, newSigner, present, registered, signed } from './world.ts'

const usedBefore = /was used before: its jti counts once/

/** The same assertion twenty times at once: one is the first. */
async function assertOnce(server: TestServer, assertion: string): Promise<void> {
  const answers = await Promise.all(Array.from({ length: 20 }, () => present(server, assertion)))
  const count = (status: number) => answers.filter(answer => answer.status === status).length
  assert.deepEqual([count(200), count(401)], [1, 19])
}

const engines = { SQLite: async () => undefined, PostgreSQL: freshDatabase }

for (const [engine, place] of Object.entries(engines))
  describe(`an assertion counts once, on ${engine}`, () => {
    let database: Awaited<ReturnType<typeof place>>
    let server: TestServer
    const signer = newSigner()
    let key: HeldKey
    before(async () => {
      database = await place()
      server = await startTestServer(database ? { databaseUrl: database.url } : {})
      key = await registered(server, [signer])
    })
    after(async () => {
      await server.close()
      await database?.drop()
    })
    const fresh = (more = {}) => signed(signer, claimsOf(server, key.clientid, more))

    test('a second time it is refused, and the record says what to do', async () => {
      const assertion = fresh()
      assertToken(await present(server, assertion))
      const { hint } = await assertRefused(server, await present(server, assertion), usedBefore)
      assert.match(hint!, /--assertion-replay reported/)
    })

    test('the same jti in another assertion is the same jti', async () => {
      const jti = randomUUID()
      assertToken(await present(server, fresh({ jti })))
      await assertRefused(
        server,
        await present(server, fresh({ jti, exp: server.now() / 1000 + 300 })),
        usedBefore,
      )
    })

    test('the jti of one client is another one’s as well', async () => {
      const other = await registered(server, [signer])
      const jti = randomUUID()
      assertToken(await present(server, fresh({ jti })))
      const theirs = signed(signer, claimsOf(server, other.clientid, { jti }))
      assertToken(await present(server, theirs))
      await assertRefused(server, await present(server, theirs), usedBefore)
    })

    test('of twenty at once one gets a token', async () => {
      for (let round = 0; round < 5; round++) await assertOnce(server, fresh())
    })

    test('many different ones at once all get one, whatever fraction of a second they end at', async () => {
      const exp = (i: number) => server.now() / 1000 + 60 + i / 7
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => present(server, fresh(i % 2 ? { exp: exp(i) } : {}))),
      )
      for (const answer of answers) assertToken(answer)
    })

    test('what was refused for another reason is not used up', async () => {
      const jti = randomUUID()
      const now = server.now() / 1000
      for (const more of [{ exp: now - 100 }, { aud: 'https://attacker.example' }, { nbf: now + 500 }])
        assert.equal((await present(server, fresh({ jti, ...more }))).status, 401)
      assertToken(await present(server, fresh({ jti })))
    })

    test('where the instance says so, it is reported and accepted', async () => {
      const patient = await registered(server, [signer], { assertionReplay: 'reported' })
      const assertion = signed(signer, claimsOf(server, patient.clientid))
      for (let i = 0; i < 3; i++) assertToken(await present(server, assertion))
      const lines = server.log.filter(({ message }) => message === 'a client assertion was used again')
      assert.equal(lines.length, 2)
      assert.ok(lines.every(({ fields }) => fields.clientId === patient.clientid))
      // Everything else is checked as ever.
      const late = signed(signer, claimsOf(server, patient.clientid, { exp: server.now() / 1000 - 100 }))
      await assertRefused(server, await present(server, late), /it expired/)
    })
  })

test('it is remembered until nobody would take it any more', async t => {
  const server = await startTestServer()
  t.after(() => server.close())
  const signer = newSigner()
  const { clientid } = await registered(server, [signer])
  const exp = Math.floor(server.now() / 1000) + 600
  const assertion = signed(signer, claimsOf(server, clientid, { exp }))
  assertToken(await present(server, assertion))
  server.advance(655_000)
  await assertRefused(server, await present(server, assertion), usedBefore)
  server.advance(10_000)
  await assertRefused(server, await present(server, assertion), /it expired 6\d s ago/)
})

describe('where the jti cannot be written down', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let server: TestServer
  const signer = newSigner()
  before(async () => {
    database = await freshDatabase()
    server = await startTestServer({ databaseUrl: database.url })
  })
  after(async () => {
    await server.close()
    await database.drop()
  })

  const assertUnavailable = (answer: Answer) => {
    assert.equal(answer.status, 503, answer.text)
    assert.equal(answer.json().access_token, undefined)
  }

  test('nothing is accepted, and nothing is used up', async () => {
    const parameters = [{}, { assertionReplay: 'reported' }] as const
    const keys = await Promise.all(parameters.map(each => registered(server, [signer], each)))
    const admin = new Client({ connectionString: database.url })
    await admin.connect()
    const assertions = keys.map(key => signed(signer, claimsOf(server, key.clientid)))
    await admin.query('alter table one_time_ids rename to elsewhere')
    for (const assertion of assertions) {
      const answer = await present(server, assertion)
      assertUnavailable(answer)
      assert.match((await decisionOf({ server }, answer)).reason, /nobody knows whether it was used before/)
    }
    await admin.query('alter table elsewhere rename to one_time_ids')
    await admin.end()
    for (const assertion of assertions) assertToken(await present(server, assertion))
    await assertRefused(server, await present(server, assertions[0]!), usedBefore)
  })

  test('the database is gone: 503', async () => {
    const key = await registered(server, [signer])
    assertToken(await present(server, signed(signer, claimsOf(server, key.clientid))))
    await database.drop()
    assertUnavailable(await present(server, signed(signer, claimsOf(server, key.clientid))))
  })
})
