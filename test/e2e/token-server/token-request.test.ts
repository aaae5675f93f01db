import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { type Answer, basic, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { askForToken } from './world.ts'

let server: TestServer
let key: SentKey
before(async () => {
  server = await startTestServer()
  key = await server.sender({ parameters: { roles: ['ESBMessaging.send', 'token.introspect'] } })
})
after(() => server.close())

const formType = 'application/x-www-form-urlencoded'
const grant = 'grant_type=client_credentials'
const post = (path: string, headers: Record<string, string | string[]>, body?: string | Buffer) =>
  server.call(path, { method: 'POST', headers, ...(body !== undefined && { body }) })

function assertToken(answer: Answer): Record<string, unknown> {
  assert.equal(answer.status, 200, answer.text)
  const body = answer.json()
  assert.equal(body.token_type, 'Bearer')
  assert.equal(typeof body.access_token, 'string')
  assertUncached(answer)
  return body
}

function assertError(answer: Answer, status: number, error: string): Record<string, unknown> {
  assert.equal(answer.status, status, answer.text)
  const body = answer.json()
  assert.equal(body.error, error)
  assert.match(String(body.error_description), /^[ !#-[\]-~]+$/)
  assert.equal(body.correlation_id, answer.headers['x-correlation-id'])
  assert.equal(answer.headers['www-authenticate'] !== undefined, status === 401)
  assertUncached(answer)
  return body
}

function assertUncached({ headers }: Answer): void {
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers.pragma, 'no-cache')
  assert.match(String(headers['content-type']), /^application\/json; ?charset=utf-8$/i)
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(String(headers['strict-transport-security']), /^max-age=\d{7,}/)
  assert.match(String(headers['x-correlation-id']), /^[\w-]{20,}$/)
  for (const name of ['server', 'x-powered-by', 'set-cookie', 'access-control-allow-origin'])
    assert.equal(headers[name], undefined, name)
}

test('client_secret_basic: id and secret form-encoded or raw, the id has ! and | in it', async () => {
  assert.match(key.clientid, /^sb-[0-9a-f-]{36}!b\d+\|it-rt-default!b\d+$/)
  assert.match(key.clientsecret, /^csec_[A-Za-z0-9_-]{43}$/)
  const encodings = [
    `${key.clientid}:${key.clientsecret}`,
    `${encodeURIComponent(key.clientid)}:${encodeURIComponent(key.clientsecret)}`,
    new URLSearchParams([[key.clientid, key.clientsecret]]).toString().replace('=', ':'),
    `${key.clientid.replaceAll(/[!|]/g, c => `%${c.charCodeAt(0).toString(16)}`)}:${key.clientsecret}`,
  ]
  assert.ok(new Set(encodings).size >= 3)
  for (const text of encodings)
    for (const scheme of ['Basic', 'basic', 'BASIC']) {
      const Authorization = `${scheme} ${Buffer.from(text).toString('base64')}`
      assertToken(await post('/oauth/token', { Authorization, 'Content-Type': formType }, grant))
    }
})

test('client_secret_post: id and secret form-encoded or raw', async () => {
  const raw = `client_id=${key.clientid}&client_secret=${key.clientsecret}`
  const encoded = new URLSearchParams({ client_id: key.clientid, client_secret: key.clientsecret }).toString()
  assert.notEqual(raw, encoded)
  for (const credentials of [raw, encoded])
    assertToken(await post('/oauth/token', { 'Content-Type': formType }, `${grant}&${credentials}`))
})

test('the described request: grant_type in the query, an empty body without a Content-Type', async () => {
  const Authorization = basic(key)
  assertToken(await post(`/oauth/token?${grant}`, { Authorization }))
  assertToken(await post(`/oauth/token?${grant}`, { Authorization, 'Content-Length': '0' }))
  assertToken(await post(`/oauth/token?${grant}`, { Authorization, 'Transfer-Encoding': 'chunked' }))
  for (const type of [formType, 'application/json', 'text/plain'])
    assertToken(await post(`/oauth/token?${grant}`, { Authorization, 'Content-Type': type }, ''))
})

test('token_format, scope and client_id may stand in the query too, beside a body', async () => {
  const query = `token_format=opaque&scope=token.introspect&client_id=${encodeURIComponent(key.clientid)}`
  const body = assertToken(
    await post(`/oauth/token?${query}`, { Authorization: basic(key), 'Content-Type': formType }, grant),
  )
  assert.match(String(body.access_token), /^cst_/)
  assert.equal(body.scope, 'token.introspect')
  const inBody = `${grant}&client_secret=${key.clientsecret}`
  assertToken(
    await post(
      `/oauth/token?client_id=${encodeURIComponent(key.clientid)}`,
      { 'Content-Type': formType },
      inBody,
    ),
  )
})

test('the Content-Type of a form may carry a charset, in any case', async () => {
  for (const type of [
    `${formType};charset=UTF-8`,
    `${formType}; charset=utf-8`,
    `${formType} ; charset="utf-8"`,
    'Application/X-WWW-Form-URLEncoded',
  ])
    assertToken(await post('/oauth/token', { Authorization: basic(key), 'Content-Type': type }, grant))
})

test('a body that is not a form, or does not say that it is one, is a wrong request', async () => {
  const Authorization = basic(key)
  const json = JSON.stringify({ grant_type: 'client_credentials' })
  for (const [type, body] of [
    ['application/json', json],
    ['application/json', grant],
    ['text/plain', grant],
    ['multipart/form-data; boundary=x', grant],
    ['application/x-www-form-urlencoded2', grant],
    ['application/x-www-form-urlencodedx; charset=utf-8', grant],
    ['nonsense', grant],
    ['', grant],
    [';;;', grant],
  ] as const)
    assertError(
      await post('/oauth/token', { Authorization, 'Content-Type': type }, body),
      400,
      'invalid_request',
    )
  assertError(await post('/oauth/token', { Authorization }, grant), 400, 'invalid_request')
})

test('unknown parameters are ignored, empty values count as left out', async () => {
  const strange =
    '&foo=bar&response_type=&scope=&token_format=&resource=&audience=&client_assertion_type=&x[]=1&&'
  const body = assertToken(
    await post('/oauth/token', { Authorization: basic(key), 'Content-Type': formType }, grant + strange),
  )
  assert.equal(body.scope, 'ESBMessaging.send token.introspect')
  assertToken(
    await post('/oauth/token?foo=bar', { Authorization: basic(key), 'Content-Type': formType }, grant),
  )
})

test('a repeated parameter is refused: in the body, in the query, and across both', async () => {
  const headers = { Authorization: basic(key), 'Content-Type': formType }
  for (const [query, body] of [
    ['', `${grant}&${grant}`],
    ['', `${grant}&scope=ESBMessaging.send&scope=`],
    ['', `${grant}&unknown=1&unknown=2`],
    ['', `${grant}&grant%5Ftype=client_credentials`],
    [`?${grant}&${grant}`, ''],
    [`?${grant}`, grant],
    ['?token_format=jwt', `${grant}&token_format=jwt`],
    ['?resource=x', `${grant}&resource=x`],
  ])
    assertError(await post(`/oauth/token${query}`, headers, body), 400, 'invalid_request')
})

test('secrets, assertions and tokens in the query are refused, even when everything else is right', async () => {
  const headers = { Authorization: basic(key), 'Content-Type': formType }
  for (const name of [
    'client_secret',
    'client_assertion',
    'assertion',
    'access_token',
    'token',
    'refresh_token',
    'password',
  ])
    assertError(await post(`/oauth/token?${name}=x`, headers, grant), 400, 'invalid_request')
  const inQuery = `${grant}&client_id=${encodeURIComponent(key.clientid)}&client_secret=${key.clientsecret}`
  assertError(await post(`/oauth/token?${inQuery}`, {}), 400, 'invalid_request')
})

test('broken percent encoding is refused', async () => {
  const headers = { Authorization: basic(key), 'Content-Type': formType }
  for (const body of [`${grant}&a=%`, `${grant}&a=%zz`, `${grant}&%ff=1`])
    assertError(await post('/oauth/token', headers, body), 400, 'invalid_request')
  assertError(await post('/oauth/token?scope=%ff', headers, grant), 400, 'invalid_request')
})

test('exactly one way to authenticate: two are refused, even when both are right', async () => {
  const credentials = { client_id: key.clientid, client_secret: key.clientsecret }
  assertError(await askForToken(server, key, credentials), 400, 'invalid_request')
  assertError(await askForToken(server, key, { client_secret: key.clientsecret }), 400, 'invalid_request')
  assertError(await askForToken(server, key, { client_id: 'another' }), 400, 'invalid_request')
  const token = await server.token(key)
  const beside = await askForToken(server, key, credentials, {
    headers: { Authorization: `Bearer ${token}` },
  })
  assertError(beside, 400, 'invalid_request')
  assertToken(await askForToken(server, key, { client_id: key.clientid }))
})

test('who does not prove who it is gets 401 with a challenge of the scheme it used', async () => {
  const token = await server.token(key)
  const encode = (text: string) => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`
  for (const Authorization of [
    undefined,
    'Basic',
    'Basic ',
    'Basic !!!!',
    encode('no colon'),
    encode(`${key.clientid}:wrong`),
    encode(`${key.clientid}:`),
    encode(`:${key.clientsecret}`),
    encode(`${key.clientid}:${key.clientsecret}\n`),
    encode(`${key.clientid}:${key.clientsecret}%00`),
    encode(`${key.clientid}:${key.clientsecret}%`),
    encode('\xff:\xff'),
    `Bearer ${token}`,
    `Digest username="${key.clientid}"`,
    key.clientsecret,
  ]) {
    const headers = { 'Content-Type': formType, ...(Authorization !== undefined && { Authorization }) }
    const answer = await post('/oauth/token', headers, grant)
    assertError(answer, 401, 'invalid_client')
    assert.match(String(answer.headers['www-authenticate']), /^Basic realm="default"/)
  }
  const body = `${grant}&client_id=${encodeURIComponent(key.clientid)}&client_secret=wrong`
  assertError(await post('/oauth/token', { 'Content-Type': formType }, body), 401, 'invalid_client')
})

test('grant types other than client_credentials are refused, and a missing one', async () => {
  for (const name of [
    'password',
    'authorization_code',
    'refresh_token',
    'Client_Credentials',
    'client_credentials ',
  ])
    assertError(await askForToken(server, key, { grant_type: name }), 400, 'unsupported_grant_type')
  assertError(await askForToken(server, key, { grant_type: '' }), 400, 'invalid_request')
  const none = await server.sender({ parameters: { grantTypes: [] } })
  assertError(await askForToken(server, none), 400, 'unauthorized_client')
})

test('a body over 64 KiB is refused, declared or not; one just under it is read', async () => {
  const headers = { Authorization: basic(key), 'Content-Type': formType }
  const padded = (length: number) => `${grant}&x=${'y'.repeat(length - grant.length - 3)}`
  assertToken(await post('/oauth/token', headers, padded(64 * 1024)))
  assertError(await post('/oauth/token', headers, padded(64 * 1024 + 1)), 413, 'invalid_request')
  assert.deepEqual(await chunked(headers, padded(64 * 1024)), { status: 200 })
  assert.deepEqual(await chunked(headers, padded(64 * 1024 + 1)), { status: 413 })
  for (const length of [200 * 1024, 4 * 1024 * 1024])
    assertError(await post('/oauth/token', headers, padded(length)), 413, 'invalid_request')
})

/** A request whose length is not told beforehand. */
function chunked(headers: Record<string, string>, body: string): Promise<{ status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const url = `${server.url}/oauth/token`
    const sent = request(url, { method: 'POST', headers, ca: server.ca, agent: false }, response => {
      response.resume().on('end', () => resolve({ status: response.statusCode }))
    })
    sent.on('error', reject)
    sent.write(body.slice(0, 1000))
    sent.end(body.slice(1000))
  })
}

test('any other method gets 405 and is told which one to use', async () => {
  for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke'])
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await server.call(`${path}?${grant}`, { method, headers: { Authorization: basic(key) } })
      assert.equal(answer.status, 405, `${method} ${path}`)
      assert.equal(answer.headers.allow, 'POST')
      assertUncached(answer)
    }
})

test('a method that nobody knows issues nothing', async () => {
  for (const method of ['QUERY', 'PROPFIND', 'TRACE']) {
    const answer = await server.call(`/oauth/token?${grant}`, {
      method,
      headers: { Authorization: basic(key) },
    })
    assert.ok(answer.status >= 400 && answer.status < 500, `${method}: ${answer.status}`)
  }
})

test('no page of another origin may ask: no CORS at the endpoints with credentials', async () => {
  const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' }
  const preflight = await server.call('/oauth/token', { method: 'OPTIONS', headers })
  const real = await askForToken(server, key, {}, { headers })
  for (const answer of [preflight, real])
    assert.deepEqual(
      Object.keys(answer.headers).filter(name => name.startsWith('access-control-')),
      [],
    )
})

test('an unknown address below /oauth is 404, and paths are exact', async () => {
  for (const path of ['/oauth', '/oauth/', '/oauth/token/', '/OAuth/token', '/oauth/Token', '/oauth/tokens'])
    assert.equal(
      (await post(path, { Authorization: basic(key), 'Content-Type': formType }, grant)).status,
      404,
      path,
    )
})

test('the same connection serves one request after the other, refused ones too', async () => {
  const { Agent } = await import('node:https')
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: server.ca })
  const ports = new Set<number | undefined>()
  const ask = (secret: string) =>
    new Promise<number>((resolve, reject) => {
      const sent = request(
        `${server.url}/oauth/token`,
        {
          agent,
          method: 'POST',
          headers: { Authorization: basic({ ...key, clientsecret: secret }), 'Content-Type': formType },
        },
        response => {
          ports.add(response.socket.localPort)
          response.resume().on('end', () => resolve(response.statusCode!))
        },
      )
      sent.on('error', reject).end(grant)
    })
  const statuses: number[] = []
  for (const secret of [key.clientsecret, 'wrong', key.clientsecret, 'wrong'])
    statuses.push(await ask(secret))
  agent.destroy()
  assert.deepEqual(statuses, [200, 401, 200, 401])
  assert.equal(ports.size, 1)
})
