import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { issuerKey, signed } from '../../test/support/issuer.ts'
import { createGuard, isProblem, Problem } from './index.ts'

const issuer = 'https://issuer.test/guid/v2.0'
const now = 1_800_000_000_000
const seconds = now / 1000
const key = await issuerKey('RS256', 'key-1')
const resource = 'id-of-the-resource'
const options = { issuer, audience: resource, keys: { keys: [key.jwk] }, clock: () => now }
const guard = createGuard({ ...options, tokens: 'entra' })

const claims = {
  iss: issuer,
  aud: resource,
  iat: seconds,
  nbf: seconds,
  exp: seconds + 3600,
  idtyp: 'app',
  oid: 'object',
  sub: 'object',
  roles: ['Orders.Read', 'Orders.Write'],
  uti: 'token-1',
  azp: 'client',
  azpacr: '1',
  ver: '2.0',
}
const { azp: _, ...withoutClient } = claims
const older = { ...withoutClient, ver: '1.0', appid: 'client' }

const checked = async (changes: object, header: object = {}, base: object = claims) => {
  const token = await signed(key, { ...base, ...changes }, { typ: 'JWT', ...header })
  return guard.check({ authorization: `Bearer ${token}` })
}

describe('a token of Microsoft Entra', () => {
  for (const [version, base] of [
    ['2', claims],
    ['1', older],
  ] as const)
    test(`of version ${version} tells the application and its roles`, async () => {
      const caller = await checked({}, {}, base)
      assert.ok(!isProblem(caller), JSON.stringify(caller))
      assert.equal(caller.clientId, 'client')
      assert.deepEqual([...caller.roles], ['Orders.Read', 'Orders.Write'])
      assert.deepEqual(caller.claims, {
        ...base,
        client_id: 'client',
        jti: 'token-1',
        scope: 'Orders.Read Orders.Write',
      })
      assert.equal(guard.requireRole(caller, 'Orders.Read'), undefined)
      assert.equal(guard.requireRole(caller, 'Orders.Delete')?.status, 403)
    })

  test('without roles has none, whatever other claims are called', async () => {
    const more = { scope: 'Orders.Read', scp: 'Orders.Read', client_id: 'another', jti: 'another' }
    for (const roles of [undefined, []]) {
      const caller = await checked({ ...more, roles })
      assert.ok(!isProblem(caller))
      assert.deepEqual([...caller.roles], [])
      assert.deepEqual([caller.clientId, caller.claims.jti], ['client', 'token-1'])
    }
  })

  const table: [what: string, reason: RegExp, changes: object, header?: object][] = [
    ['with the typ of RFC 9068', /^type: typ is "at\+jwt", not jwt/, {}, { typ: 'at+jwt' }],
    ['of another issuer', /^issuer/, { iss: 'https://issuer.test/guid/' }],
    ['for another resource', /^audience/, { aud: `api://${resource}` }],
    ['that has expired', /^dates/, { exp: seconds - 60 }],
    ['without uti', /^claims: uti is missing/, { uti: undefined, jti: 'token-1' }],
    ['without azp, as ID tokens are', /^claims: azp is missing/, { azp: undefined, client_id: 'client' }],
    ['that names the client as the other version does', /^claims: azp/, { azp: undefined, appid: 'client' }],
    ['without sub', /^claims: sub/, { sub: undefined }],
    ['that speaks for a person', /^claims: idtyp is "user", not "app"/, { idtyp: 'user' }],
    ['that does not say for whom it speaks', /^claims: idtyp is missing/, { idtyp: undefined }],
    ['of no version', /^claims: ver is missing/, { ver: undefined }],
    ['of a version that is not known', /^claims: ver is "3.0"/, { ver: '3.0' }],
    ['whose roles are a text', /^claims: roles/, { roles: 'Orders.Read' }],
    ['whose roles are no texts', /^claims: roles/, { roles: [['Orders.Read']] }],
    ['with a role of two words', /^claims: roles/, { roles: ['Orders.Read Orders.Write'] }],
    ['bound to what is not presented', /^binding/, { cnf: { 'x5t#S256': 'A'.repeat(43) } }],
  ]
  for (const [what, reason, changes, header] of table)
    test(`${what} is refused`, async () => {
      const problem = await checked(changes, header)
      assert.ok(problem instanceof Problem)
      assert.deepEqual([problem.status, problem.error], [401, 'invalid_token'])
      assert.match(problem.reason, reason)
    })

  test('passes nowhere else than at guards that expect it', async () => {
    for (const typ of ['JWT', 'at+jwt']) {
      const token = await signed(key, claims, { typ })
      assert.ok(isProblem(await createGuard(options).check({ authorization: `Bearer ${token}` })))
    }
  })
})
