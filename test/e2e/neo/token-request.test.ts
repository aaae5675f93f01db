import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { basic } from '../../support/server.ts'
import { adminWith } from '../admin/world.ts'
import { partsOf } from '../token-server/world.ts'
import { type Client, type NeoWorld, plainBasic, startNeoWorld, tokenPath } from './world.ts'

let world: NeoWorld
let client: Client
before(async () => {
  world = await startNeoWorld()
  client = await world.sender()
})
after(() => world.close())

const post = (headers: Record<string, string>, body: string | Record<string, string> = '', query = '') =>
  world.server.call(`${tokenPath}${query}`, { method: 'POST', headers, body })
const grant = { grant_type: 'client_credentials' }

describe('a token', () => {
  test('comes in the described form: scopes is a list, expires_in the true seconds', async () => {
    const answer = await world.ask(client)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['cache-control'], 'no-store')
    const { access_token, ...rest } = answer.json()
    assert.equal(typeof access_token, 'string')
    assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 3600, scopes: [] })
    assert.deepEqual(Object.keys(answer.json()), ['access_token', 'token_type', 'expires_in', 'scopes'])
  })

  test('is opaque where nothing else is asked for, else a JWT that names the user', async () => {
    assert.ok(!(await world.token(client)).includes('.'))
    for (const format of ['jwt', 'jwtrfc'] as const) {
      const text = await world.token(client, format)
      const { claims } = partsOf(text)
      assert.equal(claims.sub, client.user)
      assert.equal(claims.client_id, client.clientid)
      assert.equal(claims.scope, '')
      assert.equal(await world.send(text), 200)
    }
  })

  test('comes from both paths, with parameters in query or body', async () => {
    const headers = { Authorization: plainBasic(client) }
    for (const path of [tokenPath, '/oauth2/apitoken/v1'])
      assert.equal(
        (await world.ask(client, 'grant_type=client_credentials&token_format=jwt', path)).status,
        200,
      )
    for (const body of [grant, { ...grant, token_format: 'jwt' }, { ...grant, client_id: client.clientid }])
      assert.equal((await post(headers, body)).status, 200)
    assert.equal((await post(headers, { token_format: 'jwt' }, '?grant_type=client_credentials')).status, 200)
    assert.equal((await post({ Authorization: basic(client) }, grant)).status, 200, 'encoded')
  })

  test('opens the flow under the name of the user', async () => {
    assert.equal(await world.send(await world.token(client)), 200)
    assert.equal(world.receiver.last().headers.sapauthenticatedusername, client.user)
  })
})

describe('no token', () => {
  test('for credentials in the body, whether alone or beside the header', async () => {
    const inBody = { ...grant, client_id: client.clientid, client_secret: client.clientsecret }
    const alone = await post({}, inBody)
    assert.deepEqual([alone.status, alone.json().error], [401, 'invalid_client'])
    assert.match((await world.why(alone)).reason, /client_secret in its body/)
    const both = await post({ Authorization: plainBasic(client) }, inBody)
    assert.deepEqual([both.status, both.json().error], [400, 'invalid_request'])
    const assertion = await post({}, { ...grant, client_assertion: 'a.b.c', client_assertion_type: 'x' })
    assert.deepEqual([assertion.status, assertion.json().error], [401, 'invalid_client'])
  })

  test('without credentials, or with a header that is none', async () => {
    const headers = ['', 'Basic', 'Basic !', `Bearer ${client.clientsecret}`, 'Basic eA==', 'Digest x']
    for (const Authorization of headers) {
      const answer = await post(Authorization === '' ? {} : { Authorization }, grant)
      assert.deepEqual([answer.status, answer.json().error], [401, 'invalid_client'], Authorization)
      assert.match(String(answer.headers['www-authenticate']), /^Basic /)
      assert.ok(!answer.text.includes(client.clientsecret))
    }
  })

  test('for a secret in the query, another grant, a scope, an unknown format, another resource', async () => {
    const cases: [string, number, string][] = [
      ['grant_type=client_credentials&client_secret=x', 400, 'invalid_request'],
      ['', 400, 'invalid_request'],
      ['grant_type=password', 400, 'unsupported_grant_type'],
      ['grant_type=client_credentials&scope=ESBMessaging.send', 400, 'invalid_scope'],
      ['grant_type=client_credentials&token_format=saml2', 400, 'invalid_request'],
      ['grant_type=client_credentials&grant_type=client_credentials', 400, 'invalid_request'],
      ['grant_type=client_credentials&client_id=another', 400, 'invalid_request'],
    ]
    for (const [query, status, error] of cases) {
      const answer = await world.ask(client, query)
      assert.deepEqual([answer.status, answer.json().error], [status, error], query)
    }
    const target = await post(
      { Authorization: plainBasic(client) },
      { ...grant, resource: 'https://x.example' },
    )
    assert.deepEqual([target.status, target.json().error], [400, 'invalid_target'])
    const get = await world.server.call(tokenPath, { headers: { Authorization: plainBasic(client) } })
    assert.equal(get.status, 405)
  })

  test('for strangers: all are told the same', async () => {
    const disabled = await world.sender()
    await world.change(disabled, { disabled: true })
    const deleted = await world.sender()
    await world.admin.call('DELETE', `/clients/${deleted.clientid}`)
    const strangers = [
      { ...client, clientsecret: 'x' },
      { ...client, clientsecret: `${client.clientsecret}x` },
      { ...client, clientid: 'nobody' },
      { ...client, clientid: client.clientid.toUpperCase() },
      disabled,
      deleted,
      await world.server.sender(),
    ]
    const outside = new Set<string>()
    for (const stranger of strangers) {
      const answer = await world.ask(stranger)
      assert.equal(answer.status, 401)
      const { correlation_id: _, ...body } = answer.json()
      outside.add(JSON.stringify([body, answer.headers['www-authenticate']]))
    }
    assert.equal(outside.size, 1)
  })
})

describe('each kind of client at its own address', () => {
  test('a registered client is a stranger at the address of service keys, and at the flow itself', async () => {
    for (const options of [
      { headers: { Authorization: basic(client) }, body: grant },
      { headers: {}, body: { ...grant, client_id: client.clientid, client_secret: client.clientsecret } },
    ]) {
      const answer = await world.server.call('/oauth/token', { method: 'POST', ...options })
      assert.deepEqual([answer.status, answer.json().error], [401, 'invalid_client'])
      assert.match((await world.why(answer)).hint!, /oauth2\/api\/v1\/token/)
    }
    for (const path of ['/oauth/introspect', '/oauth/revoke']) {
      const answer = await world.server.call(path, {
        method: 'POST',
        headers: { Authorization: basic(client) },
        body: { token: await world.token(client) },
      })
      assert.equal(answer.status, 401, path)
    }
    const direct = await world.server.call('/http/orders', {
      method: 'POST',
      headers: { Authorization: basic(client) },
      body: 'an order',
    })
    assert.equal(direct.status, 401)
  })

  test('a service key is told by the decision record where it belongs', async () => {
    const answer = await world.ask(await world.server.sender())
    assert.equal(answer.status, 401)
    assert.match((await world.why(answer)).hint!, /tokenurl of that key/)
  })

  test('its tokens open neither the admin API nor introspection', async () => {
    for (const text of [await world.token(client), await world.token(client, 'jwt')]) {
      const headers = { Authorization: `Bearer ${text}` }
      assert.equal((await world.server.call('/admin/v1/clients', { headers })).status, 401)
      const asked = await world.server.call('/oauth/introspect', {
        method: 'POST',
        headers,
        body: { token: text },
      })
      assert.equal(asked.status, 401)
    }
  })

  test('a resource server with the role learns about its token, under the name of the user', async () => {
    const watcher = await world.server.sender({ parameters: { roles: ['token.introspect'] } })
    for (const text of [await world.token(client), await world.token(client, 'jwt')]) {
      const told = await world.server.call('/oauth/introspect', {
        method: 'POST',
        headers: { Authorization: basic(watcher) },
        body: { token: text },
      })
      const { active, sub, client_id, scope, exp, iat } = told.json()
      assert.deepEqual(
        { active, sub, client_id, scope },
        { active: true, sub: client.user, client_id: client.clientid, scope: 'ESBMessaging.send' },
      )
      assert.equal(Number(exp) - Number(iat), 3600)
    }
  })

  test('the same id in another tenant is another client, with tokens of its own', async () => {
    await world.admin.call('POST', '/tenants', { name: 'acme' })
    const there = adminWith(world.server, world.admin.headers.Authorization.slice(7), '/tenants/acme')
    const path = `/tenants/acme${tokenPath}`
    const query = 'grant_type=client_credentials'
    assert.equal((await world.ask(client, query, path)).status, 401)
    const made = (await there.call('POST', '/clients', { clientid: client.clientid })).json<Client>()
    assert.equal((await world.ask(client, query, path)).status, 401)
    const answer = await world.ask(made, query, path)
    assert.equal(answer.status, 200)
    assert.equal(await world.send(answer.json<{ access_token: string }>().access_token), 401)
    assert.equal((await there.call('GET', '/role-assignments')).text, '{"assignments":[]}')
  })
})
