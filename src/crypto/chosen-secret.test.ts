import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { hashChosenSecret, isChosenSecret } from './chosen-secret.ts'

const pepper = Buffer.alloc(32, 3)
const secret = 'a secret that somebody chose'

test('a chosen secret is known again by its hash', async () => {
  const stored = await hashChosenSecret(secret, pepper, randomBytes(16))
  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await isChosenSecret(secret, stored, pepper), true)
})

test('another secret, another pepper and another nonce are told', async () => {
  const stored = await hashChosenSecret(secret, pepper, Buffer.alloc(16, 1))
  for (const wrong of ['', `${secret} `, secret.slice(1), secret.toUpperCase()])
    assert.equal(await isChosenSecret(wrong, stored, pepper), false, JSON.stringify(wrong))
  assert.equal(await isChosenSecret(secret, stored, Buffer.alloc(32, 4)), false)
  const other = await hashChosenSecret(secret, pepper, Buffer.alloc(16, 2))
  const mixed = [...stored.split('$').slice(0, 4), ...other.split('$').slice(4, 5), stored.split('$')[5]]
  assert.equal(await isChosenSecret(secret, mixed.join('$'), pepper), false)
})

test('the published vector of RFC 9106 section 5.3 has its tag', async () => {
  // The function that is used, with the parameters of the vector, which needs associated data as well.
  const { argon2Sync } = await import('node:crypto')
  const tag = argon2Sync('argon2id', {
    message: Buffer.alloc(32, 1),
    nonce: Buffer.alloc(16, 2),
    secret: Buffer.alloc(8, 3),
    associatedData: Buffer.alloc(12, 4),
    parallelism: 4,
    tagLength: 32,
    memory: 32,
    passes: 3,
  })
  assert.equal(tag.toString('hex'), '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659')
})

test('what is no such hash, or asks for absurd work, is not computed', async () => {
  const stored = await hashChosenSecret(secret, pepper, randomBytes(16))
  for (const wrong of [
    '',
    'x',
    stored.replace('argon2id', 'argon2i'),
    stored.replace('v=19', 'v=16'),
    stored.replace('m=19456', 'm=9999999'),
    `${stored}A`,
  ])
    await assert.rejects(isChosenSecret(secret, wrong, pepper), RangeError, wrong)
  await assert.rejects(hashChosenSecret(secret, pepper, randomBytes(8)), RangeError)
})
