import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type GuardedRequest, readBearer } from './bearer.ts'
import { createProblems, isProblem } from './problem.ts'

const problems = createProblems('api')
const read = (request: GuardedRequest) => readBearer(request, problems)

describe('a token is read', () => {
  const table: [string, GuardedRequest][] = [
    ['from the header', { authorization: 'Bearer a.b-c_d~e+f/g==' }],
    ['with the scheme in any case', { authorization: 'bEARER a.b-c_d~e+f/g==' }],
    ['with more spaces', { authorization: 'Bearer   a.b-c_d~e+f/g==  ' }],
    ['from the only header of a list', { authorization: ['Bearer a.b-c_d~e+f/g=='] }],
    [
      'beside a query without token',
      { authorization: 'Bearer a.b-c_d~e+f/g==', query: { token: 'x', a: ['b'] } },
    ],
    [
      'beside URLSearchParams',
      { authorization: 'Bearer a.b-c_d~e+f/g==', query: new URLSearchParams('a=access_token') },
    ],
  ]
  for (const [title, request] of table)
    test(title, () => assert.deepEqual(read(request), { token: 'a.b-c_d~e+f/g==' }))
})

describe('RFC 6750 section 3.1', () => {
  const realm = 'Bearer realm="api"'
  const table: [title: string, GuardedRequest, status: number, error: string | undefined][] = [
    ['no header', {}, 401, undefined],
    ['an empty list of headers', { authorization: [] }, 401, undefined],
    ['an empty header', { authorization: '' }, 401, undefined],
    ['Basic', { authorization: 'Basic YTpi' }, 401, undefined],
    ['DPoP', { authorization: 'DPoP abc' }, 401, undefined],
    ['a scheme that begins alike', { authorization: 'BearerX abc' }, 401, undefined],
    ['no token after Bearer', { authorization: 'Bearer' }, 401, 'invalid_token'],
    ['spaces after Bearer', { authorization: 'Bearer   ' }, 401, 'invalid_token'],
    ['two tokens', { authorization: 'Bearer a b' }, 401, 'invalid_token'],
    ['a token in quotes', { authorization: 'Bearer "abc"' }, 401, 'invalid_token'],
    ['a line break', { authorization: 'Bearer a\r\nX: b' }, 401, 'invalid_token'],
    ['padding in the middle', { authorization: 'Bearer a=b' }, 401, 'invalid_token'],
    ['an endless token', { authorization: `Bearer ${'a'.repeat(1_000_000)}` }, 401, 'invalid_token'],
    ['two headers', { authorization: ['Bearer a', 'Bearer a'] }, 400, 'invalid_request'],
    ['two headers of two schemes', { authorization: ['Basic YTpi', 'Bearer a'] }, 400, 'invalid_request'],
    ['two headers joined by a proxy', { authorization: 'Bearer a, Bearer b' }, 400, 'invalid_request'],
    ['a token in the query', { query: { access_token: 'a' } }, 400, 'invalid_request'],
    ['a token in the query as a list', { query: { access_token: ['a', 'b'] } }, 400, 'invalid_request'],
    ['an empty token in the query', { query: new URLSearchParams('access_token') }, 400, 'invalid_request'],
    ['header and query', { authorization: 'Bearer a', query: { access_token: 'a' } }, 400, 'invalid_request'],
  ]
  for (const [title, request, status, error] of table)
    test(`${title}: ${status} ${error ?? 'without an error code'}`, () => {
      const problem = read(request)
      assert.ok(isProblem(problem))
      assert.deepEqual([problem.status, problem.error], [status, error])
      const challenge = problem.headers['WWW-Authenticate'] ?? ''
      if (error) assert.ok(challenge.startsWith(`${realm}, error="${error}", error_description="`))
      else assert.equal(challenge, realm)
      assert.equal(problem.body.error, error ?? 'unauthorized')
    })
})

describe('values of WWW-Authenticate', () => {
  test('cannot end their quotes, nor the header', () => {
    const hostile = createProblems('a", error="x\\\r\nSet-Cookie: a=b\u00e4')
    assert.equal(
      hostile.noCredentials('').headers['WWW-Authenticate'],
      'Bearer realm="a\\", error=\\"x\\\\??Set-Cookie: a=b?"',
    )
    const scope = hostile.insufficientScope(['a"b', 'c\\d\n'], '').headers['WWW-Authenticate'] ?? ''
    assert.ok(scope.endsWith(', scope="a\\"b c\\\\d?"'))
  })
  test('never hold what was found', () => {
    const problem = problems.invalidToken('secret detail')
    assert.ok(!JSON.stringify([problem.headers, problem.body]).includes('secret detail'))
  })
  test('there is none with 503, but Retry-After in whole seconds', () => {
    assert.deepEqual(problems.unavailable('', 0.2).headers, { 'Retry-After': '1' })
    assert.deepEqual(problems.unavailable('', 4.1).headers, { 'Retry-After': '5' })
    assert.equal(problems.unavailable('', 1).body.error, 'temporarily_unavailable')
  })
})
