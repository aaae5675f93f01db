import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Tenant } from '../../../src/core/tenant.ts'
import { type Answer, basic, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { introspectAs, newTenant } from './world.ts'

let server: TestServer
let other: Tenant
let sender: SentKey
let resource: SentKey
let admin: SentKey
let adminResource: SentKey
let foreignResource: SentKey
before(async () => {
  server = await startTestServer()
  other = await newTenant(server, 'other')
  sender = await server.sender()
  resource = await server.sender({ parameters: { roles: ['token.introspect'] } })
  admin = await server.sender({ plan: 'api', parameters: { roles: ['MonitoringDataRead'] } })
  adminResource = await server.sender({ plan: 'api', parameters: { roles: ['token.introspect'] } })
  foreignResource = await server.sender({ tenant: other, parameters: { roles: ['token.introspect'] } })
})
after(() => server.close())

const inactive = { active: false }
const formats = ['jwt', 'opaque'] as const
const ask = (
  headers: Record<string, string>,
  body: Record<string, string> | string,
  query = '',
): Promise<Answer> => server.call(`/oauth/introspect${query}`, { method: 'POST', headers, body })

async function asBearer(bearer: string, token: string): Promise<Record<string, unknown>> {
  const answer = await ask({ Authorization: `Bearer ${bearer}` }, { token })
  assert.equal(answer.status, 200, answer.text)
  return answer.json()
}

test('a client learns about its own tokens what RFC 7662 says', async () => {
  for (const token_format of formats) {
    const token = await server.token(sender, { token_format })
    const told = await introspectAs(server, sender, token)
    assert.equal(told.active, true)
    assert.equal(told.client_id, sender.clientid)
    assert.equal(told.sub, sender.clientid)
    assert.equal(told.iss, server.url)
    assert.equal(told.aud, server.url)
    assert.equal(told.scope, 'ESBMessaging.send')
    assert.equal(told.token_type, 'Bearer')
    assert.equal(Number(told.exp) - Number(told.iat), 3600)
    assert.equal(typeof told.jti, 'string')
    assert.ok(!('cred' in told), 'internal ids stay inside')
  }
})

test('a client may authenticate in the body as well, and a hint makes no difference', async () => {
  const token = await server.token(sender)
  const credentials = { client_id: sender.clientid, client_secret: sender.clientsecret }
  assert.equal((await ask({}, { token, ...credentials })).json().active, true)
  for (const token_type_hint of ['access_token', 'refresh_token', 'nonsense'])
    assert.equal(
      (await ask({ Authorization: basic(sender) }, { token, token_type_hint })).json().active,
      true,
    )
})

test('a resource server learns about every token of its audience, by Basic and by Bearer', async () => {
  for (const token_format of formats) {
    const token = await server.token(sender, { token_format })
    assert.equal((await introspectAs(server, resource, token)).active, true)
    for (const format of formats) {
      const bearer = await server.token(resource, { token_format: format })
      assert.equal((await asBearer(bearer, token)).client_id, sender.clientid)
    }
    const adminToken = await server.token(admin, { token_format })
    assert.equal((await introspectAs(server, adminResource, adminToken)).active, true)
  }
})

test('to anybody else every token is inactive: another client, another audience, another tenant', async () => {
  for (const token_format of formats) {
    const token = await server.token(sender, { token_format })
    const adminToken = await server.token(admin, { token_format })
    assert.deepEqual(await introspectAs(server, await server.sender(), token), inactive)
    assert.deepEqual(await introspectAs(server, admin, token), inactive)
    assert.deepEqual(await introspectAs(server, adminResource, token), inactive)
    assert.deepEqual(await introspectAs(server, resource, adminToken), inactive)
    assert.deepEqual(await introspectAs(server, foreignResource, token, other), inactive)
    assert.deepEqual(await asBearer(await server.token(resource), adminToken), inactive)
    assert.deepEqual(await asBearer(await server.token(adminResource), token), inactive)
  }
})

test('an inactive answer says nothing else, whatever is the matter', async () => {
  const token = await server.token(sender)
  for (const text of [
    'x',
    ' ',
    'cst_',
    'cst_AAAA',
    'a.b.c',
    token.slice(0, -1),
    `${token}A`,
    `Bearer ${token}`,
    'ü',
    'x'.repeat(20_000),
  ]) {
    const answer = await ask({ Authorization: basic(resource) }, { token: text })
    assert.equal(answer.status, 200)
    assert.equal(answer.text, '{"active":false}', text.slice(0, 20))
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.headers.pragma, 'no-cache')
  }
})

test('nobody asks without credentials, and 401 names the scheme to use', async () => {
  const token = await server.token(sender)
  for (const [headers, challenge] of [
    [{}, /^Basic /],
    [{ Authorization: basic({ ...sender, clientsecret: 'wrong' }) }, /^Basic /],
    [{ Authorization: 'Bearer nonsense' }, /^Bearer .*error="invalid_token"/],
    [{ Authorization: `Bearer ${token}x` }, /^Bearer .*error="invalid_token"/],
  ] as const) {
    const answer = await ask(headers, { token })
    assert.equal(answer.status, 401, answer.text)
    assert.match(String(answer.headers['www-authenticate']), challenge)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.ok(!('active' in answer.json()))
  }
})

test('a bearer without the scope token.introspect learns about its own tokens, and of no others', async () => {
  const token = await server.token(sender)
  const askAbout = async (asked: string) =>
    (await ask({ Authorization: `Bearer ${token}` }, { token: asked })).json()
  assert.deepEqual(await askAbout(await server.token(resource)), { active: false })
  assert.equal((await askAbout(token)).active, true)
})

test('two credentials at once are refused', async () => {
  const token = await server.token(sender)
  const bearer = await server.token(resource)
  const credentials = { client_id: sender.clientid, client_secret: sender.clientsecret }
  for (const Authorization of [`Bearer ${bearer}`, basic(sender), basic(resource)]) {
    const answer = await ask({ Authorization }, { token, ...credentials })
    assert.equal(answer.status, 400, answer.text)
    assert.equal(answer.json().error, 'invalid_request')
  }
})

test('a request without a token, with two, or with it in the query is wrong', async () => {
  const token = await server.token(sender)
  const Authorization = basic(sender)
  const form = { Authorization, 'Content-Type': 'application/x-www-form-urlencoded' }
  for (const answer of [
    await ask({ Authorization }, {}),
    await ask({ Authorization }, { token: '' }),
    await ask(form, `token=${token}&token=${token}`),
    await ask(form, '', `?token=${token}`),
    await ask(form, `token=${token}`, `?token=${token}`),
    await ask({ Authorization, 'Content-Type': 'application/json' }, JSON.stringify({ token })),
    await ask({ Authorization, 'Content-Type': 'text/plain' }, `token=${token}`),
  ]) {
    assert.equal(answer.status, 400, answer.text)
    assert.equal(answer.json().error, 'invalid_request')
  }
})
