import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refusal } from '../../guard/access-token.ts'
import { identityTokens, isMicrosoftIssuer, principalOf, type TokenClaimsSettings } from './token-form.ts'

const usual: TokenClaimsSettings = {
  isMicrosoft: false,
  usernameClaim: 'sub',
  clientIdClaim: undefined,
  groupsClaim: undefined,
  preferUsernameClaim: false,
}

/** Who calls with a token of these claims, as `user ID` or `client ID`, or why nobody. */
function whoIs(claims: Record<string, unknown>, settings: Partial<TokenClaimsSettings> = {}): string {
  const all = { ...usual, ...settings }
  const read = identityTokens(all).read(claims)
  const found = read instanceof Refusal ? read : principalOf(read, all)
  return found instanceof Refusal ? `refused: ${found.reason}` : `${found.type} ${found.id}`
}

const entra = { isMicrosoft: true, clientIdClaim: 'azp', usernameClaim: 'oid' }
const ofUser = { ver: '2.0', azp: 'app', oid: 'o', sub: 's', scp: 'access' }

describe('a token of Entra', () => {
  test('of a user is the user’s, also where a claim for clients is configured', () => {
    assert.equal(whoIs(ofUser, entra), 'user o')
    assert.equal(whoIs({ ...ofUser, idtyp: 'user', scp: undefined }, entra), 'user o')
  })

  test('of a user without the configured name is nobody’s, rather than the application’s', () => {
    assert.match(whoIs(ofUser, { ...entra, usernameClaim: 'email' }), /^refused: Neither/)
  })

  test('of an application is the application’s', () => {
    assert.equal(whoIs({ ver: '2.0', azp: 'app', oid: 'o', sub: 'o' }, entra), 'client app')
    assert.equal(whoIs({ ...ofUser, idtyp: 'app' }, entra), 'client app')
  })
})

test('an issuer of Entra is known by its address', () => {
  for (const issuer of [
    'https://login.microsoftonline.com/a/v2.0',
    'https://login.microsoftonline.us/a/v2.0',
    'https://login.partner.microsoftonline.cn/a/v2.0',
    'https://sts.windows.net/a/',
  ])
    assert.ok(isMicrosoftIssuer(issuer), issuer)
  for (const issuer of [
    'https://login.microsoftonline.com.attacker.example/a/v2.0',
    'https://issuer.example/login.microsoftonline.com/',
    'http://login.microsoftonline.com/a/v2.0',
  ])
    assert.ok(!isMicrosoftIssuer(issuer), issuer)
})

describe('a claim for clients', () => {
  test('counts where the issuer wrote it, not where another stands in for it', () => {
    const byClientId = { clientIdClaim: 'client_id' }
    assert.equal(whoIs({ sub: 'alice', client_id: 'app' }, byClientId), 'client app')
    assert.equal(whoIs({ sub: 'alice' }, byClientId), 'user alice')
    assert.equal(whoIs({ sub: 'alice', azp: 'app' }, byClientId), 'user alice')
  })
})

describe('a name', () => {
  test('that is empty, or one of several, names nobody', () => {
    for (const name of ['', [], ['alice', 'bob'], null, {}])
      assert.match(whoIs({ sub: 's', name }, { usernameClaim: 'name' }), /^refused: Neither/, String(name))
    assert.equal(whoIs({ sub: 's', name: ['alice'] }, { usernameClaim: 'name' }), 'user alice')
  })
})

test('a token has nothing to say about certificates, nor what is not in it', () => {
  const claims = { sub: 's', certificate: { subject: 'CN=root' }, oid: 'o' }
  const read = identityTokens(usual).read(claims)
  assert.ok(!(read instanceof Refusal))
  const principal = principalOf(read, usual)
  assert.ok(!(principal instanceof Refusal))
  assert.deepEqual(principal.claims, { sub: 's', oid: 'o' })
})

test('ID tokens and tokens that tell of something are no access tokens', () => {
  for (const name of ['nonce', 'at_hash', 'c_hash', 'events'])
    assert.match(whoIs({ sub: 's', [name]: 'x' }), /^refused: the token has/, name)
})
