import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Store, StoreOptions } from '../../src/adapters/store/open.ts'
import type { AuthorityCertificate, IssuedCertificate } from '../../src/core/authority/index.ts'
import type { Instance, Role, ServiceKey } from '../../src/core/broker/store.ts'
import type { DecisionRecord } from '../../src/core/explain/decision.ts'
import type { Message } from '../../src/core/flows/store.ts'
import { Problem } from '../../src/core/problem.ts'
import type { Change } from '../../src/core/store.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import type { Revocation, TenantKey } from '../../src/core/tokens/store.ts'
import { openVault, rewrapVault, WrongMasterKey } from '../../src/core/vault.ts'

/** An empty database that a store can be opened on, again and again. */
export interface Place {
  readonly url: string
  open(options?: Partial<StoreOptions>): Promise<Store>
  drop(): Promise<void>
}

export const silentLog = { debug() {}, info() {}, warn() {}, error() {} }

export const someId = () => randomBytes(16).toString('base64url')

/** Later than 32 bits of milliseconds or seconds reach. */
const someTime = 4_102_444_800_123

let tenantNumber = 0

export function aTenant(more: Partial<Tenant> = {}): Tenant {
  const id = someId()
  tenantNumber++
  const name = `tenant-${tenantNumber}-${id}`
  const { createdAt, signingAlgorithm } = { createdAt: someTime, signingAlgorithm: 'ES256' } as const
  return {
    id,
    name,
    guid: someId(),
    number: tenantNumber,
    aliases: ['a.example'],
    signingAlgorithm,
    selfSigned: false,
    createdAt,
    ...more,
  }
}

export function anInstance({ id: tenantId }: { id: string }, more: Partial<Instance> = {}): Instance {
  return {
    id: someId(),
    tenantId,
    name: `instance ${someId()}`,
    plan: 'integration-flow',
    dialect: 'standard',
    roles: ['ESBMessaging.send', 'Another'],
    grantTypes: ['client_credentials'],
    redirectUris: ['https://a.example/?x=%20'],
    tokenValidity: 3600,
    tokenFormat: 'jwt',
    bindTokens: true,
    certificateOverlap: 7,
    assertionAudience: 'issuer',
    assertionReplay: 'refused',
    createdAt: someTime,
    updatedAt: someTime + 1,
    ...more,
  }
}

export function aKey(
  instance: Pick<Instance, 'id' | 'tenantId'>,
  more: Partial<ServiceKey> = {},
): ServiceKey {
  return {
    id: someId(),
    tenantId: instance.tenantId,
    instanceId: instance.id,
    name: `key ${someId()}`,
    type: 'secret',
    clientId: `sb-${someId()}`,
    generation: 0,
    secretDigest: randomBytes(32),
    previousSecretDigest: undefined,
    previousSecretUntil: undefined,
    pinned: true,
    validityDays: undefined,
    createdAt: someTime,
    expiresAt: undefined,
    ...more,
  }
}

function aRole({ id: tenantId }: Tenant, name: string): Role {
  return { tenantId, name, description: 'what it is for', createdAt: someTime }
}

function aTenantKey({ id: tenantId }: Tenant, more: Partial<TenantKey> = {}): TenantKey {
  const key = { id: someId(), tenantId, use: 'sig', algorithm: 'ES256', publicJwk: '{"kty":"EC"}' } as const
  return {
    ...key,
    sealed: randomBytes(48),
    createdAt: someTime,
    activeFrom: someTime,
    retireAt: undefined,
    ...more,
  }
}

function aRevocation({ id: tenantId }: Tenant, more: Partial<Revocation> = {}): Revocation {
  return { tenantId, tokenId: someId(), credentialId: someId(), keepUntil: someTime, ...more }
}

export function aMessage({ id: tenantId }: { id: string }, more: Partial<Message> = {}): Message {
  return {
    id: someId(),
    tenantId,
    flowId: 'orders',
    correlationId: someId(),
    callerCorrelationId: undefined,
    status: 'FAILED',
    httpStatus: 502,
    receiverStatus: undefined,
    sender: 'sb-1',
    method: 'POST',
    startedAt: Date.now(),
    endedAt: Date.now(),
    error: 'the receiver "did not" answer',
    ...more,
  }
}

function aDecision({ id: tenantId }: Tenant, more: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    id: someId(),
    tenantId,
    at: Date.now(),
    callerCorrelationId: 'caller-1',
    surface: 'token',
    method: 'POST',
    path: '/oauth/token',
    source: '127.0.0.1',
    listener: 'public',
    status: 401,
    code: 'invalid_client',
    reason: 'the secret is wrong',
    hint: undefined,
    clientId: 'sb-1',
    credentialId: undefined,
    checks: [
      { name: 'client', outcome: 'passed' },
      { name: 'secret', outcome: 'failed' },
    ],
    ...more,
  }
}

function anAuthority({ id: tenantId }: Tenant): AuthorityCertificate {
  return {
    id: someId(),
    tenantId,
    role: 'issuing',
    issuerId: undefined,
    der: randomBytes(9),
    sealedKey: randomBytes(9),
    createdAt: someTime,
    activeFrom: someTime,
    retireAt: undefined,
  }
}

function aCertificate(
  { id: authorityId, tenantId }: AuthorityCertificate,
  more: Partial<IssuedCertificate> = {},
): IssuedCertificate {
  return {
    tenantId,
    authorityId,
    serial: randomBytes(20).toString('hex'),
    thumbprint: someId(),
    credentialId: someId(),
    subject: 'CN=sender',
    notBefore: someTime,
    notAfter: someTime,
    createdAt: someTime,
    revokedAt: undefined,
    reason: undefined,
    ...more,
  }
}

/** Every promise of the core's tables, transactions, change feed and journal, stated once for all engines. */
export function storeContract(name: string, makePlace: () => Promise<Place>): void {
  describe(`${name}: a store`, () => {
    let place: Place
    let store: Store
    before(async () => {
      place = await makePlace()
      store = await place.open()
    })
    after(async () => {
      await store.close()
      await place.drop()
    })

    async function newTenant(more: Partial<Tenant> = {}): Promise<Tenant> {
      const tenant = aTenant(more)
      await store.write(({ tenants }) => tenants.insert(tenant))
      return tenant
    }
    async function newInstance(tenant: Tenant, more: Partial<Instance> = {}): Promise<Instance> {
      const instance = anInstance(tenant, more)
      await store.write(({ instances }) => instances.insert(instance))
      return instance
    }
    async function newKey(instance: Instance, more: Partial<ServiceKey> = {}): Promise<ServiceKey> {
      const key = aKey(instance, more)
      await store.write(({ keys }) => keys.insert(key))
      return key
    }
    /** What is announced while `work` runs. */
    async function announced(work: () => Promise<unknown>): Promise<(Change | undefined)[]> {
      const heard: (Change | undefined)[] = []
      let listening = true
      store.changes.onChange(change => {
        if (listening) heard.push(change)
      })
      await work()
      listening = false
      return heard
    }
    async function withOwnPlace(
      options: Partial<StoreOptions>,
      work: (own: Store) => Promise<void>,
    ): Promise<void> {
      const own = await makePlace()
      const opened = await own.open(options)
      try {
        await work(opened)
      } finally {
        await opened.close()
        await own.drop()
      }
    }

    describe('tenants', () => {
      it('are listed by number, with everything that was stored', async () => {
        const second = aTenant({ number: 1_000_002, aliases: [] })
        const first = aTenant({ number: 1_000_001, aliases: ['ä.example', 'b "quoted"'] })
        await store.write(async ({ tenants }) => {
          await tenants.insert(second)
          await tenants.insert(first)
        })
        const listed = (await store.read.tenants.list()).filter(({ number }) => number > 1_000_000)
        assert.deepEqual(listed, [first, second])
      })
      it('change their signing algorithm', async () => {
        const { id } = await newTenant()
        await store.write(({ tenants }) => tenants.setSigningAlgorithm(id, 'EdDSA'))
        const tenant = (await store.read.tenants.list()).find(tenant => tenant.id === id)
        assert.equal(tenant?.signingAlgorithm, 'EdDSA')
      })
      for (const member of ['name', 'guid', 'number'] as const) {
        it(`cannot share a ${member}`, async () => {
          const tenant = await newTenant()
          const other = aTenant({ [member]: tenant[member] })
          await assert.rejects(store.write(({ tenants }) => tenants.insert(other)))
        })
      }
      it('take everything with them when they are deleted, and nothing of another tenant', async () => {
        const [gone, kept] = [await newTenant(), await newTenant()]
        const rows = async ({ id }: Tenant) => ({
          instances: await store.read.instances.list(id),
          keys: await Promise.all(
            (await store.read.instances.list(id)).map(({ id }) => store.read.keys.list(id)),
          ),
          roles: await store.read.roles.list(id),
          tenantKeys: await store.read.tenantKeys.list(id),
          revocations: await store.read.revocations.list(id),
          flows: await store.read.flows.list(id),
        })
        const clientIds = new Map<Tenant, string>()
        for (const tenant of [gone, kept]) {
          const key = await newKey(await newInstance(tenant))
          clientIds.set(tenant, key.clientId)
          await store.write(async tables => {
            await tables.roles.insert(aRole(tenant, 'Some.role'))
            await tables.tenantKeys.insert(aTenantKey(tenant))
            await tables.revocations.insert(aRevocation(tenant))
            await tables.flows.put({ tenantId: tenant.id, id: 'f', definition: '{}', deployedAt: someTime })
          })
        }
        const before = await rows(kept)
        await store.write(({ tenants }) => tenants.delete(gone.id))
        assert.deepEqual(Object.values(await rows(gone)), [[], [], [], [], [], []])
        assert.deepEqual(await rows(kept), before)
        assert.equal(await store.read.clients.byClientId(gone.id, clientIds.get(gone)!), undefined)
        assert.ok(await store.read.clients.byClientId(kept.id, clientIds.get(kept)!))
      })
    })

    describe('inner keys', () => {
      const context = { now: () => someTime, random: randomBytes, log: silentLog }
      it('are made once, open again under their master key only, and can be wrapped anew', async () => {
        const [master, next] = [randomBytes(32), randomBytes(32)]
        const vault = await openVault(store, master, context)
        assert.deepEqual((await openVault(store, master, context)).pepper, vault.pepper)
        await assert.rejects(openVault(store, next, context), WrongMasterKey)
        await rewrapVault(store, master, next, context)
        assert.deepEqual((await openVault(store, next, context)).pepper, vault.pepper)
        await assert.rejects(openVault(store, master, context), WrongMasterKey)
      })
      it('cannot be made twice for one purpose', async () => {
        const key = () => ({ id: someId(), purpose: 'one', sealed: randomBytes(9), createdAt: someTime })
        await store.write(({ innerKeys }) => innerKeys.insert(key()))
        await assert.rejects(store.write(({ innerKeys }) => innerKeys.insert(key())))
      })
    })

    describe('tenant keys', () => {
      it('are listed with everything, retired and deleted', async () => {
        const tenant = await newTenant()
        const first = aTenantKey(tenant)
        const second = aTenantKey(tenant, {
          use: 'enc',
          publicJwk: undefined,
          createdAt: someTime + 1,
          retireAt: 7,
        })
        await store.write(async ({ tenantKeys }) => {
          await tenantKeys.insert(second)
          await tenantKeys.insert(first)
        })
        assert.deepEqual(await store.read.tenantKeys.list(tenant.id), [first, second])
        await store.write(({ tenantKeys }) => tenantKeys.setRetireAt(tenant.id, first.id, someTime + 9))
        await store.write(({ tenantKeys }) => tenantKeys.delete(tenant.id, second.id))
        assert.deepEqual(await store.read.tenantKeys.list(tenant.id), [{ ...first, retireAt: someTime + 9 }])
      })
      it('of one tenant are not another one’s', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        const key = aTenantKey(tenant)
        await store.write(({ tenantKeys }) => tenantKeys.insert(key))
        await store.write(({ tenantKeys }) => tenantKeys.delete(other.id, key.id))
        assert.deepEqual(await store.read.tenantKeys.list(other.id), [])
        assert.deepEqual(await store.read.tenantKeys.list(tenant.id), [key])
      })
    })

    describe('revocations', () => {
      it('are kept once however often they are inserted', async () => {
        const tenant = await newTenant()
        const revocation = aRevocation(tenant)
        for (const keepUntil of [someTime, someTime + 5]) {
          await store.write(({ revocations }) => revocations.insert({ ...revocation, keepUntil }))
        }
        assert.deepEqual(await store.read.revocations.list(tenant.id), [revocation])
        assert.equal(await store.read.revocations.count(revocation.credentialId), 1)
      })
      it('go with their credential or with time', async () => {
        const tenant = await newTenant()
        const [mine, old, kept] = [
          aRevocation(tenant),
          aRevocation(tenant, { keepUntil: 999 }),
          aRevocation(tenant),
        ]
        await store.write(async ({ revocations }) => {
          for (const revocation of [mine, old, kept]) await revocations.insert(revocation)
        })
        await store.write(({ revocations }) => revocations.deleteOf(mine.credentialId))
        assert.equal(await store.read.revocations.count(mine.credentialId), 0)
        await store.write(({ revocations }) => revocations.deleteOlderThan(1000))
        assert.deepEqual(await store.read.revocations.list(tenant.id), [kept])
      })
    })

    describe('roles', () => {
      it('are found, described, refused and deleted without regard to case', async () => {
        const tenant = await newTenant()
        const role = aRole(tenant, 'Orders.Send')
        await store.write(({ roles }) => roles.insert(role))
        assert.deepEqual(await store.read.roles.find(tenant.id, 'orders.SEND'), role)
        await assert.rejects(store.write(({ roles }) => roles.insert(aRole(tenant, 'ORDERS.send'))))
        await store.write(({ roles }) => roles.setDescription(tenant.id, 'orders.send', 'new'))
        assert.deepEqual(await store.read.roles.list(tenant.id), [{ ...role, description: 'new' }])
        await store.write(({ roles }) => roles.delete(tenant.id, 'ORDERS.SEND'))
        assert.equal(await store.read.roles.find(tenant.id, 'Orders.Send'), undefined)
      })
      it('of the same name exist in two tenants', async () => {
        const [one, two] = [await newTenant(), await newTenant()]
        await store.write(async ({ roles }) => {
          await roles.insert(aRole(one, 'Same'))
          await roles.insert(aRole(two, 'Same'))
        })
        assert.deepEqual(await store.read.roles.list(two.id), [aRole(two, 'Same')])
      })
    })

    describe('instances', () => {
      it('are listed by name, in code point order', async () => {
        const tenant = await newTenant()
        for (const name of ['b', 'ä', 'B', 'a b', 'a']) await newInstance(tenant, { name })
        const names = (await store.read.instances.list(tenant.id)).map(({ name }) => name)
        assert.deepEqual(names, ['B', 'a', 'a b', 'b', 'ä'])
        assert.equal(await store.read.instances.count(tenant.id), 5)
      })
      it('are found by exact name or by id, in their tenant only', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        const instance = await newInstance(tenant, { name: 'Orders' })
        const find = (of: Tenant, nameOrId: string) => store.read.instances.find(of.id, nameOrId)
        assert.deepEqual(await find(tenant, 'Orders'), instance)
        assert.deepEqual(await find(tenant, instance.id), instance)
        assert.equal(await find(tenant, 'orders'), undefined)
        assert.equal(await find(other, 'Orders'), undefined)
        assert.equal(await find(other, instance.id), undefined)
      })
      it('keep roles in their order, or have none', async () => {
        const tenant = await newTenant()
        for (const roles of [['z', 'A', 'm'], []]) {
          const { id } = await newInstance(tenant, { roles })
          assert.deepEqual((await store.read.instances.find(tenant.id, id))?.roles, roles)
        }
      })
      it('cannot share a name within a tenant', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        await newInstance(tenant, { name: 'one' })
        await newInstance(other, { name: 'one' })
        await newInstance(tenant, { name: 'One' })
        await assert.rejects(newInstance(tenant, { name: 'one' }))
      })
      it('are updated in everything but id, tenant, name, plan and creation date', async () => {
        const tenant = await newTenant()
        const instance = await newInstance(tenant)
        const changed = {
          dialect: 'uaa',
          roles: ['New'],
          grantTypes: [],
          redirectUris: [],
          tokenValidity: 7200,
          tokenFormat: 'opaque',
          bindTokens: false,
          assertionAudience: 'token-endpoint',
          assertionReplay: 'reported',
          updatedAt: someTime + 99,
        } as const
        const fixed = { name: 'another', plan: 'api', createdAt: 1 }
        await store.write(({ instances }) => instances.update({ ...instance, ...changed, ...fixed }))
        assert.deepEqual(await store.read.instances.list(tenant.id), [{ ...instance, ...changed }])
      })
      it('tell who has a role, without regard to case', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        await newInstance(tenant, { name: 'two', roles: ['A.b'] })
        await newInstance(tenant, { name: 'one', roles: ['x', 'A.b'] })
        await newInstance(tenant, { name: 'none', roles: ['x'] })
        await newInstance(other, { roles: ['A.b'] })
        assert.deepEqual(await store.read.instances.withRole(tenant.id, 'a.B'), ['one', 'two'])
        assert.deepEqual(await store.read.instances.withRole(tenant.id, 'y'), [])
      })
      it('take their keys with them', async () => {
        const tenant = await newTenant()
        const [gone, kept] = [await newInstance(tenant), await newInstance(tenant)]
        const [lost, left] = [await newKey(gone), await newKey(kept)]
        await store.write(({ instances }) => instances.delete(gone))
        assert.equal(await store.read.instances.find(tenant.id, gone.id), undefined)
        assert.equal(await store.read.clients.byCredentialId(lost.id), undefined)
        assert.deepEqual(await store.read.keys.list(kept.id), [left])
      })
    })

    describe('service keys and clients', () => {
      it('are listed by name with everything, and found by exact name', async () => {
        const instance = await newInstance(await newTenant())
        const second = await newKey(instance, { name: 'b', secretDigest: undefined, expiresAt: someTime })
        const first = await newKey(instance, { name: 'B' })
        assert.deepEqual(await store.read.keys.list(instance.id), [first, second])
        assert.deepEqual(await store.read.keys.find(instance.id, 'b'), second)
        assert.equal(await store.read.keys.find(instance.id, 'c'), undefined)
        assert.equal(await store.read.keys.count(instance.id), 2)
      })
      it('cannot share a name in an instance, nor a client id in a tenant', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        const [one, two, elsewhere] = [
          await newInstance(tenant),
          await newInstance(tenant),
          await newInstance(other),
        ]
        const key = await newKey(one, { name: 'k', clientId: 'sb-1' })
        await newKey(two, { name: 'k' })
        await newKey(elsewhere, { name: 'k', clientId: 'sb-1' })
        await assert.rejects(newKey(one, { name: 'k' }))
        await assert.rejects(newKey(two, { clientId: 'sb-1' }))
        assert.equal((await store.read.clients.byClientId(tenant.id, 'sb-1'))?.credentialId, key.id)
      })
      it('are clients with what the instance allows', async () => {
        const tenant = await newTenant()
        const instance = await newInstance(tenant)
        const key = await newKey(instance)
        const client = await store.read.clients.byClientId(tenant.id, key.clientId)
        assert.deepEqual(client, {
          credentialId: key.id,
          generation: 0,
          clientId: key.clientId,
          tenantId: tenant.id,
          instanceId: instance.id,
          instanceName: instance.name,
          keyName: key.name,
          plan: instance.plan,
          dialect: instance.dialect,
          roles: new Set(instance.roles),
          grantTypes: instance.grantTypes,
          tokenValidity: instance.tokenValidity,
          tokenFormat: instance.tokenFormat,
          bindTokens: true,
          type: 'secret',
          secretDigest: key.secretDigest,
          previousSecret: undefined,
          assertionAudience: 'issuer',
          assertionReplay: 'refused',
          pinned: true,
          certificates: [],
          createdAt: key.createdAt,
          expiresAt: undefined,
        })
        assert.deepEqual(await store.read.clients.byCredentialId(key.id), client)
        await store.write(({ instances }) => instances.update({ ...instance, roles: [] }))
        assert.deepEqual((await store.read.clients.byCredentialId(key.id))?.roles, new Set())
      })
      it('raise their generation while they exist', async () => {
        const key = await newKey(await newInstance(await newTenant()))
        assert.equal(await store.write(({ clients }) => clients.raiseGeneration(key.id)), true)
        assert.equal(await store.write(({ clients }) => clients.raiseGeneration(key.id)), true)
        assert.equal((await store.read.clients.byCredentialId(key.id))?.generation, 2)
        await store.write(({ keys }) => keys.delete(key))
        assert.equal(await store.write(({ clients }) => clients.raiseGeneration(key.id)), false)
        assert.equal(await store.read.clients.byClientId(key.tenantId, key.clientId), undefined)
      })
    })

    describe('key sets', () => {
      const row = { credentialId: '', jwks: '{"keys":[]}', jwksUri: undefined }
      it('are found by their credential, one or several, and replaced as a whole', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        const [one, two] = [await newKey(await newInstance(tenant)), await newKey(await newInstance(other))]
        const sets = [
          { ...row, credentialId: one.id },
          { credentialId: two.id, jwks: undefined, jwksUri: 'https://keys.example/' },
        ]
        for (const set of sets) await store.write(({ keySets }) => keySets.insert(set))
        assert.deepEqual(await store.read.keySets.find(one.id), sets[0])
        assert.deepEqual(await store.read.keySets.find(two.id), sets[1])
        assert.equal(await store.read.keySets.find(someId()), undefined)
        const listed = await store.read.keySets.listOf([one.id, two.id, someId()])
        assert.deepEqual(
          listed.toSorted((a, b) => (a.credentialId < b.credentialId ? -1 : 1)),
          sets.toSorted((a, b) => (a.credentialId < b.credentialId ? -1 : 1)),
        )
        assert.deepEqual(await store.read.keySets.listOf([]), [])
        const moved = { credentialId: one.id, jwks: undefined, jwksUri: 'https://moved.example/' }
        await store.write(({ keySets }) => keySets.replace(moved))
        assert.deepEqual(await store.read.keySets.find(one.id), moved)
        assert.deepEqual(await store.read.keySets.find(two.id), sets[1])
      })
      it('belong to a key that is there, are one for each, and go with it', async () => {
        const key = await newKey(await newInstance(await newTenant()))
        const insert = (credentialId: string) =>
          store.write(({ keySets }) => keySets.insert({ ...row, credentialId }))
        await assert.rejects(insert(someId()))
        await insert(key.id)
        await assert.rejects(insert(key.id))
        await store.write(({ keys }) => keys.delete(key))
        assert.equal(await store.read.keySets.find(key.id), undefined)
      })
    })

    describe('flows', () => {
      it('are put, replaced, listed by id and deleted', async () => {
        const { id: tenantId } = await newTenant()
        const flow = (id: string, definition: string) => ({ tenantId, id, definition, deployedAt: someTime })
        for (const put of [flow('b', '1'), flow('a', '2'), flow('b', '3')]) {
          await store.write(({ flows }) => flows.put(put))
        }
        assert.deepEqual(await store.read.flows.list(tenantId), [flow('a', '2'), flow('b', '3')])
        assert.deepEqual(await store.read.flows.find(tenantId, 'b'), flow('b', '3'))
        await store.write(({ flows }) => flows.delete(tenantId, 'b'))
        assert.equal(await store.read.flows.find(tenantId, 'b'), undefined)
      })
    })

    describe('a transaction', () => {
      it('sees what it has done, others only after its commit', async () => {
        const tenant = await newTenant()
        const instance = anInstance(tenant)
        await store.write(async ({ instances }) => {
          await instances.insert(instance)
          assert.equal(await instances.count(tenant.id), 1)
          assert.equal(await store.read.instances.count(tenant.id), 0)
        })
        assert.equal(await store.read.instances.count(tenant.id), 1)
      })
      it('gives what the work gives', async () => {
        assert.equal(await store.write(async () => 'result'), 'result')
      })
      it('keeps nothing when the work throws, and announces nothing', async () => {
        const tenant = await newTenant()
        const heard = await announced(() =>
          assert.rejects(
            store.write(async ({ instances }) => {
              await instances.insert(anInstance(tenant))
              throw new Error('on purpose')
            }),
            /on purpose/,
          ),
        )
        assert.equal(await store.read.instances.count(tenant.id), 0)
        assert.deepEqual(heard, [])
      })
      it('keeps nothing when the work gives a Problem, and hands it on', async () => {
        const tenant = await newTenant()
        const problem = new Problem('limit_reached', 'too many')
        const heard = await announced(async () => {
          const result = await store.write(async ({ instances }) => {
            await instances.insert(anInstance(tenant))
            return problem
          })
          assert.equal(result, problem)
        })
        assert.equal(await store.read.instances.count(tenant.id), 0)
        assert.deepEqual(heard, [])
      })
      it('keeps nothing when a statement fails, and the next one is not disturbed', async () => {
        const tenant = await newTenant()
        const instance = anInstance(tenant)
        await assert.rejects(
          store.write(async ({ instances }) => {
            await instances.insert(instance)
            await instances.insert(instance)
          }),
        )
        assert.equal(await store.read.instances.count(tenant.id), 0)
        await store.write(({ instances }) => instances.insert(instance))
      })
      it('is the only place for changes', async () => {
        const tenant = aTenant()
        await assert.rejects(store.read.tenants.insert(tenant), /use `write`/)
        await assert.rejects(store.read.revocations.deleteOlderThan(5), /use `write`/)
        assert.equal((await store.read.tenants.list()).filter(({ id }) => id === tenant.id).length, 0)
      })
      it('refuses statements that come after its end', async () => {
        const tenant = aTenant()
        const late = await store.write(async tables => tables)
        await assert.rejects(late.tenants.insert(tenant), /has ended/)
        await assert.rejects(late.tenants.list(), /has ended/)
        assert.equal((await store.read.tenants.list()).filter(({ id }) => id === tenant.id).length, 0)
      })
      it('checks a limit that holds however many run at once', async () => {
        const tenant = await newTenant()
        const results = await Promise.all(
          Array.from({ length: 20 }, () =>
            store.write(async ({ instances }) => {
              if ((await instances.count(tenant.id)) >= 7) return new Problem('limit_reached', 'seven')
              return instances.insert(anInstance(tenant))
            }),
          ),
        )
        assert.equal(results.filter(result => result instanceof Problem).length, 13)
        assert.equal(await store.read.instances.count(tenant.id), 7)
      })
      it('can read committed state however many wait for their turn', async () => {
        const tenant = await newTenant()
        const work = () => store.write(() => store.read.instances.count(tenant.id))
        assert.deepEqual(await Promise.all(Array.from({ length: 20 }, work)), Array(20).fill(0))
      })
    })

    describe('changes', () => {
      it('are announced before the transaction is acknowledged, in order, with what spares a query', async () => {
        const tenant = aTenant()
        const tenantId = tenant.id
        const instance = anInstance(tenant)
        const key = aKey(instance)
        const tenantKey = aTenantKey(tenant)
        const revocation = aRevocation(tenant, { credentialId: key.id })
        const innerKey = { id: someId(), purpose: someId(), sealed: randomBytes(4), createdAt: 1 }
        const flow = { tenantId, id: 'f', definition: '{}', deployedAt: 1 }
        const credential: Change = { kind: 'credential', tenantId, id: key.id, detail: key.clientId }
        type Step = [work: Parameters<typeof store.write<unknown>>[0], ...expected: Change[]]
        const steps: Step[] = [
          [t => t.tenants.insert(tenant), { kind: 'tenant', tenantId, id: tenantId }],
          [t => t.tenants.setSigningAlgorithm(tenantId, 'RS256'), { kind: 'tenant', tenantId, id: tenantId }],
          [t => t.innerKeys.insert(innerKey), { kind: 'inner-key', tenantId: '', id: innerKey.id }],
          [
            t => t.innerKeys.replaceSealed(innerKey.id, randomBytes(3)),
            { kind: 'inner-key', tenantId: '', id: innerKey.id },
          ],
          [t => t.tenantKeys.insert(tenantKey), { kind: 'tenant-key', tenantId, id: tenantKey.id }],
          [
            t => t.tenantKeys.setRetireAt(tenantId, tenantKey.id, 5),
            { kind: 'tenant-key', tenantId, id: tenantKey.id },
          ],
          [
            t => t.tenantKeys.delete(tenantId, tenantKey.id),
            { kind: 'tenant-key', tenantId, id: tenantKey.id },
          ],
          [t => t.roles.insert(aRole(tenant, 'R')), { kind: 'role', tenantId, id: 'R' }],
          [t => t.roles.setDescription(tenantId, 'R', 'x'), { kind: 'role', tenantId, id: 'R' }],
          [t => t.roles.delete(tenantId, 'R'), { kind: 'role', tenantId, id: 'R' }],
          [t => t.instances.insert(instance), { kind: 'instance', tenantId, id: instance.id }],
          [t => t.instances.update(instance), { kind: 'instance', tenantId, id: instance.id }],
          [t => t.keys.insert(key), credential],
          [t => t.clients.raiseGeneration(key.id), credential],
          [t => t.keys.delete(key), credential],
          [
            async t => {
              await t.keys.insert(key)
              await t.instances.delete(instance)
            },
            credential,
            { kind: 'instance', tenantId, id: instance.id },
            credential,
          ],
          [
            t => t.revocations.insert(revocation),
            { kind: 'revocation', tenantId, id: revocation.tokenId, detail: String(someTime) },
          ],
          [t => t.revocations.deleteOf(key.id), { kind: 'revocation', tenantId, id: '*', detail: key.id }],
          [t => t.revocations.deleteOlderThan(5)],
          [t => t.flows.put(flow), { kind: 'flow', tenantId, id: 'f' }],
          [t => t.flows.delete(tenantId, 'f'), { kind: 'flow', tenantId, id: 'f' }],
          [t => t.tenants.delete(tenantId), { kind: 'tenant', tenantId, id: tenantId }],
        ]
        for (const [work, ...expected] of steps) {
          assert.deepEqual(await announced(() => store.write(work)), expected, String(work))
        }
      })
      it('leave this process up to date', async () => {
        await newTenant()
        assert.equal(store.changes.upToDate(), true)
      })
      it('reach every listener, even if one of them throws', async () => {
        let throwing = true
        store.changes.onChange(() => {
          if (throwing) throw new Error('on purpose')
        })
        const heard = await announced(newTenant)
        throwing = false
        assert.equal(heard.length, 1)
      })
      it('can be asked for from inside a listener', async () => {
        let asked = 0
        let listening = true
        store.changes.onChange(() => {
          if (listening && store.changes.upToDate()) asked++
        })
        const heard = await announced(newTenant)
        listening = false
        assert.deepEqual([heard.length, asked], [1, 1])
      })
      it('that were too many to keep are told as undefined, once', async () => {
        await withOwnPlace({ keepChanges: 20 }, async own => {
          const heard: (Change | undefined)[] = []
          own.changes.onChange(change => heard.push(change))
          const tenant = aTenant()
          await own.write(async ({ tenants, revocations }) => {
            await tenants.insert(tenant)
            for (let i = 0; i < 30; i++) await revocations.insert(aRevocation(tenant))
          })
          assert.deepEqual(heard, [undefined])
          await own.write(({ tenants }) => tenants.delete(tenant.id))
          assert.deepEqual(heard, [undefined, { kind: 'tenant', tenantId: tenant.id, id: tenant.id }])
        })
      })
    })

    describe('issued certificates', () => {
      it('that are revoked are read page by page, by serial number, and counted, until they are long over', async () => {
        const tenant = await newTenant()
        const [authority, other] = [anAuthority(tenant), anAuthority(tenant)]
        const serials = ['4a', '4b', '4c', '6f', '7001'].map(end => `40${end}`)
        const rows = serials.map(serial => aCertificate(authority, { serial }))
        await store.write(async ({ authorities, issued }) => {
          for (const one of [authority, other]) await authorities.insert(one)
          for (const row of rows.toReversed()) await issued.insert(row)
          await issued.insert(aCertificate(authority, { serial: '41' }))
          await issued.insert(aCertificate(authority, { serial: '42', notAfter: someTime - 1 }))
          await issued.insert(aCertificate(other))
        })
        const revoke = async (row: IssuedCertificate) => {
          await store.write(({ issued }) => issued.revoke(row, 'superseded', someTime))
        }
        const { issued } = store.read
        const ended = (await issued.bySerial(authority.id, '42'))!
        for (const row of [...rows.toReversed(), ended]) await revoke(row)
        const found = await issued.revoked(authority.id, someTime, { after: '', most: 3 })
        const rest = await issued.revoked(authority.id, someTime, { after: found.at(-1)!.serial, most: 3 })
        assert.deepEqual(
          [...found, ...rest],
          serials.map(serial => ({ serial, revokedAt: someTime, reason: 'superseded' })),
        )
        assert.equal(found.length, 3)
        assert.equal(await issued.countRevoked(authority.id, someTime), 5)
        assert.equal(await issued.countRevoked(authority.id, someTime - 1), 6)
        assert.equal(await issued.countRevoked(other.id, someTime), 0)
      })

      it('make the list of their authority outdated when one is revoked, and only then is it announced', async () => {
        const tenant = await newTenant()
        const authority = anAuthority(tenant)
        const row = aCertificate(authority)
        const crl = { der: randomBytes(9), thisUpdate: someTime, nextUpdate: someTime + 1 }
        await store.write(({ authorities }) => authorities.insert(authority))
        const heard = await announced(() =>
          store.write(async ({ authorities, issued }) => {
            await issued.insert(row)
            assert.equal(await authorities.nextCrlNumber(authority.id), 1)
            await authorities.putCrl(authority, crl)
          }),
        )
        assert.deepEqual(heard, [])
        assert.deepEqual(await store.read.authorities.crl(authority.id), crl)
        const change: Change = { kind: 'authority', tenantId: tenant.id, id: authority.id }
        assert.deepEqual(
          await announced(() => store.write(({ issued }) => issued.revoke(row, 'superseded', someTime))),
          [change],
        )
        assert.equal(await store.read.authorities.crl(authority.id), undefined)
        assert.equal(await store.write(({ authorities }) => authorities.nextCrlNumber(authority.id)), 2)
      })
    })

    describe('the journal', () => {
      it('gives messages back complete, the newest first, by tenant and flow', async () => {
        const [tenant, other] = [aTenant(), aTenant()]
        const full = {
          callerCorrelationId: 'c',
          receiverStatus: 500,
          error: undefined,
          status: 'COMPLETED',
        } as const
        const [first, second, third] = [
          aMessage(tenant, { endedAt: someTime, flowId: 'a' }),
          aMessage(tenant, { endedAt: someTime + 1, flowId: 'b', ...full }),
          aMessage(tenant, { endedAt: someTime + 2, flowId: 'a' }),
        ]
        for (const message of [first, second, third, aMessage(other)]) store.journal.message(message)
        await store.journal.flush()
        assert.deepEqual(await store.journal.messages(tenant.id, { limit: 9 }), [third, second, first])
        assert.deepEqual(await store.journal.messages(tenant.id, { limit: 9, flowId: 'a' }), [third, first])
        assert.deepEqual(await store.journal.messages(tenant.id, { limit: 1 }), [third])
      })
      it('gives the newest messages of many, whichever flow they went through and whenever they were written', async () => {
        const tenant = aTenant()
        const messages = Array.from({ length: 120 }, (_, i) =>
          aMessage(tenant, { endedAt: someTime + ((i * 37) % 120), flowId: `flow-${i % 3}` }),
        )
        for (const [i, message] of messages.entries()) {
          store.journal.message(message)
          // Groups of one message, and of several.
          if (i < 50 || i % 10 === 9) await store.journal.flush()
        }
        const newestFirst = messages.toSorted((a, b) => b.endedAt - a.endedAt)
        const { journal } = store
        assert.deepEqual(await journal.messages(tenant.id, { limit: 7 }), newestFirst.slice(0, 7))
        assert.deepEqual(await journal.messages(tenant.id, { limit: 500 }), newestFirst)
        assert.deepEqual(
          await journal.messages(tenant.id, { limit: 30, flowId: 'flow-1' }),
          newestFirst.filter(({ flowId }) => flowId === 'flow-1').slice(0, 30),
        )
        assert.deepEqual(await journal.messages(tenant.id, { limit: 5, flowId: 'flow-3' }), [])
      })
      it('gives decision records back complete, the newest first, by id, client and code', async () => {
        const [tenant, other] = [aTenant(), aTenant()]
        const [first, second] = [
          aDecision(tenant, { at: someTime, checks: [] }),
          aDecision(tenant, {
            at: someTime + 1,
            clientId: undefined,
            code: 'invalid_token',
            hint: 'say "this"',
          }),
        ]
        for (const decision of [second, first]) store.journal.decision(decision)
        await store.journal.flush()
        const { journal } = store
        assert.deepEqual(await journal.decisions(tenant.id, { limit: 9 }), [second, first])
        assert.deepEqual(await journal.decisions(tenant.id, { limit: 9, clientId: 'sb-1' }), [first])
        assert.deepEqual(await journal.decisions(tenant.id, { limit: 9, code: 'invalid_token' }), [second])
        assert.deepEqual(await journal.findDecision(tenant.id, first.id), first)
        assert.equal(await journal.findDecision(other.id, first.id), undefined)
        assert.equal(await journal.findDecision(tenant.id, someId()), undefined)
      })
      it('knows the last use of each credential', async () => {
        const [one, two, never] = [someId(), someId(), someId()]
        store.journal.used(one, someTime)
        store.journal.used(two, 5)
        store.journal.used(one, someTime + 1)
        await store.journal.flush()
        store.journal.used(one, 3)
        await store.journal.flush()
        const found = await store.journal.lastUsed([one, two, never])
        assert.deepEqual(
          found,
          new Map([
            [one, someTime + 1],
            [two, 5],
          ]),
        )
        assert.deepEqual(await store.journal.lastUsed([]), new Map())
      })
      it('takes every text, if need be without what no database keeps', async () => {
        const tenant = aTenant()
        const error = `"'\\ \\u0000 \u{1F600} \r\n\t ${'x'.repeat(5000)}`
        store.journal.message(aMessage(tenant, { endedAt: 2, error }))
        store.journal.message(aMessage(tenant, { endedAt: 1, error: 'a\0b\ud800c\udfff' }))
        await store.journal.flush()
        const texts = (await store.journal.messages(tenant.id, { limit: 2 })).map(({ error }) => error)
        assert.deepEqual(texts, [error, 'a\ufffdb\ufffdc\ufffd'])
      })
      it('writes by itself, soon', async () => {
        const tenant = aTenant()
        store.journal.message(aMessage(tenant))
        const deadline = Date.now() + 5000
        while ((await store.journal.messages(tenant.id, { limit: 1 })).length === 0) {
          assert.ok(Date.now() < deadline, 'not written')
          await turn()
        }
      })
      it('drops and counts what its queue cannot hold', async () => {
        await withOwnPlace({ journalLimits: { queued: 10 } }, async ({ journal }) => {
          const tenant = aTenant()
          for (let i = 0; i < 8; i++) journal.message(aMessage(tenant))
          for (let i = 0; i < 5; i++) journal.decision(aDecision(tenant))
          assert.equal(journal.dropped, 3)
          await journal.flush()
          assert.equal((await journal.messages(tenant.id, { limit: 99 })).length, 8)
          assert.equal((await journal.decisions(tenant.id, { limit: 99 })).length, 2)
        })
      })
      it('stays within its bounds of count and age', async () => {
        let now = Date.now()
        await withOwnPlace(
          { now: () => now, journalLimits: { rows: 20, ageMs: 1000 } },
          async ({ journal }) => {
            const tenant = aTenant()
            for (let i = 0; i < 60; i++) {
              journal.message(aMessage(tenant, { endedAt: now }))
              journal.decision(aDecision(tenant, { at: now }))
            }
            await journal.flush()
            const counts = async () => [
              (await journal.messages(tenant.id, { limit: 99 })).length,
              (await journal.decisions(tenant.id, { limit: 99 })).length,
            ]
            assert.deepEqual(await counts(), [20, 20])
            now += 1001
            journal.message(aMessage(tenant, { endedAt: now }))
            journal.decision(aDecision(tenant, { at: now }))
            await journal.flush()
            assert.deepEqual(await counts(), [1, 1])
          },
        )
      })
    })

    describe('one-time ids', () => {
      const later = () => Date.now() + 60_000
      it('are free once, whoever asks, and however many at once', async () => {
        const id = someId()
        const asked = Array.from({ length: 20 }, () => store.oneTimeIds.claim(id, later()))
        assert.deepEqual((await Promise.all(asked)).filter(Boolean), [true])
        assert.equal(await store.oneTimeIds.claim(id, later()), false)
      })
      it('of many at once are all free where they differ', async () => {
        const ids = Array.from({ length: 2500 }, someId)
        const claims = await Promise.all(ids.map(id => store.oneTimeIds.claim(id, later())))
        assert.ok(claims.every(Boolean))
        assert.ok(!(await Promise.all(ids.map(id => store.oneTimeIds.claim(id, later())))).some(Boolean))
      })
      it('are kept until their time, and forgotten some while after', async () => {
        let now = Date.now()
        await withOwnPlace({ now: () => now }, async ({ oneTimeIds }) => {
          const [short, long] = [someId(), someId()]
          await oneTimeIds.claim(short, now + 1000)
          await oneTimeIds.claim(long, now + 600_000)
          now += 120_000
          // Whoever comes after a minute or more clears away what is over.
          await oneTimeIds.claim(someId(), now)
          await oneTimeIds.claim(someId(), now)
          assert.equal(await oneTimeIds.claim(short, now + 1000), true)
          assert.equal(await oneTimeIds.claim(long, now + 1000), false)
        })
      })
      it('are kept when the store is closed and opened again', async () => {
        const own = await makePlace()
        const id = someId()
        const first = await own.open()
        assert.equal(await first.oneTimeIds.claim(id, later()), true)
        await first.close()
        await assert.rejects(first.oneTimeIds.claim(someId(), later()))
        const second = await own.open()
        assert.equal(await second.oneTimeIds.claim(id, later()), false)
        await second.close()
        await own.drop()
      })
    })

    it('is the same after it was closed and opened again, and refuses work in between', async () => {
      const own = await makePlace()
      const first = await own.open()
      const tenant = aTenant()
      const message = aMessage(tenant)
      await first.write(({ tenants }) => tenants.insert(tenant))
      first.journal.message(message)
      await first.close()
      await assert.rejects(
        first.write(async () => 1),
        { name: 'StoreClosed' },
      )
      const second = await own.open()
      assert.deepEqual(await second.read.tenants.list(), [tenant])
      assert.deepEqual(await second.journal.messages(tenant.id, { limit: 1 }), [message])
      await second.close()
      await own.drop()
    })
  })
}
