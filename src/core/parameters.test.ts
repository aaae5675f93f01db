import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bodyOnlyRules,
  formDecode,
  type Parameters,
  readParameters,
  tokenRequestRules,
} from './parameters.ts'
import { isProblem } from './problem.ts'

function read(body: string, query = '', rules = tokenRequestRules): Record<string, string> {
  const parameters = readParameters(body, query, rules)
  assert.ok(!isProblem(parameters), isProblem(parameters) ? parameters.description : '')
  return Object.fromEntries(parameters)
}

function refusal(body: string, query = '', rules = tokenRequestRules): string {
  const problem = readParameters(body, query, rules)
  assert.ok(isProblem(problem), `${body} ? ${query} was read`)
  assert.equal(problem.code, 'invalid_request')
  assert.match(problem.description, /^[ !#-[\]-~]+$/)
  return problem.description
}

test('names and values are form-decoded', () => {
  assert.deepEqual(read('grant_type=client_credentials&scope=a+b%20c&x%5B%5D=%C3%BC'), {
    grant_type: 'client_credentials',
    scope: 'a b c',
    'x[]': 'ü',
  })
  assert.deepEqual(read('a==&b=1=2'), { a: '=', b: '1=2' })
})

test('client ids of the described form may be sent encoded or raw', () => {
  const id = 'sb-1!b1|it-rt-default!b1'
  assert.equal(read(`client_id=${id}`).client_id, id)
  assert.equal(read(`client_id=${encodeURIComponent(id)}`).client_id, id)
  assert.equal(read(new URLSearchParams({ client_id: id }).toString()).client_id, id)
})

test('an empty value counts as left out, and so does a name alone', () => {
  assert.deepEqual(read('a=&b&=&c=1&&'), { c: '1' })
})

test('the described clients send grant_type, token_format, scope and client_id in the query', () => {
  const query = 'grant_type=client_credentials&token_format=opaque&scope=x&client_id=me'
  const expected = { grant_type: 'client_credentials', token_format: 'opaque', scope: 'x', client_id: 'me' }
  assert.deepEqual(read('', query), expected)
  assert.deepEqual(
    read('scope=x&client_id=me', 'grant_type=client_credentials&token_format=opaque'),
    expected,
  )
})

test('introspection and revocation take nothing from the query', () => {
  assert.deepEqual(read('', 'client_id=me&token_type_hint=access_token', bodyOnlyRules), {})
})

test('other parameters in the query are ignored', () => {
  assert.deepEqual(read('', 'resource=x&response_type=token&foo=bar'), {})
})

test('a repeated parameter is refused in the body, in the query and across both, the unknown ones too', () => {
  for (const [body, query] of [
    ['scope=a&scope=b', ''],
    ['scope=a&scope=a', ''],
    ['scope=&scope=b', ''],
    ['scope=a&sc%6Fpe=b', ''],
    ['unknown=1&unknown=2', ''],
    ['', 'grant_type=a&grant_type=a'],
    ['', 'unknown=1&unknown=2'],
    ['grant_type=a', 'grant_type=a'],
    ['client_id=a', 'scope=x&client_id=b'],
    ['resource=a', 'resource=b'],
    ['token_format=', 'token_format=jwt'],
  ] as const)
    assert.match(refusal(body, query), /is repeated$/, `${body} ? ${query}`)
})

test('the name of a repeated parameter is shown only where it is harmless', () => {
  assert.equal(refusal('scope=a&scope=b'), 'scope is repeated')
  for (const name of ['a"b', 'a\nb', 'ü', 'x'.repeat(41), '<script>']) {
    const encoded = encodeURIComponent(name)
    assert.equal(refusal(`${encoded}=1&${encoded}=2`), 'a parameter is repeated')
  }
})

test('a secret, an assertion or a token in the query is refused, and its value is not told', () => {
  for (const name of [
    'client_secret',
    'client_assertion',
    'assertion',
    'access_token',
    'token',
    'refresh_token',
  ])
    for (const rules of [tokenRequestRules, bodyOnlyRules]) {
      const problem = readParameters('grant_type=client_credentials', `${name}=topsecret`, rules)
      assert.ok(isProblem(problem), name)
      assert.equal(problem.code, 'invalid_request')
      assert.ok(!JSON.stringify(problem).includes('topsecret'), name)
    }
  assert.match(refusal('', 'client%5Fsecret=topsecret'), /^client_secret must not/)
})

test('broken percent encoding is refused', () => {
  for (const text of ['a=%', 'a=%4', 'a=%zz', '%=1', 'a=%ff', 'a=%c3%28', 'a=%ed%a0%80', 'a=%c0%af'])
    assert.match(refusal(text), /percent encoding/, text)
  assert.match(refusal('', 'a=%'), /percent encoding/)
})

test('names that objects have by themselves are names like any other', () => {
  assert.deepEqual(
    [...(readParameters('__proto__=1&constructor=2', '', bodyOnlyRules) as Parameters)],
    [
      ['__proto__', '1'],
      ['constructor', '2'],
    ],
  )
})

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })

test('what URLSearchParams writes is read as it was meant', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(word, word), { selector: ([name]) => name }), pairs => {
      const body = new URLSearchParams(pairs).toString()
      assert.deepEqual([...(readParameters(body, '', bodyOnlyRules) as Parameters)], pairs)
    }),
  )
})

test('whatever is read, URLSearchParams reads it so too; nothing makes it throw', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('a', 'b', '=', '&', '%', '4', '1', '+', ' ') }),
  )
  fc.assert(
    fc.property(text, text, (body, query) => {
      const parameters = readParameters(body, query, tokenRequestRules)
      if (isProblem(parameters)) return
      const both = [...new URLSearchParams(`&${query}`), ...new URLSearchParams(`&${body}`)]
      for (const [name, value] of parameters)
        assert.ok(
          both.some(([n, v]) => n === name && v === value),
          `${name}=${value}`,
        )
    }),
    { numRuns: 500 },
  )
})

test('a form value is decoded once, not twice', () => {
  assert.equal(formDecode('%2541'), '%41')
  assert.equal(formDecode('a%2Bb+c'), 'a+b c')
  assert.equal(formDecode('%'), undefined)
})
