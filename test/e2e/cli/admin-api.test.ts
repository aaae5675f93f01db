import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAdminApi } from '../../../src/app/commands/support/admin-api.ts'
import { Refused } from '../../../src/app/commands/support/errors.ts'
import { readServiceKey } from '../../../src/client/index.ts'
import { at, read, world } from './world.ts'

const open = (secret?: string) => {
  const key = readServiceKey(JSON.parse(read('admin.json')))
  return openAdminApi({
    key: { ...key, ...(secret && { clientSecret: secret }) },
    file: at('admin.json'),
    url: undefined,
    tenant: undefined,
    trust: () => [world.ca],
  })
}

test('a command that takes longer than its token lives gets another one', async () => {
  const api = open()
  await api.get('/instances')
  world.advance(30 * 86_400_000)
  await api.get('/instances')
  world.advance(30 * 86_400_000)
  await api.delete('/instances/erp')
})

test('who is not let in is told so, and does not ask for ever', async () => {
  await assert.rejects(open('wrong').get('/instances'), Refused)
})
