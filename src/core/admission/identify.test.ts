import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProblem, type Problem } from '../problem.ts'
import { identificationChecks, identify } from './identify.ts'
import type { Identification, ResourceRequest } from './way.ts'

const addresses = { mtls: () => 'https://mtls.example' }

/** Nothing may be looked up for what is refused by its form alone; only the hint names an address. */
const nothing = new Proxy({} as Identification, {
  get(_, name) {
    if (name === 'addresses') return addresses
    throw new Error(`${String(name)} was asked for`)
  },
})

async function refusal(authorization: string | undefined, accepts?: readonly string[]): Promise<Problem> {
  const request = { authorization, source: '203.0.113.1', tenant: {} } as ResourceRequest
  const found = await identify(request, nothing, accepts)
  assert.ok(isProblem(found), String(authorization))
  return found
}

test('no header is told apart from a header that is no good', async () => {
  const none = await refusal(undefined)
  assert.equal(none.code, 'no_credentials')
  assert.match(none.hint!, /https:\/\/mtls\.example, the only address that asks for one/)
  assert.doesNotMatch((await refusal(undefined, ['Bearer'])).hint!, /certificate/)
  assert.equal((await refusal('')).code, 'bad_credentials')
  assert.equal((await refusal('Digest a')).code, 'bad_credentials')
  assert.equal((await refusal('Bearer')).code, 'invalid_token')
  assert.equal((await refusal('Basic')).code, 'bad_credentials')
})

test('a header that is malformed is refused without looking anything up', async () => {
  for (const header of [
    'Bearer ',
    'Bearer  ',
    'Bearer a b',
    'Bearer a,b',
    'Bearer "a"',
    'Bearer a\n',
    'Bearer =',
    'Basic ',
    'Basic a b',
    'Basic é',
    `Basic ${'A'.repeat(5000)}`,
    'Basic YQ==',
    `Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}`,
    `Basic ${Buffer.from('a\0:b').toString('base64')}`,
    `Basic ${Buffer.from('%zz:b').toString('base64')}`,
  ])
    assert.match((await refusal(header)).check ?? '', /^(bearer|basic) form$/, header)
})

test('schemes are known without regard to case, and only as whole words', async () => {
  for (const header of ['BEARER', 'bearer "a"']) assert.equal((await refusal(header)).check, 'bearer form')
  for (const header of ['BASIC', 'basic ?']) assert.equal((await refusal(header)).check, 'basic form')
  for (const header of ['Bearerx', 'Basicx', 'XBearer x', 'Bearer:x', ' Bearer x'])
    assert.equal((await refusal(header)).check, 'credentials present', header)
})

test('an address that admits tokens only takes no Basic, and says what it takes', async () => {
  const refused = await refusal(`Basic ${Buffer.from('a:b').toString('base64')}`, ['Bearer'])
  assert.equal(refused.code, 'bad_credentials')
  assert.match(refused.reason, /scheme Basic is not accepted here/)
  assert.equal(refused.hint, 'Accepted here: Bearer.')
})

test('what stands in the place of the scheme is repeated only if it can be one', async () => {
  for (const header of [
    'csec_secret',
    'eyJhbGciOi.eyJ.x',
    `${'a'.repeat(21)} x`,
    'Digest',
    '"x" y',
    'a\nb c',
  ])
    assert.match(
      (await refusal(header)).reason,
      /^an Authorization header without a scheme is not accepted/,
      header,
    )
  assert.match((await refusal('AWS4-HMAC-SHA256 x')).reason, /scheme AWS4-HMAC-SHA256 is/)
})

test('the checks that will run are known from the header', () => {
  assert.deepEqual(identificationChecks({ authorization: undefined }), ['credentials present'])
  assert.deepEqual(identificationChecks({ authorization: 'Digest x' }), ['credentials present'])
  assert.deepEqual(identificationChecks({ authorization: 'Basic x' }), [
    'credentials present',
    'basic form',
    'client credential',
  ])
  const bearer = identificationChecks({ authorization: 'Bearer x' })
  assert.deepEqual(bearer.slice(0, 3), ['credentials present', 'bearer form', 'token structure'])
  assert.equal(new Set(bearer).size, bearer.length)
})
