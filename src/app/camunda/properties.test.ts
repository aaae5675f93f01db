import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readProperties } from './properties.ts'

const documents = (text: string) => readProperties(text).map(document => Object.fromEntries(document))

test('names end at the first equals sign, colon or white space that is not escaped', () => {
  for (const line of ['a=b', 'a = b', 'a: b', 'a b', '  a\t=\tb', 'a\fb'])
    assert.deepEqual(documents(line), [{ a: 'b' }], JSON.stringify(line))
  assert.deepEqual(documents(String.raw`a\=b\:c\ d=e`), [{ 'a=b:c d': 'e' }])
  assert.deepEqual(documents('a==b\nc\nd = = e : f '), [{ a: '=b', c: '', d: '= e : f ' }])
})

test('comments and empty lines say nothing', () => {
  assert.deepEqual(documents('# a=b\n  ! c=d\n\n \t\ne=f#g!h'), [{ e: 'f#g!h' }])
  assert.deepEqual(documents(''), [{}])
})

test('a backslash at the end joins the next line without its indent, two of them do not', () => {
  assert.deepEqual(documents('a=b,\\\n   \t# c\\\r\n  d\ne=f\\\\\ng=h'), [{ a: 'b,# cd', e: 'f\\', g: 'h' }])
  assert.deepEqual(documents('a=b\\'), [{ a: 'b' }])
})

test('escapes stand for what they name, others for their letter', () => {
  assert.deepEqual(documents(String.raw`a=\t\n\r\f\\\u00e9\q\"\u12`), [{ a: '\t\n\r\f\\éq"u12' }])
})

test('a line of three dashes in a comment begins a new document', () => {
  assert.deepEqual(documents('a=1\n#---\nb=2\n!---  \nc=3\n# ---\nd=4'), [
    { a: '1' },
    { b: '2' },
    { c: '3', d: '4' },
  ])
})
