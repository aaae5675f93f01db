import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRole, deleteInstance, deleteKey } from '../../../src/core/broker/index.ts'
import type { DecisionRecord } from '../../../src/core/explain/index.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { revokeAllOf } from '../../../src/core/tokens/index.ts'
import { type Answer, basic, type CallOptions, orThrow, type SentKey } from '../../support/server.ts'
import { correlationIdOf, flowFile, startWorld } from '../worker/world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, sender, authorization } = world
const { services } = server.server
let operator: { Authorization: string }

before(async () => {
  orThrow(await createRole(server.tenant, 'Orders.send', '', services))
  await server.deploy(flowFile('plain', receiver.origin, { sender: { maxBodyMB: 1 } }))
  await server.deploy(
    flowFile('orders', receiver.origin, {
      sender: { csrf: true, authorization: { userRole: 'Orders.send' } },
    }),
  )
  operator = { Authorization: `Bearer ${await server.adminToken('MonitoringDataRead')}` }
})

type Explained = Omit<DecisionRecord, 'at'> & { at: string }

/** What the operator reads under the id that the caller was given. */
async function explain(answer: Answer, headers = operator, prefix = ''): Promise<Explained> {
  const found = await server.call(`${prefix}/admin/v1/decisions/${correlationIdOf(answer)}`, { headers })
  assert.equal(found.status, 200, found.text)
  return found.json<Explained>()
}

const send = (path: string, header: string | undefined, more: CallOptions = {}) =>
  server.call(path, {
    method: 'POST',
    body: 'x',
    ...more,
    headers: { ...(header && { Authorization: header }), ...more.headers },
  })
const ask = (key: { clientid: string; clientsecret: string }, parameters: Record<string, string> = {}) =>
  server.call('/oauth/token', {
    method: 'POST',
    headers: { Authorization: basic(key) },
    body: { grant_type: 'client_credentials', ...parameters },
  })
const bearer = async (key: SentKey, parameters = {}) => `Bearer ${await server.token(key, parameters)}`

interface Case {
  readonly title: string
  refused(): Promise<Answer>
  readonly status: number
  readonly surface: string
  readonly check: string
  readonly reason: RegExp
  readonly hint: RegExp
  /** The caller is named. */
  readonly names?: true
}

const cases: readonly Case[] = [
  {
    title: 'no credentials',
    refused: () => send('/http/plain', undefined),
    status: 401,
    surface: 'flow',
    check: 'credentials present',
    reason: /no credentials/,
    hint: /Authorization: Bearer/,
  },
  {
    title: 'a malformed Bearer header',
    refused: () => send('/http/plain', 'Bearer "x"'),
    status: 401,
    surface: 'flow',
    check: 'bearer form',
    reason: /no single token after Bearer/,
    hint: /quotes or line breaks/,
  },
  {
    title: 'a broken token',
    refused: () => send('/http/plain', 'Bearer a.b.c'),
    status: 401,
    surface: 'flow',
    check: 'token structure',
    reason: /./,
    hint: /fetch a new token/,
  },
  {
    title: 'a changed signature',
    refused: () => send('/http/plain', `${authorization.slice(0, -10)}${'A'.repeat(10)}`),
    status: 401,
    surface: 'flow',
    check: 'token signature',
    reason: /signature/,
    hint: /fetch a new token/,
  },
  {
    title: 'a token of a deleted key',
    async refused() {
      const key = await server.sender()
      const header = await bearer(key)
      orThrow(await deleteKey(server.tenant, key.instance, 'key', services))
      return send('/http/plain', header)
    },
    status: 401,
    surface: 'flow',
    check: 'credential exists',
    reason: /key that got this token was deleted/,
    hint: /Create a new key/,
    names: true,
  },
  {
    title: 'a token of a deleted instance',
    async refused() {
      const key = await server.sender()
      const header = await bearer(key)
      orThrow(await deleteInstance(server.tenant, key.instance, services))
      return send('/http/plain', header)
    },
    status: 401,
    surface: 'flow',
    check: 'credential exists',
    reason: /was deleted/,
    hint: /Create a new key/,
    names: true,
  },
  {
    title: 'a revoked token',
    async refused() {
      const header = await bearer(sender)
      await server.call('/oauth/revoke', {
        method: 'POST',
        headers: { Authorization: basic(sender) },
        body: { token: header.slice('Bearer '.length) },
      })
      return send('/http/plain', header)
    },
    status: 401,
    surface: 'flow',
    check: 'token not revoked',
    reason: /was revoked/,
    hint: /fetch a new token/,
    names: true,
  },
  {
    title: 'a token of a key whose tokens were all revoked',
    async refused() {
      const key = await server.sender()
      const header = await bearer(key)
      const client = await services.directory.byClientId(server.tenant.id, key.clientid)
      await revokeAllOf(client!.credentialId, services.store)
      return send('/http/plain', header)
    },
    status: 401,
    surface: 'flow',
    check: 'credential generation',
    reason: /all tokens of this key were revoked/,
    hint: /fetch a new token/,
    names: true,
  },
  {
    title: 'a token for the other side',
    async refused() {
      const admin = await server.sender({ plan: 'api', parameters: { roles: ['MonitoringDataRead'] } })
      return send('/http/plain', await bearer(admin))
    },
    status: 401,
    surface: 'flow',
    check: 'audience',
    reason: /credential is for .*\/admin\/v1, this address is/,
    hint: /plan api: use an instance of the other plan/,
    names: true,
  },
  {
    title: 'a caller without the role',
    refused: () => send('/http/orders', authorization),
    status: 403,
    surface: 'flow',
    check: 'role',
    reason: /asks for Orders\.send; instance instance-\d+ has ESBMessaging\.send/,
    hint: /countersign instance update instance-\d+ --role ESBMessaging\.send --role Orders\.send/,
    names: true,
  },
  {
    title: 'a wrong secret at a flow',
    refused: () => send('/http/plain', basic({ ...sender, clientsecret: 'wrong' })),
    status: 401,
    surface: 'flow',
    check: 'client credential',
    reason: /^wrong secret$/,
    hint: /service key key of instance instance-\d+/,
    names: true,
  },
  {
    title: 'a malformed Basic header',
    refused: () => send('/http/plain', 'Basic ???'),
    status: 401,
    surface: 'flow',
    check: 'basic form',
    reason: /malformed: not base64/,
    hint: /clientid:clientsecret/,
  },
  {
    title: 'a method that is not allowed',
    refused: () => send('/http/plain', authorization, { method: 'OPTIONS' }),
    status: 405,
    surface: 'flow',
    check: 'method',
    reason: /OPTIONS/,
    hint: /GET, HEAD, POST/,
    names: true,
  },
  {
    title: 'a message that is too large',
    refused: () => send('/http/plain', authorization, { body: Buffer.alloc(1024 * 1024 + 1) }),
    status: 413,
    surface: 'flow',
    check: 'body size',
    reason: /larger than 1 MB/,
    hint: /maxBodyMB/,
    names: true,
  },
  {
    title: 'an address without a flow',
    refused: () => send('/http/nothing', authorization),
    status: 404,
    surface: 'flow',
    check: 'flow deployed',
    reason: /no flow is deployed at \/http\/nothing/,
    hint: /countersign flow list/,
  },
  {
    title: 'a wrong secret at the token server',
    refused: () => ask({ ...sender, clientsecret: 'wrong' }),
    status: 401,
    surface: 'token',
    check: 'client credential',
    reason: /^wrong secret$/,
    hint: /service key key of instance/,
    names: true,
  },
  {
    title: 'an unknown client',
    refused: () => ask({ clientid: 'nobody', clientsecret: 'x' }),
    status: 401,
    surface: 'token',
    check: 'client credential',
    reason: /no client of this id in this tenant/,
    hint: /key list/,
    names: true,
  },
  {
    title: 'an unknown scope',
    refused: () => ask(sender, { scope: 'Nothing.send' }),
    status: 400,
    surface: 'token',
    check: 'scope',
    reason: /Nothing\.send/,
    hint: /./,
    names: true,
  },
  {
    title: 'another target',
    refused: () => ask(sender, { resource: 'https://elsewhere.example' }),
    status: 400,
    surface: 'token',
    check: 'target',
    reason: /elsewhere\.example/,
    hint: /Leave resource out/,
    names: true,
  },
  {
    title: 'a path that is not clean',
    refused: () => send('/http//plain', authorization),
    status: 400,
    surface: 'front door',
    check: 'path',
    reason: /empty segment/,
    hint: /./,
  },
  {
    title: 'an unknown tenant',
    refused: () => send('/tenants/nobody/http/plain', authorization),
    status: 404,
    surface: 'front door',
    check: 'tenant',
    reason: /no tenant/,
    hint: /tenant list/,
  },
  {
    title: 'the admin API without its role',
    async refused() {
      const header = `Bearer ${await server.adminToken('MonitoringDataRead')}`
      return server.call('/admin/v1/instances', { headers: { Authorization: header } })
    },
    status: 403,
    surface: 'admin',
    check: 'role',
    reason: /asks for CredentialsRead or CredentialsEdit/,
    hint: /--role MonitoringDataRead --role CredentialsRead/,
    names: true,
  },
]

for (const { title, refused, ...expected } of cases)
  test(`${title}: the caller gets code and id, the operator the checks, the reason and what to do`, async () => {
    const answer = await refused()
    assert.equal(answer.status, expected.status)
    const record = await explain(answer)
    assert.equal(record.surface, expected.surface)
    assert.equal(record.status, expected.status)
    assert.equal(record.listener, 'public')
    assert.match(record.source, /127\.0\.0\.1|::1/)
    assert.match(record.at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.match(record.reason, expected.reason)
    assert.match(record.hint ?? '', expected.hint)
    if (expected.names) assert.ok(record.clientId, 'the client is named')

    const failed = record.checks.findIndex(check => check.outcome === 'failed')
    assert.equal(record.checks[failed]?.name, expected.check)
    for (const [at, { outcome }] of record.checks.entries())
      assert.equal(outcome, at < failed ? 'passed' : at === failed ? 'failed' : 'not reached')

    const body = answer.json<Record<string, string>>()
    const told = expected.surface === 'admin' ? ['hint'] : []
    assert.deepEqual(Object.keys(body).sort(), ['correlation_id', 'error', 'error_description', ...told])
    assert.equal(body.correlation_id, correlationIdOf(answer))
    assert.ok(!answer.text.includes(record.reason) || record.reason === body.error_description)
  })

test('a record can be read within a second', async () => {
  const answer = await send('/http/plain', undefined)
  const deadline = performance.now() + 1000
  for (;;) {
    const list = await server.call('/admin/v1/decisions?limit=1', { headers: operator })
    const [newest] = list.json<{ decisions: { id: string }[] }>().decisions
    if (newest?.id === correlationIdOf(answer)) return
    assert.ok(performance.now() < deadline, 'not there within a second')
  }
})

test('records are found by client and by code', async () => {
  const key = await server.sender()
  await ask({ ...key, clientsecret: 'wrong' })
  await send('/http/orders', basic(key))
  await services.journal.flush()
  const query = new URLSearchParams({ client: key.clientid })
  const list = async (more = '') =>
    (await server.call(`/admin/v1/decisions?${query}${more}`, { headers: operator })).json<{
      decisions: { code: string }[]
    }>().decisions
  assert.deepEqual(
    (await list()).map(record => record.code),
    ['insufficient_scope', 'invalid_client'],
  )
  assert.deepEqual(
    (await list('&code=invalid_client')).map(record => record.code),
    ['invalid_client'],
  )
})

test('an accepted request leaves no record', async () => {
  const answer = await send('/http/plain', authorization)
  assert.equal(answer.status, 200)
  const found = await server.call(`/admin/v1/decisions/${correlationIdOf(answer)}`, { headers: operator })
  assert.equal(found.status, 404)
  assert.match(found.json<{ hint: string }>().hint, /Only refused requests/)
})

test('the records of one tenant cannot be read from another', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  const theirAdmin = await server.sender({
    plan: 'api',
    parameters: { roles: ['MonitoringDataRead'] },
    tenant: acme,
  })
  const theirs = { Authorization: await bearer(theirAdmin) }
  const ours = await send('/http/plain', undefined)
  const theirRefusal = await send('/tenants/acme/http/plain', undefined)
  await explain(ours)
  await explain(theirRefusal, theirs, '/tenants/acme')
  for (const [id, headers, prefix] of [
    [correlationIdOf(ours), theirs, '/tenants/acme'],
    [correlationIdOf(theirRefusal), operator, ''],
  ] as const)
    assert.equal((await server.call(`${prefix}/admin/v1/decisions/${id}`, { headers })).status, 404)
  const list = await server.call('/tenants/acme/admin/v1/decisions', { headers: theirs })
  const ids = list.json<{ decisions: { id: string }[] }>().decisions.map(record => record.id)
  assert.ok(ids.includes(correlationIdOf(theirRefusal)))
  assert.ok(!ids.includes(correlationIdOf(ours)))
  const across = await server.call(`/tenants/acme/admin/v1/decisions`, { headers: operator })
  assert.ok([401, 403].includes(across.status))
})

test('no record and no line of the log holds a secret, a token or a query', async () => {
  const key = await server.sender()
  const jwt = await server.token(key)
  const opaque = await server.token(key, { token_format: 'opaque' })
  const secrets = [key.clientsecret, jwt, opaque, sender.clientsecret]
  const swapped = { clientid: key.clientsecret, clientsecret: key.clientid }
  for (const credential of [key.clientsecret, jwt, opaque]) {
    await send(`/http/plain?access_token=${credential}`, undefined)
    await send(`/http/nothing?key=${credential}`, undefined)
    await send('/http/plain', credential)
    await send('/http/plain', `Token ${credential}`)
    await send('/http/plain', `Bearer ${credential} x`)
    await send('/http/plain', `Bearer ${credential}x`)
    await send('/http/plain', basic({ clientid: credential, clientsecret: 'x' }))
    await send('/http/plain', basic({ clientid: key.clientid, clientsecret: `${credential}x` }))
    await ask({ clientid: credential, clientsecret: 'x' })
    await ask(key, { grant_type: credential })
    await ask(key, { client_secret: credential })
    await server.call(`/oauth/token?client_secret=${credential}`, { method: 'POST' })
    await server.call(`/admin/v1/roles?token=${credential}`, { headers: { Authorization: credential } })
  }
  await send('/http/plain', basic(swapped))
  await ask(swapped)
  await services.journal.flush()
  const records = JSON.stringify(await services.journal.decisions(server.tenant.id, { limit: 1000 }))
  const lines = JSON.stringify(server.log)
  for (const secret of secrets) {
    assert.ok(!records.includes(secret.slice(0, 24)), `a record holds ${secret.slice(0, 12)}...`)
    assert.ok(!lines.includes(secret.slice(0, 24)), `the log holds ${secret.slice(0, 12)}...`)
    assert.ok(!records.includes(secret.slice(-24)), 'a record holds the end of a secret')
    assert.ok(!lines.includes(secret.slice(-24)), 'the log holds the end of a secret')
  }
})

test('what a stranger writes into a record is cut short and cannot break a line', async () => {
  const evil = `nobody\r\n{"level":"error"}${'x'.repeat(5000)}`
  const answer = await server.call('/oauth/token', {
    method: 'POST',
    body: { grant_type: 'client_credentials', client_id: evil, client_secret: 'x' },
  })
  const record = await explain(answer)
  assert.ok(record.clientId!.length <= 200)
  const long = await send(`/http/${'a'.repeat(5000)}`, undefined)
  const explained = await explain(long)
  assert.ok(explained.path.length <= 500)
  assert.ok(explained.reason.length <= 300)
})
