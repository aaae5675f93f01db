import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transactions } from '../../store.ts'
import type { EntityState, ProvisioningTables } from '../store.ts'
import { createKnownStates } from './known-states.ts'

const state: EntityState = {
  ...{ entityType: 'user', targetId: 'cloud', id: 'ann', idInTarget: '1', digest: '', seen: 1 },
  pending: false,
  existed: false,
}

test('a look-up misses nothing that is written down while it is under way', async () => {
  const rows: EntityState[] = []
  const read = Promise.withResolvers<void>()
  const entities = {
    async find() {
      const found = [...rows]
      await read.promise
      return found
    },
    async idsIn() {
      const found = new Map(rows.map(({ id, idInTarget }) => [id, idInTarget]))
      await read.promise
      return found
    },
  }
  const store = { read: { entities } } as unknown as Transactions<ProvisioningTables>
  const known = createKnownStates(store, 'hr')
  known.add([state])
  const looking = [known.find('user', ['ann']), known.idsIn('cloud', 'user', ['ann'])]
  await known.note([], async all => void rows.push(...all))
  read.resolve()
  assert.deepEqual(await Promise.all(looking), [[state], new Map([['ann', '1']])])
})
