import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBase64url, encodeBase64url } from './base64url.ts'

test('the vectors of RFC 4648 section 10, without padding', () => {
  const vectors = {
    '': '',
    f: 'Zg',
    fo: 'Zm8',
    foo: 'Zm9v',
    foob: 'Zm9vYg',
    fooba: 'Zm9vYmE',
    foobar: 'Zm9vYmFy',
  }
  for (const [plain, encoded] of Object.entries(vectors)) {
    assert.equal(encodeBase64url(plain), encoded)
    assert.equal(decodeBase64url(encoded)?.toString(), plain)
  }
})

test('text is encoded as UTF-8, and the alphabet is that of URLs', () => {
  assert.equal(encodeBase64url('ü'), 'w7w')
  assert.equal(encodeBase64url(Buffer.from('fbff', 'hex')), '-_8')
  assert.deepEqual(decodeBase64url('-_8'), Buffer.from('fbff', 'hex'))
})

test('bytes have exactly one spelling', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
      const text = encodeBase64url(Buffer.from(bytes))
      assert.deepEqual(decodeBase64url(text), Buffer.from(bytes))
    }),
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), text => {
      const bytes = decodeBase64url(text)
      if (bytes) assert.equal(encodeBase64url(bytes), text)
    }),
  )
})

test('padding, the other alphabet, white space, unused bits and strange characters are refused', () => {
  const refused = [
    'Zg==',
    'Zm8=',
    '+_8',
    '-/8',
    'Zm 8',
    'Zm8\n',
    ' Zm8',
    'Zh',
    'Zm9',
    'Z',
    'Zm8.',
    'Zmü',
    'Zm8\0',
  ]
  for (const text of refused) assert.equal(decodeBase64url(text), undefined, JSON.stringify(text))
})
