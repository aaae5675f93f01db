import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decryptRc2Cbc } from './rc2.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('RC2 decrypts the examples of RFC 2268 section 5', () => {
  const long = '88bca90e 90875a7f 0f79c384 627bafb2'
  const examples: readonly (readonly [string, number, string, string])[] = [
    // key, effective bits, plain, encrypted
    ['00000000 00000000', 63, '00000000 00000000', 'ebb773f9 93278eff'],
    ['ffffffff ffffffff', 64, 'ffffffff ffffffff', '278b27e4 2e2f0d49'],
    ['30000000 00000000', 64, '10000000 00000001', '30649edf 9be7d2c2'],
    ['88', 64, '00000000 00000000', '61a8a244 adacccf0'],
    ['88bca90e 90875a', 64, '00000000 00000000', '6ccf4308 974c267f'],
    [long, 64, '00000000 00000000', '1a807d27 2bbe5db1'],
    [long, 128, '00000000 00000000', '2269552a b0f85ca6'],
    [`${long} 16f80a6f 85920584 c42fceb0 be255daf 1e`, 129, '00000000 00000000', '5b78d3a4 3dfff1f1'],
  ]
  for (const [key, effectiveBits, plain, encrypted] of examples)
    test(`${key}, ${effectiveBits} bits`, () => {
      const options = { key: bytes(key), iv: Buffer.alloc(8), effectiveBits }
      assert.deepEqual(decryptRc2Cbc(bytes(encrypted), options), bytes(plain))
    })
})

test('RC2 chains blocks, and leaves what it is given alone', () => {
  const block = bytes('2269552a b0f85ca6')
  const content = Buffer.concat([block, block, block])
  const iv = bytes('01020304 05060708')
  const key = bytes('88bca90e 90875a7f 0f79c384 627bafb2')
  const plain = decryptRc2Cbc(content, { key, iv, effectiveBits: 128 })
  assert.deepEqual(plain, Buffer.concat([iv, block, block]))
  assert.deepEqual(content, Buffer.concat([block, block, block]))
})
