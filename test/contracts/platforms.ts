import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../src/adapters/store/open.ts'
import { aKey, anInstance, aTenant, type Place, someId } from './store.ts'

/** Later than 32 bits of milliseconds or seconds reach. */
const someTime = 4_102_444_800_123

/** What every engine does with the ids of platforms, and with the answers that are kept for them. */
export function platformsContract(engine: string, newPlace: () => Promise<Place>): void {
  describe(`on ${engine}: what platforms know`, () => {
    let place: Place
    let store: Store
    before(async () => {
      place = await newPlace()
      store = await place.open()
    })
    after(async () => {
      await store.close()
      await place.drop()
    })

    async function newBinding() {
      const tenant = aTenant()
      const instance = anInstance(tenant)
      const key = aKey(instance)
      const its = { instanceId: instance.id, id: someId() }
      const known = { tenantId: tenant.id, ...its, organization: 'org 1', space: 'space 1' }
      const binding = { ...its, credentialId: key.id, requestDigest: someId(), parameters: '{"a":"ä"}' }
      const answer = { credentialId: key.id, sealed: randomBytes(700), keepUntil: someTime }
      await store.write(async ({ tenants, instances, keys, platforms }) => {
        await tenants.insert(tenant)
        await instances.insert(instance)
        await keys.insert(key)
        await platforms.insertInstance(known)
        await platforms.insertBinding(binding)
        await platforms.keepAnswer(answer)
      })
      return { tenant, instance, key, known, binding, answer }
    }

    it('is found by the id of the platform, in its own tenant and instance only', async () => {
      const { known, binding, answer } = await newBinding()
      const { platforms } = store.read
      assert.deepEqual(await platforms.instance(known.tenantId, known.id), known)
      assert.equal(await platforms.instance(someId(), known.id), undefined)
      assert.equal(await platforms.instance(known.tenantId, known.instanceId), undefined)
      assert.deepEqual(await platforms.binding(binding.instanceId, binding.id), binding)
      assert.equal(await platforms.binding(someId(), binding.id), undefined)
      assert.deepEqual(await platforms.answer(answer.credentialId), answer)
      assert.equal(await platforms.answer(someId()), undefined)
    })

    it('has each id once, and each instance and key under one id', async () => {
      const [one, two] = [await newBinding(), await newBinding()]
      for (const row of [
        { ...one.known, instanceId: two.instance.id },
        { ...one.known, id: someId() },
        { ...one.known, tenantId: two.tenant.id },
      ])
        await assert.rejects(store.write(({ platforms }) => platforms.insertInstance(row)))
      for (const row of [
        { ...one.binding, credentialId: two.key.id },
        { ...one.binding, id: someId() },
      ])
        await assert.rejects(store.write(({ platforms }) => platforms.insertBinding(row)))
      await assert.rejects(store.write(({ platforms }) => platforms.keepAnswer(one.answer)))
    })

    it('goes with the key, the instance, the tenant', async () => {
      const [one, two, three] = [await newBinding(), await newBinding(), await newBinding()]
      const { platforms } = store.read
      await store.write(({ keys }) => keys.delete(one.key))
      assert.equal(await platforms.binding(one.binding.instanceId, one.binding.id), undefined)
      assert.equal(await platforms.answer(one.key.id), undefined)
      assert.deepEqual(await platforms.instance(one.tenant.id, one.known.id), one.known)
      await store.write(({ instances }) => instances.delete(two.instance))
      await store.write(({ tenants }) => tenants.delete(three.tenant.id))
      for (const { tenant, known, binding, key } of [two, three]) {
        assert.equal(await platforms.instance(tenant.id, known.id), undefined)
        assert.equal(await platforms.binding(binding.instanceId, binding.id), undefined)
        assert.equal(await platforms.answer(key.id), undefined)
      }
    })

    it('answers are forgotten at their time, and not before', async () => {
      const { answer } = await newBinding()
      const { platforms } = store.read
      await store.write(tables => tables.platforms.deleteAnswersUntil(someTime - 1))
      assert.equal(await platforms.hasAnswersUntil(someTime - 1), false)
      assert.equal(await platforms.hasAnswersUntil(someTime), true)
      assert.deepEqual(await platforms.answer(answer.credentialId), answer)
      await store.write(tables => tables.platforms.deleteAnswersUntil(someTime))
      assert.equal(await platforms.hasAnswersUntil(someTime), false)
      assert.equal(await platforms.answer(answer.credentialId), undefined)
    })
  })
}
