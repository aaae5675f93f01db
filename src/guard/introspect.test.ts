import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { issuerKey, signed } from '../../test/support/issuer.ts'
import { tokenServer } from '../../test/support/token-server.ts'
import { createGuard, type IntrospectOptions, isProblem } from './index.ts'

const issuer = 'https://issuer.test'
const key = await issuerKey('ES256', 'one')
const start = 1_800_000_000_000
const seconds = start / 1000
const activeAnswer = {
  active: true,
  iss: issuer,
  aud: 'api',
  client_id: 'c',
  sub: 'c',
  scope: 'read write',
  token_type: 'Bearer',
  exp: seconds + 600,
}

/** A guard and the introspection endpoint that it asks. */
async function world(t: TestContext, options: Partial<IntrospectOptions> = {}) {
  const state = {
    status: 200,
    answer: { ...activeAnswer } as unknown,
    hold: undefined as Promise<void> | undefined,
  }
  const { url, received } = await tokenServer(t, async () => {
    await state.hold
    return { status: state.status, body: state.answer }
  })
  const time = { now: start }
  const guard = createGuard({
    issuer,
    audience: 'api',
    keys: { keys: [key.jwk] },
    clock: () => time.now,
    introspect: { url, clientId: 'api:1', clientSecret: 's%c+t', ...options },
  })
  const check = async (token: string, thumbprint?: string) => {
    const certificate = thumbprint === undefined ? undefined : { thumbprint }
    const result = await guard.check({ authorization: `Bearer ${token}`, certificate })
    return isProblem(result) ? `${result.status} ${result.reason}` : [...result.roles].join(' ')
  }
  return { state, received, time, guard, check }
}

const jwt = (changes: object = {}, header = {}) =>
  signed(
    key,
    {
      iss: issuer,
      aud: 'api',
      sub: 'c',
      client_id: 'c',
      jti: 'j',
      iat: seconds,
      exp: seconds + 600,
      scope: 'read write',
      ...changes,
    },
    header,
  )

describe('opaque tokens', () => {
  test('are asked about as RFC 7662 says, with the id and secret of the API', async t => {
    const { check, received } = await world(t)
    assert.equal(await check('opaque.to-ken_1'), 'read write')
    const [question] = received
    assert.equal(question?.method, 'POST')
    assert.deepEqual(Object.fromEntries(question?.form ?? []), {
      token: 'opaque.to-ken_1',
      token_type_hint: 'access_token',
    })
    const [scheme, credentials] = (question?.headers.authorization ?? '').split(' ')
    assert.equal(scheme, 'Basic')
    assert.equal(Buffer.from(credentials ?? '', 'base64').toString(), 'api%3A1:s%25c%2Bt')
  })
  const refusals: [title: string, answer: object, reason: RegExp][] = [
    ['that are not active', { active: false }, /not active/],
    ['of another issuer', { iss: 'https://other.test' }, /issuer/],
    ['for another audience', { aud: 'other' }, /audience/],
    ['for no audience', { aud: undefined }, /audience/],
    ['that have expired', { exp: seconds - 60 }, /expired/],
    ['with exp as text', { exp: 'never' }, /exp/],
    ['that are not valid yet', { nbf: seconds + 61 }, /nbf/],
    ['without client', { client_id: undefined }, /client_id/],
    ['with scope as a list', { scope: ['read'] }, /scope/],
    ['that are refresh tokens', { token_type: 'refresh_token' }, /token_type/],
    ['bound to a certificate', { cnf: { 'x5t#S256': 'A'.repeat(43) } }, /binding/],
    ['bound to a DPoP key', { cnf: { jkt: 'x' } }, /binding/],
    ['with cnf null', { cnf: null }, /binding/],
  ]
  for (const [title, change, reason] of refusals)
    test(`${title} are refused`, async t => {
      const { check, state } = await world(t)
      state.answer = { ...activeAnswer, ...change }
      for (const _ of [1, 2]) {
        const result = await check('opaque')
        assert.match(result, /^401 /)
        assert.match(result, reason)
      }
    })
  test('bound to a certificate pass with it', async t => {
    const { check, state } = await world(t)
    state.answer = { ...activeAnswer, cnf: { 'x5t#S256': 'A'.repeat(43) } }
    assert.equal(await check('opaque', 'A'.repeat(43)), 'read write')
    assert.match(await check('opaque', 'B'.repeat(43)), /^401 binding/)
  })
  test('without iss and exp, which are optional, pass', async t => {
    const { check, state } = await world(t)
    state.answer = { active: true, client_id: 'c', aud: ['x', 'api'], token_type: 'bearer' }
    assert.equal(await check('opaque'), '')
  })
})

describe('no clear answer lets nobody pass', () => {
  const table: [title: string, status: number, answer: unknown][] = [
    ['500', 500, activeAnswer],
    ['401, because the secret of the API is wrong', 401, { error: 'invalid_client' }],
    ['201', 201, activeAnswer],
    ['HTML', 200, '<html>'],
    ['active as text', 200, { ...activeAnswer, active: 'true' }],
    ['active as a number', 200, { ...activeAnswer, active: 1 }],
    ['no active', 200, { ...activeAnswer, active: undefined }],
  ]
  for (const [title, status, answer] of table)
    test(`${title}: 503, and the next request asks again`, async t => {
      const { check, state, received } = await world(t)
      Object.assign(state, { status, answer })
      assert.match(await check('opaque'), /^503 introspection: /)
      Object.assign(state, { status: 200, answer: activeAnswer })
      assert.equal(await check('opaque'), 'read write')
      assert.equal(received.length, 2)
    })
  test('200 questions under way are the most', async t => {
    const { check, state, received } = await world(t)
    const gate = Promise.withResolvers<void>()
    state.hold = gate.promise
    const waiting = Array.from({ length: 200 }, (_, i) => check(`opaque-${i}`))
    assert.match(await check('one-more'), /^503 introspection: 200 questions/)
    gate.resolve()
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['read write']))
    assert.equal(received.length, 200)
  })
})

describe('answers are kept', () => {
  test('for ttlSeconds, good and bad ones; many who ask at once cause one question', async t => {
    const { check, state, received, time } = await world(t, { ttlSeconds: 10 })
    await Promise.all(Array.from({ length: 20 }, () => check('opaque')))
    assert.equal(received.length, 1)
    state.answer = { active: false }
    time.now += 9_999
    assert.equal(await check('opaque'), 'read write')
    time.now += 1
    assert.match(await check('opaque'), /not active/)
    assert.equal(received.length, 2)
    state.answer = activeAnswer
    time.now += 9_999
    assert.match(await check('opaque'), /not active/)
    time.now += 1
    assert.equal(await check('opaque'), 'read write')
  })
  test('never past exp', async t => {
    const { check, received, time } = await world(t, { ttlSeconds: 3600 })
    await check('opaque')
    time.now += 600_000
    await check('opaque')
    assert.equal(received.length, 2)
    time.now += 60_000
    assert.match(await check('opaque'), /expired/)
  })
  test('a good one does not come back after a bad one, though the clock is set back', async t => {
    const { check, state, time } = await world(t, { ttlSeconds: 10 })
    await check('opaque')
    state.answer = { active: false }
    time.now += 10_000
    assert.match(await check('opaque'), /not active/)
    time.now -= 5_000
    assert.match(await check('opaque'), /not active/)
  })
  test('not at all with ttlSeconds 0', async t => {
    const { check, received } = await world(t, { ttlSeconds: 0 })
    await check('opaque')
    await check('opaque')
    assert.equal(received.length, 2)
  })
  test('a flood of made-up tokens does not push out those in use', async t => {
    const { url, received } = await tokenServer(t, ({ form }) => ({
      body: form.get('token') === 'good' ? activeAnswer : { active: false },
    }))
    const introspect = { url, clientId: 'a', clientSecret: 'b' }
    const guard = createGuard({
      issuer,
      audience: 'api',
      keys: { keys: [key.jwk] },
      clock: () => start,
      maxCachedTokens: 5,
      introspect,
    })
    const check = (token: string) => guard.check({ authorization: `Bearer ${token}` })
    await check('good')
    for (let i = 0; i < 20; i++) await check(`made-up-${i}`)
    await check('good')
    assert.equal(received.filter(({ form }) => form.get('token') === 'good').length, 1)
  })
})

describe('JWTs', () => {
  test('are not asked about by default', async t => {
    const { check, received } = await world(t)
    assert.equal(await check(await jwt()), 'read write')
    assert.equal(received.length, 0)
  })
  test('that fail here are never asked about, so that no ID token passes as an opaque one', async t => {
    for (const always of [false, true]) {
      const { check, received } = await world(t, { always })
      const good = await jwt()
      const encrypted = `${Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')}..a.b.c`
      const bad = [
        await jwt({}, { typ: 'JWT' }),
        await jwt({ aud: 'x' }),
        `${good}.a.b`,
        encrypted,
        good.slice(0, -9),
      ]
      for (const token of bad) assert.match(await check(token), /^401 /)
      assert.equal(received.length, 0)
    }
  })
  test('are asked about with always: a revocation counts after ttlSeconds, and roles are those of now', async t => {
    const { check, state, time } = await world(t, { always: true, ttlSeconds: 5 })
    const token = await jwt()
    assert.equal(await check(token), 'read write')
    state.answer = { ...activeAnswer, scope: 'read' }
    time.now += 5_000
    assert.equal(await check(token), 'read')
    state.answer = { active: false }
    time.now += 5_000
    assert.match(await check(token), /not active/)
    state.status = 500
    time.now += 5_000
    assert.match(await check(token), /^503/)
  })
  test('keep their binding though the answer is silent about it', async t => {
    const { check } = await world(t, { always: true })
    assert.match(await check(await jwt({ cnf: { 'x5t#S256': 'A'.repeat(43) } })), /^401 binding/)
  })
  test('are refused when the answer is about another client', async t => {
    const { check, state } = await world(t, { always: true })
    state.answer = { ...activeAnswer, client_id: 'other' }
    assert.match(await check(await jwt()), /another client/)
  })
})
