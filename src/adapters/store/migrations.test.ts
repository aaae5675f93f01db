import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { Client } from 'pg'
import { aTenant, silentLog } from '../../../test/contracts/store.ts'
import { freshDatabase } from '../../../test/support/postgres.ts'
import { storeMigrations } from './migrations/index.ts'
import { openStore, type Store } from './open.ts'

const fixtures = new URL('../../../test/fixtures/schema/', import.meta.url)
const landed = readdirSync(fixtures).flatMap(file => /^(\d{4})\.sqlite\.sql$/.exec(file)?.[1] ?? [])
const dump = (name: string) => readFileSync(new URL(`${name}.sql`, fixtures), 'utf8')

const open = (url: string) => openStore({ url, log: silentLog, now: Date.now })

/** The rows that every fixture holds can be read, and new ones written. */
async function assertUsable(store: Store): Promise<void> {
  const [tenant] = await store.read.tenants.list()
  assert.deepEqual([tenant?.name, tenant?.aliases], ['default', ['a.example']])
  const client = await store.read.clients.byClientId('tenant-1', 'sb-1')
  assert.deepEqual(
    [client?.keyName, client?.roles, client?.bindTokens, client?.secretDigest?.toString('hex')],
    ['sender', new Set(['ESBMessaging.send', 'Another']), true, '00ff80'],
  )
  assert.equal(await store.oneTimeIds.claim('one-time-2', 1), true)
  assert.equal((await store.read.roles.find('tenant-1', 'ORDERS.SEND'))?.name, 'Orders.Send')
  assert.equal((await store.read.innerKeys.list())[0]?.purpose, 'pepper')
  assert.equal((await store.read.flows.find('tenant-1', 'orders'))?.definition, '{"id":"orders"}')
  assert.equal((await store.journal.messages('tenant-1', { limit: 5 }))[0]?.id, 'message-1')
  assert.deepEqual(await store.journal.lastUsed(['key-1']), new Map([['key-1', 5]]))
  await store.write(({ tenants }) => tenants.insert(aTenant({ number: 99 })))
}

/** Certificates came with 0002. */
async function assertCertificates({ read }: Store): Promise<void> {
  assert.equal((await read.clients.byCertificate('tenant-1', 'thumbprint-1'))?.clientId, 'sb-1')
  assert.equal((await read.authorities.list('tenant-1'))[0]?.activeFrom, 2)
  assert.equal((await read.issued.bySerial('root-1', '0a'))?.reason, 'superseded')
  assert.equal((await read.keyMatches.find('tenant-1', ['digest-1']))[0]?.kind, 'names')
  assert.equal((await read.trust.list('tenant-1'))[0]?.revocation, 'hard')
}

/** Assertions came with 0003. */
async function assertAssertions({ read, oneTimeIds }: Store): Promise<void> {
  const client = await read.clients.byClientId('tenant-1', 'sb-2')
  assert.deepEqual([client?.assertionAudience, client?.assertionReplay], ['token-endpoint', 'reported'])
  assert.equal((await read.keySets.find('key-2'))?.jwks, '{"keys":[]}')
  assert.equal(await oneTimeIds.claim('one-time-1', 4_102_444_800_123), false)
}

/** What platforms know came with 0004. */
async function assertPlatforms({ read: { platforms } }: Store): Promise<void> {
  assert.equal((await platforms.instance('tenant-1', 'platform-instance-1'))?.organization, 'org-1')
  assert.equal((await platforms.binding('instance-1', 'platform-binding-1'))?.credentialId, 'key-1')
  assert.equal((await platforms.answer('key-1'))?.keepUntil, 4_102_444_800_123)
}

/** Registered clients came with 0005. */
async function assertRegisteredClients({ read }: Store): Promise<void> {
  const client = await read.clients.byClientId('tenant-1', 'erp')
  assert.deepEqual(
    [client?.credentialId, client?.generation, client?.tokenValidity, client?.registration?.disabled],
    ['registered-1', 2, 15_552_000, false],
  )
  assert.deepEqual([...client!.roles], ['ESBMessaging.send'])
  assert.match(client!.registration!.chosenSecret!, /^\$argon2id\$/)
}

/** Applications came with 0006. */
async function assertApplications({ read }: Store): Promise<void> {
  const client = await read.clients.byClientId('tenant-1', 'guid-app-1')
  assert.deepEqual(
    [client?.credentialId, client?.application?.certificates.length, client?.application?.secrets.length],
    ['app-1', 1, 1],
  )
  assert.deepEqual(await read.applications.rolesAt('app-1', 'app-1'), ['Orders.Read'])
}

/** The keystore came with 0008. */
async function assertKeystore({ read: { keystore } }: Store): Promise<void> {
  assert.equal((await keystore.find('tenant-1', 'erp'))?.chain[0]?.toString('hex'), '00ff80')
}

/** Security material came with 0009. */
async function assertMaterial({ read: { material } }: Store): Promise<void> {
  assert.equal((await material.find('tenant-1', 'erp'))?.keystoreAlias, 'ERP')
}

/** Provisioning came with 0010. */
async function assertProvisioning({ read: { systems, jobs, entities } }: Store): Promise<void> {
  assert.deepEqual((await systems.find('tenant-1', 'hr'))?.readTransformation, { user: { mappings: [] } })
  assert.equal((await jobs.lines('job-1', 'failed', 0, 10))[0]?.message, 'refused')
  assert.equal((await entities.find('system-1', 'user', ['user-1']))[0]?.existed, true)
}

/** The identity service came with 0011. */
async function assertIdentity(store: Store): Promise<void> {
  const { identity, sessions } = store.read
  assert.equal((await identity.find('tenant-1', 'mapping-rule', 'rule-1'))?.content.claimName, 'roles')
  assert.equal((await identity.memberships('tenant-1'))[0]?.memberId, 'rule-1')
  assert.equal((await sessions.find('digest-1'))?.expiresAt, 2)
  assert.equal(await store.write(tables => tables.identity.nextKey('tenant-1')), 2)
}

/** What is about to be created came with 0012. */
async function assertIntents({ read: { entities } }: Store): Promise<void> {
  assert.deepEqual(await entities.intents('system-1'), [
    { targetId: 'system-2', entityType: 'user', begunAt: 1, ids: ['user-3', 'user-4'] },
  ])
}

describe('every schema that has landed', () => {
  it('is kept as a fixture', () => {
    assert.deepEqual(
      landed,
      Object.keys(storeMigrations.steps).map(name => name.slice(0, 4)),
    )
  })

  for (const name of landed) {
    it(`${name}: becomes today’s on SQLite, with its rows`, async () => {
      const schemaOf = (directory: string) =>
        ['countersign.db', 'journal.db'].map(file => {
          const database = new Database(join(directory, file), { readonly: true })
          const schema = database
            .prepare(`select type, name, sql from sqlite_master order by type, name`)
            .all()
          database.close()
          return schema
        })
      const directories = ['old', 'new'].map(age => mkdtempSync(join(tmpdir(), `countersign-${age}-`)))
      const [old, fresh] = directories as [string, string]
      new Database(join(old, 'countersign.db')).exec(dump(`${name}.sqlite`)).close()
      new Database(join(old, 'journal.db')).exec(dump(`${name}.sqlite-journal`)).close()
      const store = await open(`sqlite:${old}`)
      await assertUsable(store)
      if (name >= '0002') await assertCertificates(store)
      if (name >= '0003') await assertAssertions(store)
      if (name >= '0004') await assertPlatforms(store)
      if (name >= '0005') await assertRegisteredClients(store)
      if (name >= '0006') await assertApplications(store)
      if (name >= '0008') await assertKeystore(store)
      if (name >= '0009') await assertMaterial(store)
      if (name >= '0010') await assertProvisioning(store)
      if (name >= '0011') await assertIdentity(store)
      if (name >= '0012') await assertIntents(store)
      await store.close()
      await (await open(`sqlite:${fresh}`)).close()
      assert.deepEqual(schemaOf(old), schemaOf(fresh))
      for (const directory of directories) rmSync(directory, { recursive: true })
    })

    it(`${name}: becomes today’s on PostgreSQL, with its rows`, async () => {
      const connected = async <Result>(url: string, work: (client: Client) => Promise<Result>) => {
        const client = new Client({ connectionString: url })
        await client.connect()
        const result = await work(client)
        await client.end()
        return result
      }
      const schemaOf = (url: string) =>
        connected(url, async client => {
          const queries = [
            `select table_name, column_name, data_type, collation_name, is_nullable, is_identity
             from information_schema.columns where table_schema = 'public' order by 1, 2`,
            `select indexdef from pg_indexes where schemaname = 'public' order by 1`,
            `select conrelid::regclass::text as table, pg_get_constraintdef(oid) as rule
             from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2`,
          ]
          const facts = []
          for (const query of queries) facts.push((await client.query(query)).rows)
          return facts
        })
      const [old, fresh] = await Promise.all([freshDatabase(), freshDatabase()])
      await connected(old.url, client => client.query(dump(`${name}.postgres`)))
      const store = await open(old.url)
      await assertUsable(store)
      if (name >= '0002') await assertCertificates(store)
      if (name >= '0003') await assertAssertions(store)
      if (name >= '0004') await assertPlatforms(store)
      if (name >= '0005') await assertRegisteredClients(store)
      if (name >= '0006') await assertApplications(store)
      if (name >= '0008') await assertKeystore(store)
      if (name >= '0009') await assertMaterial(store)
      if (name >= '0010') await assertProvisioning(store)
      if (name >= '0011') await assertIdentity(store)
      if (name >= '0012') await assertIntents(store)
      await store.close()
      await (await open(fresh.url)).close()
      assert.deepEqual(await schemaOf(old.url), await schemaOf(fresh.url))
      await Promise.all([old.drop(), fresh.drop()])
    })
  }
})
