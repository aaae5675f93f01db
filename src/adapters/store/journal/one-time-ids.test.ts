import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { GroupWrite, OneTimeId } from './engine.ts'
import { createOneTimeIds } from './one-time-ids.ts'
import { journalStatements } from './statements.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** A table in memory whose groups are let through by hand. */
function table() {
  const rows = new Map<string, number>()
  const groups: OneTimeId[][] = []
  const writes: GroupWrite[] = []
  let time = 1000
  let gate = Promise.withResolvers<void>()
  gate.resolve()
  const ids = createOneTimeIds(
    {
      async claimIds(group) {
        groups.push([...group])
        await gate.promise
        const taken = group.filter(({ id }) => rows.has(id)).map(({ id }) => id)
        for (const { id, keepUntil } of group) if (!rows.has(id)) rows.set(id, keepUntil)
        return taken
      },
      async write(statements) {
        writes.push(...statements)
      },
      statements: journalStatements.sqlite,
    },
    { log, now: () => time },
  )
  return {
    ids,
    rows,
    groups,
    writes,
    close: () => {
      gate = Promise.withResolvers()
      return gate
    },
    advance: (ms: number) => {
      time += ms
    },
  }
}

test('an id is free once', async () => {
  const { ids } = table()
  assert.equal(await ids.claim('a', 5), true)
  assert.equal(await ids.claim('a', 5), false)
  assert.equal(await ids.claim('b', 5), true)
})

test('what comes while a group is written goes into the next one, together', async () => {
  const { ids, groups, close } = table()
  const gate = close()
  const first = ids.claim('first', 5)
  await turn()
  const others = Array.from({ length: 2500 }, (_, i) => ids.claim(`id-${i}`, 5))
  assert.equal(groups.length, 1)
  gate.resolve()
  assert.equal(await first, true)
  assert.ok((await Promise.all(others)).every(Boolean))
  assert.deepEqual(
    groups.map(group => group.length),
    [1, 1000, 1000, 500],
  )
})

test('of one id several times in a group the first has it, and it is kept as long as any of them asks', async () => {
  const { ids, groups, rows, close } = table()
  const gate = close()
  const wait = ids.claim('wait', 1)
  await turn()
  const claims = [7, 9, 3].map(until => ids.claim('same', until))
  gate.resolve()
  await wait
  assert.deepEqual(await Promise.all(claims), [true, false, false])
  assert.equal(groups[1]!.length, 1)
  assert.equal(rows.get('same'), 9)
})

test('a group that cannot be written fails for all in it, and the next one is tried', async () => {
  let broken = true
  const ids = createOneTimeIds(
    {
      async claimIds() {
        if (broken) throw new Error('disk full')
        return []
      },
      async write() {},
      statements: journalStatements.sqlite,
    },
    { log, now: () => 0 },
  )
  const failed = await Promise.allSettled([ids.claim('a', 1), ids.claim('b', 1)])
  assert.ok(failed.every(({ status }) => status === 'rejected'))
  broken = false
  assert.equal(await ids.claim('a', 1), true)
})

test('old ids are deleted as fast as others come, and after a while in any case', async () => {
  const { ids, writes, advance } = table()
  await ids.claim('a', 5)
  assert.equal(writes.length, 0)
  advance(60_000)
  await ids.claim('b', 5)
  await ids.claim('c', 5)
  assert.equal(writes.length, 1)
  assert.equal(writes[0]!.parameters[0], 61_000)
  await Promise.all(Array.from({ length: 2000 }, (_, i) => ids.claim(`id-${i}`, 5)))
  await ids.claim('d', 5)
  const [, ...later] = writes
  assert.ok(later.reduce((sum, { parameters }) => sum + Number(parameters[1]), 0) >= 2 * 2000)
})
