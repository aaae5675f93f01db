import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isProblem } from '../problem.ts'
import { type InstanceParameters, readInstanceParameters } from './parameters.ts'

function good(input: unknown): InstanceParameters {
  const read = readInstanceParameters(input)
  if (isProblem(read)) throw new Error(read.description)
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined))
}
function refusal(input: unknown): string {
  const read = readInstanceParameters(input)
  assert.ok(isProblem(read), JSON.stringify(input))
  assert.equal(read.code, 'invalid_input')
  return read.description
}

test('nothing given leaves everything to the plan', () => {
  for (const input of [undefined, null, {}]) assert.deepEqual(good(input), {})
})

test('the described document is read as it stands', () => {
  assert.deepEqual(
    good({
      'grant-types': ['client_credentials'],
      'redirect-uris': [],
      roles: ['ESBMessaging.send', 'myRole1', 'myRole2'],
      'token-validity': 7200,
    }),
    {
      roles: ['ESBMessaging.send', 'myRole1', 'myRole2'],
      grantTypes: ['client_credentials'],
      redirectUris: [],
      tokenValidity: 7200,
    },
  )
})

test('members inside oauth2-configuration are read, and the outer ones win', () => {
  assert.deepEqual(good({ 'oauth2-configuration': { 'token-validity': '7200' } }), { tokenValidity: 7200 })
  assert.deepEqual(
    good({
      'token-validity': 3600,
      'oauth2-configuration': { 'token-validity': 7200, 'redirect-uris': ['https://a.example/'] },
    }),
    { tokenValidity: 3600, redirectUris: ['https://a.example/'] },
  )
})

test('the bounds of the token validity are inside', () => {
  for (const seconds of [3600, 86_400])
    assert.equal(good({ 'token-validity': seconds }).tokenValidity, seconds)
  assert.match(refusal({ 'token-validity': 3599 }), /token-validity: must be at least 3600 s/)
  assert.match(refusal({ 'token-validity': 86_401 }), /must be at most 86400 s/)
  assert.match(refusal({ 'token-validity': 3600.5 }), /whole number of seconds/)
  assert.match(
    refusal({ 'oauth2-configuration': { 'token-validity': 1 } }),
    /oauth2-configuration\.token-validity/,
  )
})

test('deprecated and foreign grant types are told apart', () => {
  assert.match(refusal({ 'grant-types': ['client_x509'] }), /deprecated.*"client_credentials"/)
  assert.match(refusal({ 'oauth2-configuration': { 'grant-types': ['client_x509'] } }), /deprecated/)
  assert.match(refusal({ 'grant-types': ['password'] }), /"password" is not supported/)
})

test('every unknown member is named, the nearest known one with it', () => {
  assert.match(
    refusal({ rolse: [], 'grant-type': [] }),
    /rolse, did you mean roles\?; .*grant-type, did you mean grant-types\?/,
  )
  assert.match(refusal({ 'oauth2-configuration': { x: 1 } }), /unknown member oauth2-configuration\.x/)
})

test('whatever is given, it is read or refused with a reason, never thrown', () => {
  const member = fc.constantFrom(
    'roles',
    'grant-types',
    'token-validity',
    'oauth2-configuration',
    'dialect',
    'x',
  )
  const document = fc.oneof(fc.anything(), fc.dictionary(member, fc.anything()))
  fc.assert(
    fc.property(document, input => {
      const read = readInstanceParameters(input)
      if (isProblem(read)) assert.ok(read.description.length > 0)
      else if (read.tokenValidity !== undefined)
        assert.ok(read.tokenValidity >= 3600 && read.tokenValidity <= 86_400)
    }),
    { numRuns: 1000 },
  )
})
