import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { open, seal } from './seal.ts'

const key = randomBytes(32)
const sealed = seal(key, 'tenant key sig 1', Buffer.from('a private key'), randomBytes(12))

test('it is AES-256-GCM: test case 14 of the GCM specification', () => {
  const made = seal(Buffer.alloc(32), '', Buffer.alloc(16), Buffer.alloc(12))
  const expected = `${'00'.repeat(12)}cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919`
  assert.equal(made.toString('hex'), expected)
})

test('what was sealed opens in its own context, whatever it is', () => {
  assert.equal(open(key, 'tenant key sig 1', sealed)?.toString(), 'a private key')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (plain, context) => {
      const made = seal(key, context, Buffer.from(plain), randomBytes(12))
      assert.deepEqual(open(key, context, made), Buffer.from(plain))
    }),
  )
})

test('it opens under no other key and in no other context', () => {
  assert.equal(open(randomBytes(32), 'tenant key sig 1', sealed), undefined)
  for (const context of ['', 'tenant key sig 2', 'tenant key enc 1', 'tenant key sig 1 '])
    assert.equal(open(key, context, sealed), undefined, context)
})

test('any bit changed, any byte cut off or added: it does not open', () => {
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(open(key, 'tenant key sig 1', changed), undefined, `bit ${bit}`)
  }
  for (let length = 0; length < sealed.length; length++)
    assert.equal(open(key, 'tenant key sig 1', sealed.subarray(0, length)), undefined, `${length} bytes`)
  assert.equal(open(key, 'tenant key sig 1', Buffer.concat([sealed, Buffer.alloc(1)])), undefined)
})
