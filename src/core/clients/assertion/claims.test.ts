import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { claimsProblem, longestAssertionMs, soleAudience } from './claims.ts'

const now = 1_800_000_000_000
const seconds = now / 1000
const expected = { clientId: 'sb-1', audiences: ['https://a.example'], longestMs: longestAssertionMs, now }
const good = { iss: 'sb-1', sub: 'sb-1', aud: 'https://a.example', exp: seconds + 60, jti: 'once' }

const problem = (more: Record<string, unknown> = {}, at: Partial<typeof expected> = {}) =>
  claimsProblem({ ...good, ...more }, { ...expected, ...at })

test('what is good is good up to its last second, with a minute for clocks', () => {
  assert.equal(problem(), undefined)
  for (const [exp, accepted] of [
    [seconds - 59.9, true],
    [seconds - 60, false],
    [seconds + 660, true],
    [seconds + 660.1, false],
  ] as const)
    assert.equal(problem({ exp }) === undefined, accepted, String(exp - seconds))
  for (const name of ['nbf', 'iat']) {
    assert.equal(problem({ [name]: seconds + 60 }), undefined)
    assert.match(problem({ [name]: seconds + 60.5 })!, new RegExp(`its ${name} is 61 s in the future`))
    assert.equal(problem({ [name]: 0 }), undefined)
  }
})

test('a refusal says by how many seconds', () => {
  assert.match(problem({ exp: seconds - 90 })!, /^it expired 90 s ago/)
  assert.match(problem({ exp: seconds + 3600 })!, /^it is good for 3600 s, longer than the 600 allowed/)
})

test('the first rule that is broken is the one that is told', () => {
  assert.match(problem({ iss: 'a', aud: 'b', exp: 0 })!, /^sub/)
  assert.match(problem({ iss: 'a', sub: 'a', aud: 'b', exp: 0 })!, /^iss/)
  assert.match(problem({ aud: 'b', exp: 0 })!, /^aud/)
  assert.match(problem({ exp: 0, jti: '' })!, /^it expired/)
  assert.match(problem({ jti: '' })!, /^jti/)
})

test('several audiences may be accepted, one may be named', () => {
  const audiences = ['https://a.example', 'https://a.example/oauth/token']
  for (const aud of [...audiences, ...audiences.map(each => [each])])
    assert.equal(problem({ aud }, { audiences }), undefined)
  assert.match(problem({ aud: audiences }, { audiences })!, /names 2 audiences/)
  assert.equal(soleAudience({ aud: audiences }), undefined)
  assert.equal(soleAudience({ aud: [audiences[0]] }), audiences[0])
})

test('whatever the claims are, it is an answer; and one claim of another type is never good', () => {
  fc.assert(
    fc.property(fc.constantFrom('iss', 'sub', 'aud', 'exp', 'jti'), fc.anything(), (name, value) => {
      const found = problem({ [name]: value })
      if (typeof value !== 'string' && typeof value !== 'number' && !Array.isArray(value))
        assert.equal(typeof found, 'string')
    }),
  )
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.anything()),
      claims => typeof claimsProblem(claims, expected) === 'string',
    ),
  )
})
