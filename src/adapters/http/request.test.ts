import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerCorrelationId } from './request.ts'

test("the caller's correlation id is taken from X-Correlation-Id, else from X-Request-Id", () => {
  assert.equal(callerCorrelationId({ 'x-correlation-id': 'a', 'x-request-id': 'b' }), 'a')
  assert.equal(callerCorrelationId({ 'x-request-id': 'b' }), 'b')
  assert.equal(callerCorrelationId({}), undefined)
})

test('one that could break a line or a limit is left out', () => {
  assert.equal(callerCorrelationId({ 'x-correlation-id': '~'.repeat(128) }), '~'.repeat(128))
  for (const id of ['', ' ', 'a b', 'a\tb', 'a\nb', 'a\x7f', 'é', '\u2028', 'x'.repeat(129), ['a', 'b']])
    assert.equal(callerCorrelationId({ 'x-correlation-id': id as string }), undefined, JSON.stringify(id))
})
