import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from './random.ts'

test('no two draws are alike, whatever their size, and each has its length', () => {
  const random = createRandom()
  const seen = new Set<string>()
  for (let i = 0; i < 3000; i++) {
    const bytes = random(16 + (i % 3) * 8)
    assert.equal(bytes.length, 16 + (i % 3) * 8)
    assert.ok(!bytes.equals(Buffer.alloc(bytes.length)))
    seen.add(bytes.toString('hex'))
  }
  assert.equal(seen.size, 3000)
  assert.equal(random(100_000).length, 100_000)
})

test('what was handed out does not change afterwards', () => {
  const random = createRandom()
  const first = random(32)
  const copy = Buffer.from(first)
  for (let i = 0; i < 1000; i++) random(32)
  assert.deepEqual(first, copy)
})
