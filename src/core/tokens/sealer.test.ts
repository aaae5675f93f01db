import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSealer, handlePrefix, readHandle } from './sealer.ts'

const context = { random: randomBytes }
const keyId = randomBytes(8).toString('base64url')
const tenantKey = randomBytes(32)
const sealer = createSealer(keyId, tenantKey, context)
const content = Buffer.from('["token","credential",1]')

test('a handle names its key and epoch, and opens in its own context', () => {
  const text = sealer.seal('tenant a', content)
  assert.ok(text.startsWith(handlePrefix))
  const handle = readHandle(text)!
  assert.equal(handle.keyId, keyId)
  assert.deepEqual(sealer.open('tenant a', handle), content)
  for (const other of ['tenant b', '', 'tenant a ']) assert.equal(sealer.open(other, handle), undefined)
})

test('no two handles of an epoch share a nonce, and no two starts share an epoch', () => {
  const nonces = new Set<string>()
  const salts = new Set<string>()
  for (let i = 0; i < 1000; i++) {
    const { salt, sealed } = readHandle(sealer.seal('', content))!
    nonces.add(sealed.subarray(0, 12).toString('hex'))
    salts.add(salt.toString('hex'))
  }
  assert.equal(nonces.size, 1000)
  assert.equal(salts.size, 1)
  const restarted = createSealer(keyId, tenantKey, context)
  assert.ok(!salts.has(readHandle(restarted.seal('', content))!.salt.toString('hex')))
})

test('an epoch ends after its last token: the next has another salt, and the tokens of both open', () => {
  const short = createSealer(keyId, tenantKey, context, 3)
  const handles = Array.from({ length: 7 }, () => readHandle(short.seal('x', content))!)
  const epochs = Map.groupBy(handles, ({ salt }) => salt.toString('hex'))
  assert.deepEqual(
    [...epochs.values()].map(({ length }) => length),
    [3, 3, 1],
  )
  const used = handles.map(({ salt, sealed }) =>
    Buffer.concat([salt, sealed.subarray(0, 12)]).toString('hex'),
  )
  assert.equal(new Set(used).size, 7, 'no nonce twice in an epoch')
  for (const handle of handles)
    for (const opener of [short, sealer]) assert.deepEqual(opener.open('x', handle), content)
})

test('another process with the same key opens it; one with another key does not', () => {
  const handle = readHandle(sealer.seal('x', content))!
  assert.deepEqual(createSealer(keyId, tenantKey, context).open('x', handle), content)
  assert.equal(createSealer(keyId, randomBytes(32), context).open('x', handle), undefined)
})

test('made-up salts do not push the real ones out, nor open anything', () => {
  const handle = readHandle(sealer.seal('x', content))!
  for (let i = 0; i < 1000; i++)
    assert.equal(sealer.open('x', { ...handle, salt: randomBytes(16) }), undefined)
  assert.deepEqual(sealer.open('x', handle), content)
})

test('a key id has 8 bytes', () => {
  for (const id of ['', 'AAAA', randomBytes(16).toString('base64url')])
    assert.throws(() => createSealer(id, tenantKey, context), RangeError)
})

test('what is no handle is told by its form', () => {
  const good = sealer.seal('', content)
  for (const text of [
    '',
    handlePrefix,
    'cst',
    `${handlePrefix}AAAA`,
    `${good}=`,
    `${good} `,
    good.slice(4),
    `X${good}`,
  ])
    assert.equal(readHandle(text), undefined, text)
  assert.equal(readHandle(`${handlePrefix}${'A'.repeat(5000)}`), undefined, 'too long')
  fc.assert(fc.property(fc.string(), text => void readHandle(handlePrefix + text)))
})
