import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshness, renewalPause } from './freshness.ts'

const hour = 3_600_000

test('a token is renewed once half of its life is over, not before', () => {
  assert.equal(freshness(0, hour, hour / 2 - 1), 'fresh')
  assert.equal(freshness(0, hour, hour / 2), 'renew')
})

test('a token with less than 30 seconds left is not given out', () => {
  assert.equal(freshness(0, hour, hour - 30_000), 'renew')
  assert.equal(freshness(0, hour, hour - 29_999), 'spent')
  assert.equal(freshness(0, hour, hour + 1), 'spent')
})

test('of a short-lived token the last tenth of its life is held back instead', () => {
  assert.equal(freshness(0, 60_000, 54_000), 'renew')
  assert.equal(freshness(0, 60_000, 54_001), 'spent')
  assert.equal(freshness(0, 60_000, 29_999), 'fresh')
})

test('the pause between failing renewals doubles up to five minutes', () => {
  const pauses = [1, 2, 3, 20].map(failures => renewalPause(failures, () => 0))
  assert.deepEqual(pauses, [5_000, 10_000, 20_000, 300_000])
  assert.equal(
    renewalPause(1, () => 0.5),
    5_625,
  )
})
