import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { freshDatabase } from '../../../../test/support/postgres.ts'
import { limited, poolConfig } from './pool.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let pool: pg.Pool
before(async () => {
  database = await freshDatabase()
  pool = new pg.Pool({ ...(await poolConfig(database.url)), max: 1 })
})
after(async () => {
  await pool.end()
  await database.drop()
})

test('a query that gets no answer within its limit fails, and its connection is not used again', async () => {
  const client = await limited(pool, 100).connect()
  const begun = Date.now()
  const silent = { message: 'Query read timeout' }
  await assert.rejects(client.query('select pg_sleep(30)', []), silent)
  // Whoever goes on with it, such as a rollback, would wait behind the query that was given up.
  await assert.rejects(client.query('select 1', []), silent)
  client.release()
  const next = await limited(pool, 10_000).connect()
  assert.deepEqual((await next.query('select $1::int as n', [4])).rows, [{ n: 4 }])
  next.release()
  assert.ok(Date.now() - begun < 5000)
})

test('a connection whose query was refused is used again', async () => {
  const pidOf = async () => {
    const client = await limited(pool, 10_000).connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', [])
    await assert.rejects(client.query('select nothing', []), /column "nothing" does not exist/)
    client.release()
    return rows[0]?.pid
  }
  assert.equal(await pidOf(), await pidOf())
})
