import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tokenFormat, tokenFormats } from './index.ts'

test('every text belongs to exactly one format', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map(tail => `cst_${tail}`),
      ),
      text => {
        assert.equal(tokenFormats.filter(format => format.recognises(text)).length, 1)
      },
    ),
  )
})

test('a format is chosen by its exact name', () => {
  assert.equal(tokenFormat('jwt')?.name, 'jwt')
  assert.equal(tokenFormat('opaque')?.name, 'opaque')
  for (const name of ['', 'JWT', 'Opaque', 'toString', 'saml2'])
    assert.equal(tokenFormat(name), undefined, name)
})
