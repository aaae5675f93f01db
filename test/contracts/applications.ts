import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../src/adapters/store/open.ts'
import type { Application } from '../../src/core/applications/index.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import { aTenant, type Place, someId } from './store.ts'

/** Later than 32 bits of milliseconds reach. */
const someTime = 4_102_444_800_123
const digest = Buffer.from('00ff80', 'hex')

export const anApplication = (tenant: Pick<Tenant, 'id'>, more: Partial<Application> = {}): Application => ({
  id: someId(),
  tenantId: tenant.id,
  clientId: someId().toLowerCase(),
  objectId: someId(),
  name: `Application ${someId()}`,
  idUri: undefined,
  tokenVersion: 2,
  assignmentRequired: false,
  assertionReplay: 'reported',
  disabled: false,
  generation: 1,
  createdAt: someTime,
  updatedAt: someTime,
  ...more,
})

/** What applications are asked for, on every engine. */
export function applicationsContract(engine: string, makePlace: () => Promise<Place>): void {
  describe(`${engine}: applications`, () => {
    let place: Place
    let store: Store
    let tenant: Tenant
    before(async () => {
      place = await makePlace()
      store = await place.open()
      tenant = aTenant()
      await store.write(({ tenants }) => tenants.insert(tenant))
    })
    after(async () => {
      await store.close()
      await place.drop()
    })

    const insert = async (more: Partial<Application> = {}): Promise<Application> => {
      const application = anApplication(tenant, more)
      await store.write(({ applications }) => applications.insert(application))
      return application
    }

    it('are found by client id in either case, by App ID URI and by name, in their tenant', async () => {
      const other = aTenant()
      await store.write(({ tenants }) => tenants.insert(other))
      const one = await insert({ idUri: 'https://one.example/' })
      const { applications } = store.read
      for (const reference of [one.clientId, one.clientId.toUpperCase(), 'https://one.example/', one.name]) {
        assert.deepEqual(await applications.find(tenant.id, reference), one)
        assert.equal(await applications.find(other.id, reference), undefined)
      }
      assert.equal(await applications.resource(tenant.id, one.name), undefined)
      assert.equal(await applications.find(tenant.id, 'https://ONE.example/'), undefined)
      assert.equal(await applications.count(other.id), 0)
      assert.ok((await applications.list(tenant.id)).some(({ id }) => id === one.id))
    })

    it('have a client id, a name and a URI of their own in a tenant', async () => {
      const one = await insert({ idUri: `api://${someId()}` })
      for (const { clientId, name, idUri } of [one])
        for (const same of [{ clientId }, { name }, { idUri }]) await assert.rejects(insert(same))
      await insert()
      await insert()
    })

    it('come out of the directory of clients with all their credentials', async () => {
      const one = await insert({ disabled: true, generation: 3 })
      const certificate = { der: digest, notBefore: 1, notAfter: someTime, createdAt: 2 }
      const secret = { digest, createdAt: 1, expiresAt: someTime }
      await store.write(async ({ applications }) => {
        for (const thumbprint of ['t1', 't2'])
          await applications.insertCertificate(one, { ...certificate, thumbprint })
        await applications.insertSecret(one, { ...secret, id: 's1' })
        await applications.insertSecret(one, { ...secret, id: 's2', expiresAt: undefined })
      })
      const { clients, applications } = store.read
      const client = await clients.byClientId(tenant.id, one.clientId)
      assert.deepEqual(client, await clients.byCredentialId(one.id))
      const { dialect, generation, secretDigest, certificates, application: facts } = client!
      assert.deepEqual([dialect, generation, secretDigest, certificates], ['entra', 3, undefined, []])
      assert.equal(facts!.disabled, true)
      assert.deepEqual(facts!.certificates.map(({ thumbprint }) => thumbprint).sort(), ['t1', 't2'])
      assert.deepEqual(
        new Set(facts!.secrets.map(({ expiresAt }) => expiresAt)),
        new Set([someTime, undefined]),
      )
      assert.deepEqual(facts!.secrets[0]!.digest, digest)
      assert.equal(await store.write(({ clients }) => clients.raiseGeneration(one.id)), true)
      assert.equal((await clients.byCredentialId(one.id))!.generation, 4)
      await store.write(async ({ applications }) => {
        await applications.deleteCertificate(one, 't1')
        await applications.deleteSecret(one, 's1')
      })
      assert.deepEqual(
        (await applications.certificates(one.id)).map(({ der }) => der),
        [digest],
      )
      assert.deepEqual(await applications.secrets(one.id), [{ ...secret, id: 's2', expiresAt: undefined }])
      const another = await insert()
      const parts = await applications.partsOf([another.id, one.id])
      assert.deepEqual(parts.get(one.id), {
        roles: [],
        certificates: await applications.certificates(one.id),
        secrets: await applications.secrets(one.id),
        grants: [],
      })
      assert.deepEqual(parts.get(another.id), { roles: [], certificates: [], secrets: [], grants: [] })
      assert.equal((await applications.partsOf([])).size, 0)
    })

    it('are told of when their last certificate ends, and not while a successor is there', async () => {
      const [ending, lasting, off] = [await insert(), await insert(), await insert({ disabled: true })]
      const at = (thumbprint: string, notAfter: number) => ({
        thumbprint,
        der: digest,
        notBefore: 1,
        notAfter,
        createdAt: 1,
      })
      await store.write(async ({ applications }) => {
        for (const one of [ending, lasting, off])
          for (const [thumbprint, end] of [
            ['last', 20],
            ['first', 10],
          ] as const)
            await applications.insertCertificate(one, at(thumbprint, end))
        await applications.insertCertificate(lasting, at('successor', 30))
      })
      const told = async (time: number) =>
        (await store.read.applications.endingBefore(time)).filter(({ clientId }) =>
          [ending, lasting, off].some(one => one.clientId === clientId),
        )
      const { name, clientId } = ending
      assert.deepEqual(await told(30), [
        { tenantName: tenant.name, name, clientId, thumbprint: 'last', notAfter: 20 },
      ])
      assert.deepEqual(await told(20), [])
      assert.equal((await told(31)).length, 2)
    })

    it('hold roles of others, as long as both are there and the role is enabled', async () => {
      const [one, resource] = [await insert(), await insert()]
      const role = { id: 'role-1', value: 'Read', displayName: 'to read', enabled: true }
      const grant = { applicationId: one.id, resourceId: resource.id, roleId: role.id, createdAt: someTime }
      const { applications } = store.read
      await assert.rejects(store.write(tables => tables.applications.insertGrant(grant)))
      await store.write(async tables => {
        await tables.applications.putRole(resource, role)
        for (const _ of [1, 2]) await tables.applications.insertGrant(grant)
      })
      assert.deepEqual(await applications.rolesAt(one.id, resource.id), ['Read'])
      assert.deepEqual(await applications.rolesAt(resource.id, one.id), [])
      assert.deepEqual(await applications.grants(one.id), [
        {
          resourceId: resource.id,
          resourceName: resource.name,
          resourceClientId: resource.clientId,
          roleId: role.id,
          role: 'Read',
          createdAt: someTime,
        },
      ])
      const off = { ...role, value: 'Reading', enabled: false }
      await store.write(tables => tables.applications.putRole(resource, off))
      assert.deepEqual(await applications.roles(resource.id), [off])
      assert.deepEqual(await applications.rolesAt(one.id, resource.id), [])
      assert.equal((await applications.grants(one.id)).length, 1)
      await store.write(tables => tables.applications.deleteRole(resource, role.id))
      assert.deepEqual(await applications.grants(one.id), [])
    })

    it('go with their grants, on either side, and with their tenant', async () => {
      const role = { id: 'role-1', value: 'Read', displayName: 'to read', enabled: true }
      const [one, resource] = [await insert(), await insert()]
      await store.write(async ({ applications }) => {
        await applications.putRole(resource, role)
        await applications.insertGrant({
          applicationId: one.id,
          resourceId: resource.id,
          roleId: role.id,
          createdAt: 1,
        })
      })
      await store.write(({ applications }) => applications.delete(resource))
      assert.deepEqual(await store.read.applications.grants(one.id), [])
      assert.equal(await store.read.clients.byCredentialId(resource.id), undefined)
      await store.write(({ tenants }) => tenants.delete(tenant.id))
      assert.equal(await store.read.clients.byCredentialId(one.id), undefined)
    })
  })
}
