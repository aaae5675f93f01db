import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from './context.ts'

test('an identifier begins with a letter, whatever the random bytes: it can be an argument of a command', () => {
  for (let first = 0; first < 256; first++)
    assert.match(newId({ random: bytes => Buffer.alloc(bytes, first) }), /^[A-Za-f][\w-]{21}$/)
})
