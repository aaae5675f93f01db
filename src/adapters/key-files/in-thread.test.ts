import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { newRoot, pemOf, pkcs8 } from '../../../test/support/senders.ts'
import { isProblem } from '../../core/problem.ts'
import { createKeyFileReading } from './in-thread.ts'

const sender = newRoot('of files').issue()
const file = pemOf(sender.der) + pkcs8(sender.pair)
const opening = { passphrase: undefined, entry: undefined }

test('a file is read in a thread: its key signs here, and nothing waited meanwhile', async () => {
  let turns = 0
  const ticking = setInterval(() => turns++, 1)
  const read = await createKeyFileReading()(file, opening)
  clearInterval(ticking)
  assert.ok(!isProblem(read))
  assert.ok(createPublicKey(read.privateKey!).equals(sender.pair.publicKey))
  assert.deepEqual(read.certificates, [sender.der])
  assert.ok(turns > 0)
})

test('what cannot be read is refused in the same words, and the next file is read', async () => {
  const reading = createKeyFileReading()
  const [wrong, good] = await Promise.all([reading('garbage', opening), reading(file, opening)])
  assert.ok(isProblem(wrong))
  assert.match(wrong.description, /it cannot be imported/)
  assert.ok(!isProblem(good))
})

test('a file that takes too long is given up, and too many at once are sent away', async () => {
  const slow = await createKeyFileReading({ limitMs: 1 })(file, opening)
  assert.ok(isProblem(slow))
  assert.match(slow.description, /takes more than 0\.001 s/)
  const reading = createKeyFileReading({ mostWaiting: 2 })
  const all = await Promise.all(Array.from({ length: 3 }, () => reading(file, opening)))
  assert.deepEqual(
    all.map(each => (isProblem(each) ? each.code : 'read')),
    ['read', 'read', 'unavailable'],
  )
})
