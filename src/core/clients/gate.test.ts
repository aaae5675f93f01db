import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createGate } from './gate.ts'

/** Work that ends when it is told to, and what has begun so far. */
function bench() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => () =>
    new Promise<string>(resolve => {
      begun.push(name)
      ends.set(name, () => resolve(name))
    })
  async function end(name: string) {
    ends.get(name)!()
    await setImmediate()
  }
  return { begun, work, end }
}

test('no more than the limit run at once, and the others in their turn', async () => {
  const { begun, work, end } = bench()
  const gate = createGate({ atOnce: 2, waitingOfSource: 10, waiting: 10 })
  const all = ['a', 'b', 'c', 'd'].map(name => gate.run('one', work(name)))
  assert.deepEqual(begun, ['a', 'b'])
  await end('b')
  assert.deepEqual(begun, ['a', 'b', 'c'])
  for (const name of ['a', 'c', 'd']) await end(name)
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd'])
})

test('nobody slips in between the end of one and the start of the next', async () => {
  const { begun, work } = bench()
  const gate = createGate({ atOnce: 1, waitingOfSource: 10, waiting: 10 })
  const first = gate.run('one', async () => 'first')
  const second = gate.run('one', work('second'))
  await first
  void gate.run('two', work('third'))
  await setImmediate()
  assert.deepEqual(begun, ['second'])
  void second
})

test('a source that sends much waits for itself: others have their turn before the rest of it', async () => {
  const { begun, work, end } = bench()
  const gate = createGate({ atOnce: 1, waitingOfSource: 3, waiting: 10 })
  for (const name of ['a1', 'a2', 'a3', 'a4']) void gate.run('a', work(name))
  void gate.run('b', work('b1'))
  assert.equal(await gate.run('a', work('a5')), 'full')
  for (const name of ['a1', 'a2', 'b1', 'a3']) await end(name)
  assert.deepEqual(begun, ['a1', 'a2', 'b1', 'a3', 'a4'])
})

test('past the bound of all sources nobody waits any more', async () => {
  const { work } = bench()
  const gate = createGate({ atOnce: 1, waitingOfSource: 5, waiting: 2 })
  for (const source of ['a', 'b', 'c']) void gate.run(source, work(source))
  assert.equal(await gate.run('d', work('d')), 'full')
})

test('work that fails gives its place free', async () => {
  const gate = createGate({ atOnce: 1, waitingOfSource: 1, waiting: 1 })
  await assert.rejects(
    gate.run('a', async () => {
      throw new Error('broken')
    }),
    /broken/,
  )
  assert.equal(await gate.run('a', async () => 'fine'), 'fine')
})
