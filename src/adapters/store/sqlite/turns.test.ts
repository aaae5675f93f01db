import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTurns } from './turns.ts'

function turnsOf({ limitMs = 60_000, begin = () => {} }: { limitMs?: number; begin?: () => void } = {}) {
  const done: string[] = []
  const turns = createTurns({
    begin() {
      begin()
      done.push('begin')
    },
    rollback: () => void done.push('rollback'),
    limitMs,
  })
  return { turns, done }
}

describe('the turns of the writer', () => {
  it('come one after the other', async () => {
    const { turns, done } = turnsOf()
    await turns.take(0, 'a')
    const second = turns.take(1, 'a')
    assert.throws(() => turns.check(1, 'a'), /not open/)
    turns.check(0, 'a')
    turns.pass()
    await second
    turns.check(1, 'a')
    assert.throws(() => turns.check(0, 'a'), /not open/)
    assert.deepEqual(done, ['begin', 'begin'])
    turns.stop()
  })

  it('end by themselves when they last too long', async () => {
    const { turns, done } = turnsOf({ limitMs: 1 })
    await turns.take(0, 'slow')
    const next = turns.take(0, 'next')
    await next
    assert.throws(() => turns.check(0, 'slow'), /held the writer for too long/)
    assert.deepEqual(done, ['begin', 'rollback', 'begin'])
    turns.stop()
  })

  it('of a process that is gone are rolled back and forgotten, and only these', async () => {
    const { turns, done } = turnsOf()
    await turns.take(7, '1')
    const mine = turns.take(7, '2')
    const other = turns.take(8, '1')
    turns.dropAll(7)
    await assert.rejects(mine, /given up/)
    await other
    turns.check(8, '1')
    assert.deepEqual(done, ['begin', 'rollback', 'begin'])
    turns.stop()
  })

  it('that cannot begin are refused, and the next one is tried', async () => {
    let broken = true
    const { turns } = turnsOf({
      begin() {
        if (broken) throw new Error('disk full')
      },
    })
    await assert.rejects(turns.take(0, '1'), /disk full/)
    broken = false
    await turns.take(0, '2')
    turns.stop()
  })

  it('are not ended by somebody else’s rollback', async () => {
    const { turns } = turnsOf()
    await turns.take(0, '1')
    turns.drop(0, '2')
    turns.drop(1, '1')
    turns.check(0, '1')
    turns.stop()
    assert.throws(() => turns.check(0, '1'), /not open/)
  })
})
