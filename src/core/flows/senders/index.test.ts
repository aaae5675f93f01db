import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findSender, senders } from './index.ts'

test('the HTTPS sender adapter listens below /http for the methods of a message', () => {
  const https = findSender('HTTPS')
  assert.equal(https?.prefix, '/http')
  assert.deepEqual([...https.methods], ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
  assert.deepEqual(https.headers(['Accept', 'a/b', 'Cookie', 'c=d'], new Set(['cookie'])), ['Accept', 'a/b'])
})

test('an adapter is found by its exact name only', () => {
  for (const kind of ['https', 'HTTP', '', 'constructor']) assert.equal(findSender(kind), undefined, kind)
  assert.equal(new Set(senders.map(sender => sender.kind)).size, senders.length)
})
