import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../src/adapters/store/open.ts'
import type { RoleAssignment } from '../../src/core/broker/store.ts'
import { type RegisteredClient, userOf } from '../../src/core/registration/index.ts'
import type { Change } from '../../src/core/store.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import { aKey, anInstance, aTenant, type Place, someId } from './store.ts'

/** Later than 32 bits of milliseconds or seconds reach. */
const someTime = 4_102_444_800_123
const node = 'default.iflmap'

function aClient({ id: tenantId }: Tenant, more: Partial<RegisteredClient> = {}): RegisteredClient {
  return {
    id: someId(),
    tenantId,
    clientId: someId(),
    description: 'of a test',
    generation: 1,
    secretDigest: Buffer.from('00ff80', 'hex'),
    chosenSecret: undefined,
    tokenLifetime: 15_552_000,
    node,
    disabled: false,
    createdAt: someTime,
    updatedAt: someTime + 1,
    ...more,
  }
}

function anAssignment(client: RegisteredClient, more: Partial<RoleAssignment> = {}): RoleAssignment {
  return {
    tenantId: client.tenantId,
    user: userOf(client.clientId),
    node,
    role: 'ESBMessaging.send',
    createdAt: someTime,
    ...more,
  }
}

/** The promises of the tables of registered clients and their roles, stated once for all engines. */
export function registrationContract(name: string, makePlace: () => Promise<Place>): void {
  describe(`${name}: the registered clients`, () => {
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

    async function newTenant(): Promise<Tenant> {
      const tenant = aTenant()
      await store.write(({ tenants }) => tenants.insert(tenant))
      return tenant
    }
    async function newClient(tenant: Tenant, more: Partial<RegisteredClient> = {}) {
      const client = aClient(tenant, more)
      await store.write(({ registered }) => registered.insert(client))
      return client
    }
    const assign = (assignment: RoleAssignment) =>
      store.write(({ assignments }) => assignments.insert(assignment))
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

    it('are listed by id, found to the letter, and counted, in their tenant alone', async () => {
      const [tenant, other] = [await newTenant(), await newTenant()]
      const b = await newClient(tenant, {
        clientId: 'b',
        secretDigest: undefined,
        chosenSecret: '$argon2id$',
      })
      const a = await newClient(tenant, { clientId: 'a', disabled: true })
      const upper = await newClient(tenant, { clientId: 'A' })
      await newClient(other, { clientId: 'a' })
      const { registered } = store.read
      assert.deepEqual(await registered.list(tenant.id), [upper, a, b])
      assert.deepEqual(await registered.find(tenant.id, 'a'), a)
      assert.equal(await registered.find(tenant.id, 'B'), undefined)
      assert.equal(await registered.count(tenant.id), 3)
    })

    it('have an id once in a tenant', async () => {
      const tenant = await newTenant()
      await newClient(tenant, { clientId: 'once' })
      await assert.rejects(newClient(tenant, { clientId: 'once' }))
    })

    it('change but for what tells who they are, and each change is announced', async () => {
      const tenant = await newTenant()
      const client = aClient(tenant)
      const changed = {
        ...client,
        description: '',
        secretDigest: undefined,
        chosenSecret: '$argon2id$x',
        tokenLifetime: 1,
        node: 'x.hcioem',
        disabled: true,
        updatedAt: someTime + 9,
      }
      const change = { kind: 'credential', tenantId: tenant.id, id: client.id, detail: client.clientId }
      const heard = await announced(async () => {
        await store.write(({ registered }) => registered.insert(client))
        await store.write(({ registered }) =>
          registered.update({ ...changed, generation: 9, createdAt: 1, clientId: client.clientId }),
        )
        assert.deepEqual(await store.read.registered.find(tenant.id, client.clientId), changed)
        assert.equal(await store.write(({ clients }) => clients.raiseGeneration(client.id)), true)
        await store.write(({ registered }) => registered.delete(client))
      })
      assert.equal(await store.read.registered.find(tenant.id, client.clientId), undefined)
      assert.deepEqual(
        heard.map(one => ({ ...one })),
        Array(4).fill(change),
      )
      assert.equal(await store.write(({ clients }) => clients.raiseGeneration(client.id)), false)
    })

    it('are clients, with the roles that their user has at their node', async () => {
      const [tenant, other] = [await newTenant(), await newTenant()]
      const client = await newClient(tenant, { clientId: 'Erp', chosenSecret: '$argon2id$', generation: 3 })
      const theirs = await newClient(other, { clientId: 'Erp' })
      await assign(anAssignment(client))
      await assign(anAssignment(client, { role: 'Another' }))
      await assign(anAssignment(client, { role: 'Elsewhere', node: 'x.hcioem' }))
      await assign(anAssignment(client, { role: 'Lower', user: 'oauth_client_erp' }))
      await assign(anAssignment(theirs, { role: 'Theirs' }))
      const { clients } = store.read
      for (const found of [
        await clients.byClientId(tenant.id, 'Erp'),
        await clients.byCredentialId(client.id),
      ]) {
        assert.deepEqual([...found!.roles].sort(), ['Another', 'ESBMessaging.send'])
        const { dialect, plan, generation, tokenValidity, registration } = found!
        assert.deepEqual(
          { dialect, plan, generation, tokenValidity, registration },
          {
            dialect: 'neo',
            plan: 'integration-flow',
            generation: 3,
            tokenValidity: 15_552_000,
            registration: {
              user: 'oauth_client_Erp',
              node,
              disabled: false,
              chosenSecret: '$argon2id$',
            },
          },
        )
      }
      assert.deepEqual([...(await clients.byClientId(other.id, 'Erp'))!.roles], ['Theirs'])
      assert.equal(await clients.byClientId(tenant.id, 'erp'), undefined)
    })

    it('stand beside service keys, which are found as before', async () => {
      const tenant = await newTenant()
      const instance = anInstance(tenant)
      const key = aKey(instance)
      await store.write(async ({ instances, keys }) => {
        await instances.insert(instance)
        await keys.insert(key)
      })
      await newClient(tenant)
      assert.equal((await store.read.clients.byClientId(tenant.id, key.clientId))?.registration, undefined)
      assert.equal((await store.read.clients.byCredentialId(key.id))?.keyName, key.name)
    })

    it('hear of the roles of their user: each is announced as a change of theirs', async () => {
      const tenant = await newTenant()
      const client = await newClient(tenant)
      const own = anAssignment(client)
      const change = { kind: 'credential', tenantId: tenant.id, id: client.id, detail: client.clientId }
      const heard = await announced(async () => {
        await assign(own)
        await store.write(({ assignments }) => assignments.delete(own))
        await assign(own)
        await store.write(({ assignments }) => assignments.deleteOf(tenant.id, own.user))
        await assign(anAssignment(client, { user: 'somebody else' }))
      })
      assert.deepEqual(
        heard.map(one => ({ ...one })),
        Array(4).fill(change),
      )
    })

    it('have roles that are listed in order, of all users or of one, and told by role', async () => {
      const tenant = await newTenant()
      const [a, b] = [await newClient(tenant, { clientId: 'a' }), await newClient(tenant, { clientId: 'b' })]
      const all = [
        anAssignment(a, { role: 'One' }),
        anAssignment(a, { role: 'Two' }),
        anAssignment(a, { role: 'One', node: 'x.hcioem' }),
        anAssignment(b, { role: 'One' }),
      ]
      for (const one of all.toReversed()) await assign(one)
      const { assignments } = store.read
      assert.deepEqual(await assignments.list(tenant.id), all)
      assert.deepEqual(await assignments.list(tenant.id, userOf('b')), all.slice(3))
      assert.deepEqual(await assignments.list(tenant.id, userOf('B')), [])
      assert.equal(await assignments.count(tenant.id), 4)
      assert.deepEqual(await assignments.withRole(tenant.id, 'One'), [userOf('a'), userOf('b')])
      assert.deepEqual(await assignments.withRole(tenant.id, 'one'), [])
      await assert.rejects(assign(all[0]!))
    })

    it('go with their tenant', async () => {
      const tenant = await newTenant()
      const client = await newClient(tenant)
      await assign(anAssignment(client))
      await store.write(({ tenants }) => tenants.delete(tenant.id))
      assert.deepEqual(await store.read.registered.list(tenant.id), [])
      assert.deepEqual(await store.read.assignments.list(tenant.id), [])
      assert.equal(await store.read.clients.byCredentialId(client.id), undefined)
    })
  })
}
