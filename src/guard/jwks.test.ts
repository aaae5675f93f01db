import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type IssuerKey, issuerKey, issuerServer, signed } from '../../test/support/issuer.ts'
import { createGuard, type GuardOptions, isProblem } from './index.ts'

const [first, second] = (await Promise.all([issuerKey('ES256', 'one'), issuerKey('ES256', 'two')])) as [
  IssuerKey,
  IssuerKey,
]
const minute = 60_000
const hour = 60 * minute

/** An issuer, an API that trusts it, and a clock. */
async function world(t: TestContext, { path = '', options = {} as Partial<GuardOptions> } = {}) {
  const server = await issuerServer(t, first, path)
  const { state } = server
  const time = { now: 1_800_000_000_000 }
  const warnings: string[] = []
  const guard = createGuard({
    issuer: state.issuer,
    audience: 'api',
    clock: () => time.now,
    onWarning: message => warnings.push(message),
    ...options,
  })
  const token = (key = first, header = {}) => {
    const iat = time.now / 1000
    const claims = {
      iss: state.issuer,
      aud: 'api',
      sub: 'c',
      client_id: 'c',
      jti: 'j',
      iat,
      exp: iat + 7 * 86_400,
    }
    return signed(key, claims, header)
  }
  const check = async (text: string) => {
    const result = await guard.check({ authorization: `Bearer ${text}` })
    return isProblem(result) ? `${result.status} ${result.reason}` : 'passes'
  }
  return { ...server, time, warnings, guard, token, check }
}

describe('where the keys are', () => {
  test('the metadata of the issuer says it (RFC 8414)', async t => {
    const { check, token } = await world(t)
    assert.equal(await check(await token()), 'passes')
  })
  test('of a path issuer, the well-known part stands before the path', async t => {
    const { check, token, received } = await world(t, { path: '/tenants/a' })
    assert.equal(await check(await token()), 'passes')
    assert.equal(received[0]?.path, '/.well-known/oauth-authorization-server/tenants/a')
  })
  test('a server that only knows OpenID Connect Discovery is asked its way', async t => {
    const { check, token, state } = await world(t, { path: '/tenants/a' })
    state.metadataPath = '/tenants/a/.well-known/openid-configuration'
    assert.equal(await check(await token()), 'passes')
  })
  test('jwksUri makes metadata needless', async t => {
    const { state } = await issuerServer(t, first)
    const options = { jwksUri: String(state.metadata.jwks_uri), issuer: 'urn:issuer' }
    const { check, token, received } = await world(t, { options })
    const iat = 1_800_000_000
    const claims = { iss: 'urn:issuer', aud: 'api', sub: 'c', client_id: 'c', jti: 'j', iat, exp: iat + 60 }
    assert.equal(await check(await signed(first, claims)), 'passes')
    assert.match(await check(await token()), /^401 issuer/)
    assert.equal(received.length, 0)
  })
  test('metadata of another issuer is not believed', async t => {
    const { check, token, state } = await world(t)
    state.metadata.issuer = `${state.issuer}/`
    assert.match(await check(await token()), /^503 the metadata at .* is of another issuer/)
    assert.equal(state.fetches, 0)
  })
  for (const uri of [
    undefined,
    5,
    'keys',
    'http://keys.test/',
    'file:///etc/passwd',
    'https://a:b@keys.test/',
  ])
    test(`keys are not fetched from ${uri}`, async t => {
      const { check, token, state } = await world(t)
      state.metadata.jwks_uri = uri
      assert.match(await check(await token()), /^503 the metadata at .*: jwks_uri must/)
    })
  test('an https issuer cannot send the guard to plain http on this machine', async () => {
    const issuer = 'https://issuer.test'
    const asked: string[] = []
    const guard = createGuard({
      issuer,
      audience: 'api',
      fetch: async url => {
        asked.push(url.href)
        const body = JSON.stringify({ issuer, jwks_uri: 'http://localhost:9/keys' })
        return { status: 200, headers: {}, body }
      },
    })
    const result = await guard.check({ authorization: `Bearer ${await signed(first, {})}` })
    assert.ok(isProblem(result))
    assert.equal(result.status, 503)
    assert.match(result.reason, /jwks_uri must be an https address/)
    assert.deepEqual(asked, [`${issuer}/.well-known/oauth-authorization-server`])
  })
})

describe('how often keys are fetched', () => {
  test('once for many requests at once', async t => {
    const { check, token, state } = await world(t)
    const text = await token()
    const results = await Promise.all(Array.from({ length: 50 }, () => check(text)))
    assert.deepEqual(new Set(results), new Set(['passes']))
    assert.equal(state.fetches, 1)
  })
  const table: [cacheControl: string, kept: number][] = [
    ['public, max-age=900', 15 * minute],
    ['max-age="900"', 15 * minute],
    ['max-age=0', minute],
    ['no-store', minute],
    ['max-age=900, no-cache', minute],
    ['max-age=99999999999', 10 * minute],
    ['max-age=9999999', 24 * hour],
    ['public', 10 * minute],
    ['max-age=x', 10 * minute],
  ]
  for (const [cacheControl, kept] of table)
    test(`${cacheControl}: kept for ${kept / minute} min, then fetched in the background`, async t => {
      const { check, token, state, time, server } = await world(t)
      state.cacheControl = cacheControl
      const text = await token()
      await check(text)
      time.now += kept - 1
      assert.equal(await check(text), 'passes')
      assert.equal(state.fetches, 1)
      time.now += 1
      const fetched = new Promise(resolve => server.once('request', resolve))
      assert.equal(await check(text), 'passes')
      await fetched
      assert.equal(await check(await token(second)), '401 key: no signing key with kid "two" is published')
      assert.ok(state.fetches > 1)
    })
  test('for an unknown kid once in 30 s, whoever asks', async t => {
    const { check, token, state, time } = await world(t)
    await check(await token())
    const unknown = await Promise.all(
      Array.from({ length: 20 }, (_, i) => token(first, { kid: `made-up-${i}` })),
    )
    const all = () => Promise.all(unknown.map(check))
    for (const result of await all()) assert.match(result, /^401 key: no signing key with kid "made-up/)
    assert.equal(state.fetches, 2)
    time.now += 29_999
    await all()
    assert.equal(state.fetches, 2)
    time.now += 1
    await all()
    await all()
    assert.equal(state.fetches, 3)
  })
  test('a new key is found by its first token, also right after the keys were fetched', async t => {
    const { check, token, state } = await world(t)
    await check(await token())
    state.keys = [first.jwk, second.jwk]
    assert.equal(await check(await token(second)), 'passes')
  })
  test('made-up names hold a new key up for no longer than the cooldown', async t => {
    const { check, token, state, time } = await world(t)
    await check(await token())
    await check(await token(first, { kid: 'made-up' }))
    state.keys = [first.jwk, second.jwk]
    time.now += 29_999
    assert.match(await check(await token(second)), /^401 key/)
    time.now += 1
    assert.equal(await check(await token(second)), 'passes')
  })
  test("a wrong signature, or an alg that is not the key's, causes none", async t => {
    const { check, token, state, time } = await world(t)
    await check(await token())
    time.now += minute
    assert.match(await check(await token(second, { kid: 'one' })), /^401 signature/)
    assert.match(await check(await token(await issuerKey('EdDSA', 'one'))), /^401 algorithm/)
    assert.equal(state.fetches, 1)
  })
  test('none at all for a token that is refused without a key', async t => {
    const { check, token, received } = await world(t)
    assert.match(await check(await token(first, { typ: 'JWT' })), /^401 type/)
    assert.match(await check('nonsense'), /^401 structure/)
    assert.equal(received.length, 0)
  })
})

describe('a remembered token dies with its key', () => {
  test('when the key is no longer published', async t => {
    const { check, token, state, time } = await world(t)
    const text = await token()
    assert.equal(await check(text), 'passes')
    state.keys = [second.jwk]
    time.now += 30_000
    assert.equal(await check(await token(second)), 'passes')
    assert.match(await check(text), /^401 key: no signing key with kid "one"/)
  })
  test('when another key takes its name', async t => {
    const { check, token, state, time } = await world(t)
    const text = await token()
    assert.equal(await check(text), 'passes')
    state.keys = [{ ...second.jwk, kid: 'one' }, second.jwk]
    time.now += 30_000
    assert.equal(await check(await token(second)), 'passes')
    assert.match(await check(text), /^401 signature/)
  })
})

describe('a server that is down', () => {
  test('from the start: 503 that says when to try again, at most one try in 5 s', async t => {
    const { guard, token, state, time, check, received } = await world(t)
    state.down = true
    const text = await token()
    const problem = await guard.check({ authorization: `Bearer ${text}` })
    assert.ok(isProblem(problem))
    assert.equal(problem.status, 503)
    assert.deepEqual(problem.headers, { 'Retry-After': '5' })
    assert.match(problem.reason, /oauth-authorization-server answered 503/)
    const tries = received.length
    time.now += 4_999
    assert.match(await check(text), /^503/)
    assert.equal(received.length, tries)
    state.down = false
    time.now += 1
    assert.equal(await check(text), 'passes')
  })
  test('later: old keys serve for 24 h more, then 503; the operator is warned', async t => {
    const { check, token, state, time, warnings, received } = await world(t)
    const text = await token()
    await check(text)
    state.down = true
    time.now += 15 * minute + 24 * hour - 1
    assert.equal(await check(text), 'passes')
    // A second request that must wait for the fetch shows that it has failed.
    assert.match(await check(await token(second)), /^503/)
    assert.match(warnings[0] ?? '', /^the keys of the issuer could not be fetched: .* answered 503/)
    const tries = received.length
    time.now += 1
    assert.match(await check(text), /^503/)
    time.now += 30_000
    assert.match(await check(text), /^503/)
    assert.ok(received.length > tries)
    state.down = false
    time.now += 30_000
    assert.equal(await check(text), 'passes')
  })
  test('an unknown kid is then not refused for good, since nobody knows', async t => {
    const { check, token, state, time } = await world(t)
    await check(await token())
    state.down = true
    time.now += 30_000
    assert.match(await check(await token(second)), /^503/)
    assert.match(await check(await token(second)), /^503/)
    assert.equal(await check(await token()), 'passes')
  })
  test('or that publishes nothing usable: the keys in use stay', async t => {
    const { check, token, state, time, warnings } = await world(t)
    await check(await token())
    const broken: (readonly object[])[] = [
      [],
      [{ ...first.jwk, d: 'AA' }],
      [{ kty: 'oct', k: 'AA', kid: 'one' }],
    ]
    for (const keys of broken) {
      state.keys = keys
      time.now += 30_000
      assert.match(await check(await token(second)), /^503 no published key can be used/)
      assert.equal(await check(await token()), 'passes')
    }
    assert.equal(warnings.length, broken.length)
  })
  test('a clock that was set back blocks no fetch', async t => {
    const { check, token, state, time } = await world(t)
    await check(await token())
    state.keys = [second.jwk]
    time.now -= hour
    assert.equal(await check(await token(second)), 'passes')
  })
})
