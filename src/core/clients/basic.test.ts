import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readBasic } from './basic.ts'

const header = (text: string | Buffer) => `Basic ${Buffer.from(text as string).toString('base64')}`
const formEncode = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)

test('ids and secrets of the described form may be form-encoded or raw', () => {
  const expected = { clientId: 'sb-1!b1|it-rt-default!b1', secret: 'csec_a-b_c' }
  assert.deepEqual(readBasic(header('sb-1!b1|it-rt-default!b1:csec_a-b_c')), expected)
  assert.deepEqual(readBasic(header(`${formEncode('sb-1!b1|it-rt-default!b1')}:csec_a-b_c`)), expected)
  assert.deepEqual(readBasic(header('sb-1%21b1%7Cit-rt-default%21b1:csec_a-b_c')), expected)
})

test('ids with colon, percent, plus and other alphabets work form-encoded', () => {
  for (const [clientId, secret] of [
    ['urn:client:1', 'a:b'],
    ['100%', 'x%41'],
    ['a+b', 'c d'],
    ['Müller', 'пароль'],
    ['', 'secret'],
    ['id', ''],
  ] as const)
    assert.deepEqual(readBasic(header(`${formEncode(clientId)}:${formEncode(secret)}`)), { clientId, secret })
})

test('the first colon separates; those in the secret may stay', () => {
  assert.deepEqual(readBasic(header('id:a:b:c')), { clientId: 'id', secret: 'a:b:c' })
})

test('the scheme is written in any case, with one space or more', () => {
  const encoded = Buffer.from('id:secret').toString('base64')
  for (const text of [`basic ${encoded}`, `BASIC ${encoded}`, `Basic   ${encoded}`, `Basic ${encoded} `])
    assert.deepEqual(readBasic(text), { clientId: 'id', secret: 'secret' }, text)
})

test('what is malformed is refused with a reason that holds nothing of it', () => {
  const malformed: Record<string, RegExp> = {
    'Basic ': /not base64/,
    Basic: /not base64/,
    'Basic ****': /not base64/,
    'Basic aWQ6c2Vj cmV0': /not base64/,
    'Basic aWQ6c2VjcmV0, Basic aWQ6c2VjcmV0': /not base64/,
    'Basic aWQ6c2Vj===': /not base64/,
    [`Basic ${'A'.repeat(5000)}`]: /not base64/,
    [header('no-colon')]: /no colon/,
    [header(Buffer.from('id:\xff', 'latin1'))]: /not UTF-8/,
    [header('id\n:topsecret')]: /control character/,
    [header('id:topsecret\0')]: /control character/,
    [header('id\x7f:topsecret')]: /control character/,
    [header('id%0D%0AX:topsecret')]: /control character/,
    [header('id:topsecret%00')]: /control character/,
    [header('id%:topsecret')]: /percent encoding/,
    [header('id:100%')]: /percent encoding/,
    [header('id:%ff')]: /percent encoding/,
  }
  for (const [text, reason] of Object.entries(malformed)) {
    const read = readBasic(text)
    assert.ok(typeof read === 'string', text)
    assert.match(read, reason, text)
    assert.ok(!read.includes('topsecret'), text)
  }
})

test('what was form-encoded is read as it was meant', () => {
  const printable = fc.string({ unit: 'grapheme' }).filter(text => !/\p{Cc}/u.test(text))
  fc.assert(
    fc.property(printable, printable, (clientId, secret) => {
      assert.deepEqual(readBasic(header(`${formEncode(clientId)}:${formEncode(secret)}`)), {
        clientId,
        secret,
      })
    }),
  )
})

test('no header makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      readBasic(text)
      readBasic(`Basic ${text}`)
      readBasic(header(text))
    }),
  )
})
