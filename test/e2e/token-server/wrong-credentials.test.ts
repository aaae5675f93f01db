import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { createKey, deleteKey } from '../../../src/core/broker/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import {
  type Answer,
  basic,
  orThrow,
  type SentKey,
  startTestServer,
  type TestServer,
} from '../../support/server.ts'
import { askForToken, introspectAs, newTenant, revokeAs } from './world.ts'

let server: TestServer
let key: SentKey
let other: Tenant
before(async () => {
  server = await startTestServer()
  other = await newTenant(server, 'other')
  key = await server.sender()
})
after(() => server.close())

const wrongSecret = `csec_${'A'.repeat(43)}`

async function deletedKey(): Promise<SentKey> {
  const sent = await server.sender()
  await server.token(sent)
  orThrow(await deleteKey(server.tenant, sent.instance, 'key', server.server.services))
  return sent
}

/** All that a caller sees, but for the time and the correlation id. */
function outside({ status, headers, text }: Answer): object {
  const { date: _, 'x-correlation-id': id, ...rest } = headers
  return { status, headers: rest, text: text.replace(String(id), 'ID') }
}

test('unknown client, wrong secret, deleted key and key of another tenant get the same answer to the letter', async () => {
  const strangers = [
    { ...key, clientsecret: wrongSecret },
    { ...key, clientsecret: 'x' },
    { ...key, clientsecret: key.clientsecret.toUpperCase() },
    { clientid: 'nobody', clientsecret: key.clientsecret },
    { clientid: 'nobody', clientsecret: wrongSecret },
    await deletedKey(),
    await server.sender({ tenant: other }),
  ]
  const byBasic = await Promise.all(strangers.map(stranger => askForToken(server, stranger)))
  const byPost = await Promise.all(
    strangers.map(({ clientid, clientsecret }) =>
      server.call('/oauth/token', {
        method: 'POST',
        body: { grant_type: 'client_credentials', client_id: clientid, client_secret: clientsecret },
      }),
    ),
  )
  for (const answer of [...byBasic, ...byPost]) {
    assert.equal(answer.status, 401)
    assert.deepEqual(outside(answer), outside(byBasic[0]!))
  }
})

test('introspection and revocation refuse in the same way', async () => {
  const token = await server.token(key)
  for (const path of ['/oauth/introspect', '/oauth/revoke']) {
    const answers = await Promise.all(
      [
        { ...key, clientsecret: wrongSecret },
        { ...key, clientid: 'nobody' },
      ].map(stranger =>
        server.call(path, { method: 'POST', headers: { Authorization: basic(stranger) }, body: { token } }),
      ),
    )
    assert.equal(answers[0]!.status, 401)
    assert.deepEqual(outside(answers[0]!), outside(answers[1]!))
  }
  assert.equal((await introspectAs(server, key, token)).active, true)
})

test('a flow refuses them in the same way too', async () => {
  await server.deploy({
    id: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: 'http://127.0.0.1:9/' },
  })
  const answers = await Promise.all(
    [{ ...key, clientsecret: wrongSecret }, { ...key, clientid: 'nobody' }, await deletedKey()].map(
      stranger => server.call('/http/orders', { headers: { Authorization: basic(stranger) } }),
    ),
  )
  for (const answer of answers) {
    assert.equal(answer.status, 401)
    assert.deepEqual(outside(answer), outside(answers[0]!))
  }
})

test('an unknown client costs the store as much as a wrong secret', async () => {
  const table = server.server.store.read.clients
  const original = table.byClientId
  let reads = 0
  table.byClientId = (tenantId, clientId) => {
    reads++
    return original.call(table, tenantId, clientId)
  }
  const readsOf = async (stranger: { clientid: string; clientsecret: string }) => {
    const before = reads
    await askForToken(server, stranger)
    return reads - before
  }
  const cached = await server.sender()
  await server.token(cached)
  assert.equal(await readsOf({ clientid: 'nobody', clientsecret: wrongSecret }), 1)
  assert.equal(await readsOf({ ...cached, clientsecret: wrongSecret }), 1)
  assert.equal(await readsOf({ ...(await server.sender()), clientsecret: wrongSecret }), 1)
  assert.equal(await readsOf(cached), 0)
  table.byClientId = original
})

/** A wrong attempt from another address of this machine. */
function attemptFrom(localAddress: string, clientid: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: basic({ clientid, clientsecret: wrongSecret }) }
    const url = `${server.url.replace('localhost', '127.0.0.1')}/oauth/token?grant_type=client_credentials`
    request(url, { method: 'POST', localAddress, headers, ca: server.ca, agent: false }, response => {
      response.resume().on('end', () => resolve(response.statusCode!))
    })
      .on('error', reject)
      .end()
  })
}

test('after 20 failures within a minute a wrong secret gets 429 with a time to wait; the right one still works', async () => {
  const victim = await server.sender()
  const wrong = { ...victim, clientsecret: wrongSecret }
  for (let i = 0; i < 20; i++)
    assert.equal((await askForToken(server, wrong)).status, 401, `attempt ${i + 1}`)

  const refused = await askForToken(server, wrong)
  assert.equal(refused.status, 429)
  const seconds = Number(refused.headers['retry-after'])
  assert.ok(seconds >= 1 && seconds <= 60, `Retry-After ${seconds}`)
  assert.equal(refused.json().error, 'slow_down')
  assert.equal(refused.headers['cache-control'], 'no-store')
  assert.equal(refused.headers['www-authenticate'], undefined)

  const viaFlow = await server.call('/http/orders', { headers: { Authorization: basic(wrong) } })
  assert.equal(viaFlow.status, 429, 'counted together with the flows')

  assert.equal((await askForToken(server, victim)).status, 200, 'the right secret')
  assert.equal(
    (await askForToken(server, { ...key, clientsecret: wrongSecret })).status,
    401,
    'another client',
  )
  assert.equal(await attemptFrom('127.0.0.2', victim.clientid), 401, 'another source')
  assert.equal((await askForToken(server, wrong)).status, 429, 'a success does not reset the count')

  server.advance(60_000)
  assert.equal((await askForToken(server, wrong)).status, 401, 'a minute later')
})

test('unknown ids are slowed down like known ones, so that nobody can tell', async () => {
  const nobody = { clientid: 'sb-made-up!b1|it-rt-default!b1', clientsecret: wrongSecret }
  const statuses: number[] = []
  for (let i = 0; i < 21; i++) statuses.push((await askForToken(server, nobody)).status)
  assert.deepEqual(statuses, [...Array(20).fill(401), 429])
})

test('the operator learns from the decision record which it was', async () => {
  const { journal } = server.server.services
  const findRecord = async (answer: Answer) => {
    await journal.flush()
    return (await journal.findDecision(server.tenant.id, String(answer.headers['x-correlation-id'])))!
  }
  const fresh = await server.sender()
  const wrong = await findRecord(await askForToken(server, { ...fresh, clientsecret: wrongSecret }))
  assert.equal(wrong.reason, 'wrong secret')
  assert.equal(wrong.clientId, fresh.clientid)
  assert.match(wrong.hint!, new RegExp(fresh.instance))
  const unknown = await findRecord(await askForToken(server, { ...fresh, clientid: 'stranger' }))
  assert.match(unknown.reason, /no client of this id/)
  const checks = unknown.checks.map(check => `${check.name}: ${check.outcome}`)
  assert.deepEqual(checks.slice(0, 4), [
    'request form: passed',
    'client authentication method: passed',
    'client credential: failed',
    'grant type: not reached',
  ])
})

test('a re-created key of the same name has another id and secret, and the old ones stay dead', async () => {
  const old = await deletedKey()
  const made = orThrow(await createKey(server.tenant, old.instance, 'key', {}, server.server.services))
  const fresh = made.document as unknown as SentKey
  assert.notEqual(fresh.clientid, old.clientid)
  assert.equal((await askForToken(server, fresh)).status, 200)
  assert.equal((await askForToken(server, old)).status, 401)
  assert.equal((await askForToken(server, { ...fresh, clientsecret: old.clientsecret })).status, 401)
})

test('no secret, token, Authorization value or query is in any log line or decision record', async () => {
  const sent = await server.sender()
  const jwt = await server.token(sent)
  const opaque = await server.token(sent, { token_format: 'opaque' })
  const { clientid, clientsecret } = sent
  const secrets = [
    clientsecret,
    jwt,
    opaque,
    jwt.split('.')[2]!,
    basic(sent),
    basic(sent).slice(6),
    wrongSecret,
  ]
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const post = (path: string, headers: Record<string, string>, body?: string) =>
    server.call(path, { method: 'POST', headers, ...(body !== undefined && { body }) })
  const get = (path: string, headers: Record<string, string> = {}) => server.call(path, { headers })

  await introspectAs(server, sent, jwt)
  await revokeAs(server, sent, opaque)
  await askForToken(server, { clientid, clientsecret: wrongSecret })
  await askForToken(server, { clientid: clientsecret, clientsecret: clientid })
  await askForToken(server, sent, { client_id: clientid, client_secret: clientsecret })
  await askForToken(server, sent, { grant_type: 'password', password: wrongSecret })
  await post(
    `/oauth/token?grant_type=client_credentials&client_id=${clientid}&client_secret=${clientsecret}`,
    form,
  )
  await post(`/oauth/token?access_token=${jwt}&x=marker-in-query`, form)
  await post(`/oauth/introspect?token=${opaque}`, { Authorization: basic(sent) })
  await post(
    '/oauth/token',
    { 'Content-Type': 'application/json' },
    JSON.stringify({ client_secret: clientsecret }),
  )
  await post('/oauth/token', form, `client_secret=${clientsecret}&client_secret=${clientsecret}`)
  await post('/oauth/token', form, `client_secret=${clientsecret}&x=%`)
  for (const Authorization of [
    clientsecret,
    `Bearer ${clientsecret}`,
    jwt,
    `Digest ${clientsecret}`,
    `Basic ${clientsecret}`,
  ]) {
    await post('/oauth/token?grant_type=client_credentials', { Authorization })
    await post('/oauth/introspect', { Authorization, ...form }, `token=${jwt}`)
    await get('/http/orders', { Authorization })
    await get('/admin/v1/instances', { Authorization })
  }
  await get(`/oauth/token?client_secret=${clientsecret}`, { Authorization: basic(sent) })
  await get(`/http/orders?access_token=${jwt}`)
  await get(`/nowhere?marker-in-query&token=${jwt}`, { Authorization: `Bearer ${jwt}` })
  await get(`//oauth/token?client_secret=${clientsecret}`)
  await get('/http/orders', { Authorization: `Bearer ${jwt}x` })
  await get('/http/orders', { Authorization: `Bearer ${opaque}x` })

  const { journal } = server.server.services
  await journal.flush()
  const decisions = await journal.decisions(server.tenant.id, { limit: 1000 })
  assert.ok(decisions.length > 30 && server.log.length > 60)
  for (const [what, text] of [
    ['log', JSON.stringify(server.log)],
    ['decision records', JSON.stringify(decisions)],
  ] as const) {
    for (const secret of secrets)
      assert.ok(!text.includes(secret), `${secret.slice(0, 12)}... is in the ${what}`)
    for (const start of [clientsecret.slice(5, 17), opaque.slice(4, 20), jwt.slice(0, 20), 'marker-in-query'])
      assert.ok(!text.includes(start), `${start} is in the ${what}`)
  }
})

test('a client id with line breaks or escape codes stays inside its log field', async () => {
  await server.call('/oauth/token', {
    method: 'POST',
    body: { grant_type: 'client_credentials', client_id: 'a\r\nERROR  forged\u001b[2J', client_secret: 'x' },
  })
  const line = server.log.findLast(entry => String(entry.fields.clientId).startsWith('a'))!
  const written = JSON.stringify(line)
  for (const character of ['\r', '\n', '\u001b']) assert.ok(!written.includes(character))
})
