import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { tokenAnswer, tokenServer } from '../../test/support/token-server.ts'
import type { TokenClientOptions } from './index.ts'
import { clientSecretBasic, clientSecretPost, createTokenClient, TokenError } from './index.ts'

const secret = 'csk_the+secret%'
const start = Date.UTC(2030, 0, 1)

/** A client of a server that gives this answer to everything, and never waits. */
async function against(
  t: TestContext,
  answer: { status?: number; headers?: Record<string, string>; body?: unknown },
  options: Partial<TokenClientOptions> = {},
) {
  const server = await tokenServer(t, () => answer)
  const client = createTokenClient({
    tokenUrl: server.url,
    auth: clientSecretBasic('client', secret),
    clock: () => start,
    wait: async () => {},
    random: () => 0,
    ...options,
  })
  t.after(() => client.close())
  return { client, server }
}

async function failure(promise: Promise<unknown>): Promise<TokenError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof TokenError, String(error))
    return error
  }
  throw new assert.AssertionError({ message: 'it gave a token' })
}

test('the request is a form by POST with all that was asked for', async t => {
  const { client, server } = await against(t, tokenAnswer(), {
    scope: 'a b',
    resource: ['https://one.test', 'https://two.test'],
    audience: 'three',
    parameters: { token_format: 'opaque' },
  })
  await client.token()
  const request = server.received[0]
  assert.equal(request?.method, 'POST')
  assert.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded')
  assert.equal(request?.headers.accept, 'application/json')
  assert.deepEqual(
    [...(request?.form ?? [])],
    [
      ['grant_type', 'client_credentials'],
      ['scope', 'a b'],
      ['resource', 'https://one.test'],
      ['resource', 'https://two.test'],
      ['audience', 'three'],
      ['token_format', 'opaque'],
    ],
  )
})

test('the answer is read whole: type in any case, expiry from before the request, scope, further members', async t => {
  const { client } = await against(t, {
    body: { access_token: 'abc', token_type: 'bEaReR', expires_in: '3599', scope: 'a', jti: 'j' },
  })
  const token = await client.token({ scope: 'a b' })
  assert.equal(token.value, 'abc')
  assert.equal(token.type, 'Bearer')
  assert.equal(token.expiresAt, start + 3_599_000)
  assert.equal(token.scope, 'a')
  assert.equal(token.raw.jti, 'j')
  assert.equal(await client.authorizationHeader({ scope: 'a b' }), 'Bearer abc')
})

test('a server that does not say the scope granted what was asked for', async t => {
  const { client } = await against(t, tokenAnswer())
  assert.equal((await client.token({ scope: 'a b' })).scope, 'a b')
  assert.equal('scope' in (await client.token()), false)
})

test('a refusal carries the words of the server and what to do', async t => {
  const { client, server } = await against(t, {
    status: 401,
    body: { error: 'invalid_client', error_description: 'Bad credentials', correlation_id: 'c-17' },
  })
  const error = await failure(client.token())
  assert.equal(error.code, 'refused')
  assert.equal(error.status, 401)
  assert.equal(error.error, 'invalid_client')
  assert.equal(error.error_description, 'Bad credentials')
  assert.equal(error.correlation_id, 'c-17')
  assert.match(
    error.message,
    /\/oauth\/token gave no token: 401 invalid_client: "Bad credentials" \(correlation id c-17\)\. Check client id/,
  )
  assert.equal(server.received.length, 1)
})

test('a correlation id that stands only in the header is found', async t => {
  const { client } = await against(t, {
    status: 404,
    headers: { 'x-correlation-id': 'c-18' },
    body: '<html>',
  })
  const error = await failure(client.token())
  assert.equal(error.correlation_id, 'c-18')
  assert.match(error.message, /404, an HTML or XML page \(correlation id c-18\)\. Check the token URL/)
})

test('200 with an error is a refusal', async t => {
  const body = { error: 'invalid_scope', error_description: 'x is invalid', access_token: 'leaked' }
  const { client } = await against(t, { body })
  const error = await failure(client.token())
  assert.equal(error.code, 'refused')
  assert.match(error.message, /200 invalid_scope: "x is invalid"\. Ask for fewer scopes/)
})

test('no message repeats the secret, in whatever form the server sends it back', async t => {
  const basic = Buffer.from('client:csk_the%2Bsecret%25').toString('base64')
  const sent: [TokenClientOptions['auth'], string[]][] = [
    [clientSecretBasic('client', secret), [secret, 'csk_the%2Bsecret%25', basic]],
    [clientSecretPost('client', secret), [secret]],
  ]
  for (const [auth, forms] of sent) {
    const error_description = `got ${forms.join(' and ')}\r\n2030 forged log line`
    const { client } = await against(t, { status: 400, body: { error: secret, error_description } }, { auth })
    const error = await failure(client.token())
    const everything = inspect(error, { depth: 9, showHidden: true })
    for (const form of forms) assert.ok(!everything.includes(form), everything)
    assert.ok(error.message.includes('[hidden]'))
    assert.ok(!error.message.includes('\n'))
  }
})

test('no message repeats a token, even when the answer is broken', async t => {
  const answers = [
    { body: '{"access_token":"tok-secret","token_type":"bearer","expires_in":3600' },
    { body: { access_token: 'tok-secret', token_type: 'mac', expires_in: 3600 } },
    { body: { access_token: 'tok-secret', token_type: 'bearer' } },
    {
      status: 400,
      body: { error: 'invalid_request', error_description: 'tok-secret', access_token: 'tok-secret' },
    },
  ]
  for (const answer of answers) {
    const { client } = await against(t, answer)
    const error = await failure(client.token())
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('tok-secret'), error.message)
  }
})

test('an endless description is cut', async t => {
  const { client } = await against(t, {
    status: 400,
    body: { error: 'x', error_description: 'y'.repeat(100_000) },
  })
  assert.ok((await failure(client.token())).message.length < 1500)
})

test('an error named like a built-in member gets the plain advice', async t => {
  const { client } = await against(t, { status: 400, body: { error: 'constructor', error_description: {} } })
  assert.match((await failure(client.token())).message, /400 constructor\. Check the token URL/)
})

test('an answer that is no usable token answer is refused and not asked for again', async t => {
  const good = { access_token: 'abc', token_type: 'Bearer', expires_in: 3600 }
  const cases: [unknown, RegExp][] = [
    ['<html><body>Sign in</body></html>', /an HTML or XML page instead of JSON/],
    ['', /an empty body instead of JSON/],
    ['null', /text that is not JSON/],
    ['["abc"]', /text that is not JSON/],
    [{}, /without a usable access_token/],
    [{ ...good, access_token: '' }, /without a usable access_token/],
    [{ ...good, access_token: 7 }, /without a usable access_token/],
    [{ ...good, access_token: 'a\r\nX-Admin: 1' }, /without a usable access_token/],
    [{ ...good, token_type: undefined }, /not of type Bearer/],
    [{ ...good, token_type: 'DPoP' }, /not of type Bearer/],
    [{ ...good, expires_in: undefined }, /without a usable expires_in.*defaultExpiresIn/],
    [{ ...good, expires_in: 0 }, /without a usable expires_in/],
    [{ ...good, expires_in: -5 }, /without a usable expires_in/],
    [{ ...good, expires_in: 'soon' }, /without a usable expires_in/],
    [{ ...good, expires_in: [3600] }, /without a usable expires_in/],
  ]
  for (const [body, message] of cases) {
    const { client, server } = await against(t, { body })
    const error = await failure(client.token())
    assert.equal(error.code, 'invalid_response')
    assert.match(error.message, message)
    assert.equal(server.received.length, 1)
  }
})

test('defaultExpiresIn stands in for a missing expires_in only', async t => {
  const without = await against(t, tokenAnswer({ expires_in: undefined }), { defaultExpiresIn: 600 })
  assert.equal((await without.client.token()).expiresAt, start + 600_000)
  const given = await against(t, tokenAnswer({ expires_in: 60 }), { defaultExpiresIn: 600 })
  assert.equal((await given.client.token()).expiresAt, start + 60_000)
})

test('an absurdly long life does not overflow', async t => {
  const { client } = await against(t, {
    body: '{"access_token":"a","token_type":"bearer","expires_in":1e308}',
  })
  assert.ok(!Number.isNaN(new Date((await client.token()).expiresAt).getTime()))
})

test('an auth method that fails sends nothing, and its error is the cause', async t => {
  const cause = new Error('key file is gone')
  const auth = () => Promise.reject(cause)
  const { client, server } = await against(t, tokenAnswer(), { auth })
  const error = await failure(client.token())
  assert.equal(error.code, 'invalid_configuration')
  assert.equal(error.cause, cause)
  assert.equal(server.received.length, 0)
})
