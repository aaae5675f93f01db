import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Client } from 'pg'
import { applicationsContract } from '../../../test/contracts/applications.ts'
import { certificatesContract } from '../../../test/contracts/certificates.ts'
import { identityContract } from '../../../test/contracts/identity.ts'
import { keystoreContract } from '../../../test/contracts/keystore.ts'
import { platformsContract } from '../../../test/contracts/platforms.ts'
import { registrationContract } from '../../../test/contracts/registration.ts'
import { anInstance, aTenant, type Place, silentLog, storeContract } from '../../../test/contracts/store.ts'
import { killContract } from '../../../test/contracts/store-kill.ts'
import { freshDatabase } from '../../../test/support/postgres.ts'
import { insertUpToSeven } from '../../../test/support/store-tasks.ts'
import { Problem } from '../../core/problem.ts'
import type { Change } from '../../core/store.ts'
import { openStore, type Store } from './open.ts'

async function database(): Promise<Place> {
  const { url, drop } = await freshDatabase()
  return { url, open: options => openStore({ url, log: silentLog, now: Date.now, ...options }), drop }
}

storeContract('PostgreSQL', database)
applicationsContract('PostgreSQL', database)
certificatesContract('PostgreSQL', database)
identityContract('PostgreSQL', database)
keystoreContract('PostgreSQL', database)
platformsContract('PostgreSQL', database)
registrationContract('PostgreSQL', database)
killContract('PostgreSQL', database)

/** Two nodes on one database. */
async function withTwoNodes(
  work: (one: Store, two: Store, place: Place) => Promise<void>,
  now: () => number = Date.now,
): Promise<void> {
  const place = await database()
  const nodes = await Promise.all([place.open(), place.open({ now })])
  try {
    await work(nodes[0], nodes[1], place)
  } finally {
    await Promise.all(nodes.map(node => node.close()))
    await place.drop()
  }
}

/** Resolves with the next change that the node hears of. */
const nextChange = (node: Store) => new Promise<Change | undefined>(resolve => node.changes.onChange(resolve))

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}

async function until(fact: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!fact()) {
    assert.ok(Date.now() < deadline, `not in time: ${fact}`)
    await turn()
  }
}

/** Ends the connections on which the two nodes listen. */
async function endListening(url: string, name = new URL(url).pathname.slice(1)): Promise<void> {
  const ended = await query(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = '${name}' and application_name = 'countersign changes'`,
  )
  assert.equal(ended.length, 2)
}

describe('PostgreSQL: nodes on one database', () => {
  it('may start on an empty database at the same time', async () => {
    const place = await database()
    const nodes = await Promise.all([1, 2, 3].map(() => place.open()))
    for (const node of nodes) await node.write(({ tenants }) => tenants.insert(aTenant()))
    assert.equal((await nodes[0]!.read.tenants.list()).length, 3)
    await Promise.all(nodes.map(node => node.close()))
    await place.drop()
  })

  it('hear of each other’s changes', async () => {
    await withTwoNodes(async (one, two) => {
      const tenant = aTenant()
      const change = nextChange(two)
      await one.write(({ tenants }) => tenants.insert(tenant))
      assert.deepEqual(await change, { kind: 'tenant', tenantId: tenant.id, id: tenant.id })
    })
  })

  it('hear of what was changed before their own commit first, and of nothing twice', async () => {
    await withTwoNodes(async (one, two) => {
      const heard: (string | undefined)[] = []
      two.changes.onChange(change => heard.push(change?.id))
      const tenants = Array.from({ length: 20 }, () => aTenant())
      for (const [i, tenant] of tenants.entries()) {
        await (i % 2 ? two : one).write(tables => tables.tenants.insert(tenant))
        if (i % 2)
          assert.deepEqual(
            heard,
            tenants.slice(0, i + 1).map(({ id }) => id),
          )
      }
    })
  })

  it('wait for each other’s transactions before they look at anything', async () => {
    await withTwoNodes(async (one, two) => {
      const order: string[] = []
      let other: Promise<unknown> | undefined
      await one.write(async ({ tenants }) => {
        order.push('one begins')
        other = two.write(async () => order.push('two begins'))
        // Time enough for the other one to begin, if it could.
        for (let i = 0; i < 50; i++) await tenants.list()
        order.push('one ends')
      })
      await other
      assert.deepEqual(order, ['one begins', 'one ends', 'two begins'])
    })
  })

  it('keep one limit together', async () => {
    await withTwoNodes(async (one, two) => {
      const tenant = aTenant()
      await one.write(({ tenants }) => tenants.insert(tenant))
      const writes = Array.from({ length: 40 }, (_, i) =>
        insertUpToSeven(i % 2 ? one : two, anInstance(tenant)),
      )
      const refused = (await Promise.all(writes)).filter(result => result instanceof Problem)
      assert.equal(refused.length, 33)
      assert.equal(await two.read.instances.count(tenant.id), 7)
    })
  })

  it('hear again after their connection was lost, of what happened meanwhile too', async () => {
    await withTwoNodes(async (one, two, { url }) => {
      await endListening(url)
      const tenant = aTenant()
      const change = nextChange(two)
      await one.write(({ tenants }) => tenants.insert(tenant))
      assert.deepEqual(await change, { kind: 'tenant', tenantId: tenant.id, id: tenant.id })
    })
  })

  it('acknowledge and announce their own commits while they hear nothing', async () => {
    await withTwoNodes(async (one, two, { url }) => {
      const heard: (string | undefined)[] = []
      two.changes.onChange(change => heard.push(change?.id))
      // Leaves it with a connection to write on; a new one to listen on is then refused.
      const [before, during, after] = [aTenant(), aTenant(), aTenant()]
      await two.write(({ tenants }) => tenants.insert(before))
      const server = new URL(url)
      const name = server.pathname.slice(1)
      server.pathname = '/postgres'
      const allowConnections = (yes: boolean) =>
        query(server.href, `alter database ${name} allow_connections ${yes}`)
      await allowConnections(false)
      await endListening(server.href, name)
      await two.write(({ tenants }) => tenants.insert(during))
      assert.deepEqual(heard, [before.id, during.id])
      await allowConnections(true)
      await one.write(({ tenants }) => tenants.insert(after))
      await until(() => heard.at(-1) === after.id)
    })
  })

  it('vouch for nothing after five seconds of silence, or when their clock was set back, until they hear again', async () => {
    let offset = 0
    await withTwoNodes(
      async (_, two) => {
        assert.equal(two.changes.upToDate(), true)
        for (const step of [5500, -60_000]) {
          offset += step
          assert.equal(two.changes.upToDate(), false)
          await until(() => two.changes.upToDate())
        }
        offset += 4000
        assert.equal(two.changes.upToDate(), true)
      },
      () => Date.now() + offset,
    )
  })

  for (const table of ['kysely_migration', 'journal_migration']) {
    it(`are refused when a newer program has migrated the database (${table})`, async () => {
      const place = await database()
      await (await place.open()).close()
      await query(place.url, `insert into ${table} values ('9999-future', '2999-01-01T00:00:00.000Z')`)
      await assert.rejects(place.open(), { name: 'SchemaTooNew', message: /newer Countersign .*9999-future/ })
      await query(place.url, `delete from ${table} where name = '9999-future'`)
      await (await place.open()).close()
      await place.drop()
    })
  }

  it('leave the number parser of other users of the driver alone', async () => {
    const place = await database()
    const node = await place.open()
    assert.deepEqual(await query(place.url, 'select 5::bigint as n'), [{ n: '5' }])
    await node.close()
    await place.drop()
  })
})
