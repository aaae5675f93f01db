import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, hour } from './context.ts'
import { createExpiryWatch, type Ending } from './expiry.ts'
import type { EndingCount, EndingKey } from './meter.ts'

interface Line {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly message: string
}

function start() {
  let now = Date.UTC(2026, 0, 1, 1)
  const lines: Line[] = []
  const at = (level: string) => (fields: object, message: string) =>
    lines.push({ level, fields: { ...fields }, message })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  let told: { keys: readonly EndingKey[]; counts: readonly EndingCount[] } = { keys: [], counts: [] }
  const watch = createExpiryWatch(
    { now: () => now, log },
    {
      certificatesEnding(keys, counts) {
        told = { keys, counts }
      },
    },
  )
  return {
    /** A certificate that ends in so many days. */
    ending: (days: number, more: Partial<Ending> = {}): Ending => ({
      of: 'key',
      id: `in ${days}`,
      names: { tenant: 'default', instance: 'i', key: `k${days}` },
      notAfter: now + days * day,
      hint: 'Make a successor.',
      ...more,
    }),
    advance: (ms: number) => {
      now += ms
    },
    /** The lines that this call writes. */
    watch(endings: readonly Ending[]) {
      lines.length = 0
      watch(endings)
      return [...lines]
    },
    keys: () => told.keys,
    count: (of: string, state: string) =>
      told.counts.find(one => one.of === of && one.state === state)?.count,
  }
}

test('the nearer the end, the louder the line', () => {
  const world = start()
  for (const [days, level, left] of [
    [59.5, 'info', 59],
    [30.5, 'info', 30],
    [29, 'info', 29],
    [14.5, 'info', 14],
    [14, 'warn', 14],
    [3, 'warn', 3],
    [0.5, 'warn', 0],
    [0, 'error', 0],
    [-1.5, 'error', -2],
  ] as const) {
    const [line, ...more] = world.watch([world.ending(days)])
    assert.deepEqual(more, [])
    assert.equal(line?.level, level, String(days))
    assert.equal(line.fields.daysLeft, left)
    assert.equal(line.message, days > 0 ? 'a certificate ends soon' : 'a certificate has ended')
    assert.deepEqual(
      [line.fields.of, line.fields.tenant, line.fields.instance, line.fields.key, line.fields.hint],
      ['key', 'default', 'i', `k${days}`, 'Make a successor.'],
    )
  }
})

test('what ends later than in 60 days is not told of', () => {
  const world = start()
  assert.deepEqual(world.watch([world.ending(60.1), world.ending(365)]), [])
  assert.deepEqual(world.keys(), [])
  assert.equal(world.count('key', '60d'), 0)
})

test('each certificate has one line a day, and another one when it comes nearer', () => {
  const world = start()
  const ending = [world.ending(14.5)]
  assert.equal(world.watch(ending).length, 1)
  world.advance(11 * hour)
  assert.deepEqual(world.watch(ending), [])
  world.advance(hour)
  assert.deepEqual(
    world.watch(ending).map(({ level }) => level),
    ['warn'],
    'within 14 days now',
  )
  assert.deepEqual(world.watch(ending), [])
  world.advance(11 * hour)
  assert.equal(world.watch(ending).length, 1, 'the next day')
})

test('a certificate that nobody replaced has a line a day for 30 days after its end, and is counted for good', () => {
  const world = start()
  const ending = [world.ending(-29)]
  assert.equal(world.watch(ending).length, 1)
  world.advance(2 * day)
  assert.deepEqual(world.watch(ending), [])
  assert.equal(world.count('key', 'expired'), 1)
})

test('each certificate is counted once, in the nearest state that it is in', () => {
  const world = start()
  world.watch([
    ...[59, 45, 29, 13, 2, 1, -1].map(days => world.ending(days)),
    world.ending(10, { of: 'authority', id: 'a' }),
    world.ending(-10, { of: 'trusted', id: 't' }),
    world.ending(10, { of: 'server', id: 's' }),
  ])
  assert.deepEqual(
    ['60d', '30d', '14d', '3d', 'expired'].map(state => world.count('key', state)),
    [2, 1, 1, 2, 1],
  )
  assert.equal(world.count('authority', '14d'), 1)
  assert.equal(world.count('trusted', 'expired'), 1)
  assert.equal(world.count('server', '14d'), 1)
  assert.equal(world.count('server', '60d'), 0)
  assert.equal(world.keys().length, 7, 'keys alone are told by name')
  world.watch([])
  assert.equal(world.count('key', '60d'), 0, 'the next call replaces all')
  assert.deepEqual(world.keys(), [])
})

test('of too many, those are told that can still be prevented, the nearest first', () => {
  const world = start()
  const many = Array.from({ length: 1500 }, (_, i) => world.ending((i % 2 === 0 ? 1 : -1) * (i / 60 + 0.1)))
  const lines = world.watch(many)
  assert.equal(lines.length, 1001)
  assert.equal(lines.at(-1)?.message, 'more certificates end; no more lines today')
  const levels = lines.slice(0, -1).map(({ level }) => level)
  assert.equal(levels.filter(level => level !== 'error').length, 750)
  assert.equal(world.keys().length, 1000)
  assert.deepEqual(world.keys()[0]?.names.key, 'k0.1')
  assert.deepEqual(world.watch(many), [])
  assert.equal(world.count('key', 'expired'), 750)
})
