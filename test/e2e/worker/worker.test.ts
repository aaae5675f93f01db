import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { createRole, deleteKey, updateInstance } from '../../../src/core/broker/index.ts'
import { minute } from '../../../src/core/context.ts'
import { deployFlow, undeployFlow } from '../../../src/core/flows/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import {
  basic,
  type CallOptions,
  orThrow,
  type SentKey,
  startTestServer,
  type TestServer,
} from '../../support/server.ts'
import { newTenant } from '../token-server/world.ts'

let server: TestServer
let receiver: Receiver
let key: SentKey
let token: string
before(async () => {
  server = await startTestServer()
  receiver = await startReceiver()
  key = await server.sender()
  token = await server.token(key)
  await deploy('orders', { address: '/orders', maxBodyMB: 1, allowedHeaders: ['X-Source'] })
  await deploy('tree', { address: '/Tree/*' })
  await deploy('guarded', { address: '/guarded', csrf: true })
})
after(async () => {
  await receiver.close()
  await server.close()
})

function deploy(id: string, sender: object, more: object = {}) {
  return server.deploy({
    id,
    sender: { adapter: 'HTTPS', ...sender },
    receiver: { adapter: 'HTTP', url: `${receiver.origin}/in`, ...more },
  })
}

const post = (path: string, more: CallOptions = {}) =>
  server.call(path, {
    method: 'POST',
    body: 'an order',
    ...more,
    headers: { Authorization: `Bearer ${token}`, ...more.headers },
  })

async function messagesOf(flowId: string) {
  await server.server.services.journal.flush()
  return server.server.services.journal.messages(server.tenant.id, { flowId, limit: 10 })
}

test('who holds the role is let in: by JWT, by opaque token, by Basic', async () => {
  const opaque = await server.token(key, { token_format: 'opaque' })
  for (const authorization of [`Bearer ${token}`, `bearer ${opaque}`, basic(key)]) {
    const answer = await post('/http/orders', { headers: { Authorization: authorization } })
    assert.deepEqual([answer.status, answer.text], [200, 'taken'])
    assert.equal(receiver.last().headers.sapauthenticatedusername, key.clientid)
    assert.equal(receiver.last().body.toString(), 'an order')
  }
})

test('nothing sent: 401 without an error code; a bad token: invalid_token; the wrong role: 403 insufficient_scope', async () => {
  const challenge = async (authorization?: string) => {
    const answer = await server.call('/http/orders', {
      method: 'POST',
      headers: authorization ? { Authorization: authorization } : {},
    })
    return [answer.status, String(answer.headers['www-authenticate'])] as const
  }
  assert.deepEqual(await challenge(), [401, 'Bearer realm="default"'])
  const [bad, told] = await challenge('Bearer nonsense')
  assert.ok(bad === 401 && /error="invalid_token"/.test(told))
  orThrow(await createRole(server.tenant, 'Other.role', '', server.server.services))
  const other = await server.sender({ parameters: { roles: ['Other.role'] } })
  const [forbidden, why] = await challenge(`Bearer ${await server.token(other)}`)
  assert.ok(forbidden === 403 && /error="insufficient_scope"/.test(why))
  const api = await server.adminToken('MonitoringDataRead')
  assert.equal((await challenge(`Bearer ${api}`))[0], 401, 'a token of the other plan')
  assert.equal((await challenge('Negotiate abc'))[0], 401)
})

test('addresses match without regard to case, a prefix takes what is below it, and the rest goes on with the query', async () => {
  assert.equal((await post('/http/ORDERS')).status, 200)
  assert.equal((await post('/http/tree/Branch/leaf?a=1&b=%20')).status, 200)
  assert.equal(receiver.last().path, '/in/Branch/leaf?a=1&b=%20')
  for (const path of ['/http/orders/more', '/http/tree', '/http/nothing', '/http/'])
    assert.equal((await post(path)).status, 404, path)
})

test('what the sender claims about itself does not pass, in any spelling; what the flow allows does', async () => {
  const forged = {
    'X-Source': 'erp',
    'X-Other': '1',
    SapAuthenticatedUserName: 'admin',
    sap_authenticated_user_name: 'admin',
    CamelHttpUri: 'http://x',
    Cookie: 'a=b',
    'X-Forwarded-For': '1.2.3.4',
    'X-Forwarded-Client-Cert': 'x',
    X_Forwarded_Client_Cert: 'x',
    'Client-Cert': 'x',
    'X-Correlation-Id': 'mine',
    'Content-Type': 'text/x',
  }
  const answer = await post('/http/orders', { headers: forged })
  const { headers } = receiver.last()
  assert.deepEqual(
    [headers['x-source'], headers['content-type'], headers.sapauthenticatedusername],
    ['erp', 'text/x', key.clientid],
  )
  for (const name of [
    'x-other',
    'sap_authenticated_user_name',
    'camelhttpuri',
    'cookie',
    'authorization',
    'x-forwarded-for',
    'x-forwarded-client-cert',
    'x_forwarded_client_cert',
    'client-cert',
  ])
    assert.equal(headers[name], undefined, name)
  const ours = answer.headers['x-correlation-id']
  assert.equal(headers['x-correlation-id'], ours)
  const [message] = await messagesOf('orders')
  assert.deepEqual(
    [message!.correlationId, message!.callerCorrelationId, message!.status, message!.sender],
    [ours, 'mine', 'COMPLETED', key.clientid],
  )
})

test('a body over the limit gets 413, declared or counted, and the server keeps serving', async () => {
  const big = Buffer.alloc(1024 * 1024 + 1)
  assert.equal((await post('/http/orders', { body: big })).status, 413)
  const chunked = await new Promise<string>(resolve => {
    const socket = connect(
      { port: Number(new URL(server.url).port), host: 'localhost', ca: server.ca },
      () => {
        socket.write(
          `POST /http/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n${big.length.toString(16)}\r\n`,
        )
        socket.write(big)
        socket.write('\r\n0\r\n\r\n')
      },
    )
    let text = ''
    const done = () => resolve(text)
    socket
      .on('data', data => {
        text += data.toString()
      })
      .on('close', done)
      .on('error', done)
  })
  assert.match(chunked, /^HTTP\/1\.1 413/)
  assert.equal((await post('/http/orders')).status, 200)
})

test('a large message streams through in both directions', async () => {
  await deploy('large', { address: '/large' })
  const big = Buffer.alloc(20 * 1024 * 1024, 7)
  receiver.answer((request, response) => {
    request.pipe(response)
  })
  const echoed = await post('/http/large', { body: big })
  receiver.answer(undefined)
  assert.deepEqual([echoed.status, echoed.text.length], [200, big.length])
})

test('connections to the receiver are used again', async () => {
  const before = receiver.sockets.length
  for (let i = 0; i < 5; i++) await post('/http/orders')
  assert.ok(receiver.sockets.length - before <= 1)
})

test("a receiver that is down, slow, failing or not letting us in is the sender's clear error", async () => {
  await deploy('down', { address: '/down' }, { url: 'http://127.0.0.1:1/' })
  await deploy('slow', { address: '/slow' }, { timeoutSeconds: 1 })
  await deploy('cloud', { address: '/cloud' }, { url: 'http://169.254.169.254/' })
  const errorOf = async (path: string) => {
    const answer = await post(path)
    return [answer.status, answer.json().error]
  }
  assert.deepEqual(await errorOf('/http/down'), [502, 'receiver_unreachable'])
  assert.deepEqual(await errorOf('/http/cloud'), [502, 'receiver_unreachable'])
  receiver.answer(() => {})
  assert.deepEqual(await errorOf('/http/slow'), [504, 'receiver_timeout'])
  for (const [status, seen] of [
    [500, 502],
    [503, 502],
    [401, 502],
    [403, 502],
  ] as const) {
    receiver.answer((_, response) => {
      response.writeHead(status).end('internals')
    })
    assert.deepEqual(await errorOf('/http/orders'), [seen, 'receiver_failed'], String(status))
  }
  const [message] = await messagesOf('orders')
  assert.deepEqual([message!.status, message!.receiverStatus, message!.httpStatus], ['FAILED', 403, 502])
  for (const status of [204, 302, 404, 422]) {
    receiver.answer((_, response) => {
      response.writeHead(status, status === 302 ? { Location: 'http://127.0.0.1:1/' } : {}).end()
    })
    assert.equal((await post('/http/orders')).status, status)
  }
  receiver.answer((_, response) => {
    response.writeHead(200, { 'Content-Length': 10 })
    response.write('half')
    setImmediate(() => response.destroy())
  })
  await assert.rejects(post('/http/orders'))
  receiver.answer(undefined)
  const [broken] = await messagesOf('orders')
  assert.equal(broken!.status, 'FAILED')
})

test('methods that the adapter does not take get 405 and a list', async () => {
  const answer = await server.call('/http/orders', {
    method: 'OPTIONS',
    headers: { Authorization: `Bearer ${token}` },
  })
  assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, HEAD, POST, PUT, PATCH, DELETE'])
})

test('CSRF protection: fetch a token, bring it back with the cookie, from the same caller', async () => {
  const fetched = await server.call('/http/guarded', {
    headers: { Authorization: `Bearer ${token}`, 'X-CSRF-Token': 'Fetch' },
  })
  const csrf = String(fetched.headers['x-csrf-token'])
  const [set] = fetched.headers['set-cookie'] as string[]
  assert.match(set!, /HttpOnly; Secure; SameSite=Strict; Path=\/http/)
  const cookie = set!.split(';')[0]!
  const status = async (headers: Record<string, string>) => (await post('/http/guarded', { headers })).status
  assert.equal(await status({ 'X-CSRF-Token': csrf, Cookie: cookie }), 200)
  const missing = await post('/http/guarded')
  assert.deepEqual([missing.status, missing.headers['x-csrf-token']], [403, 'Required'])
  assert.equal(await status({ 'X-CSRF-Token': csrf }), 403, 'without the session')
  const other = await server.token(await server.sender())
  assert.equal(await status({ 'X-CSRF-Token': csrf, Cookie: cookie, Authorization: `Bearer ${other}` }), 403)
  server.advance(31 * minute)
  assert.equal(await status({ 'X-CSRF-Token': csrf, Cookie: cookie }), 403, 'too old')
})

test('a token in the query is refused and logged nowhere', async () => {
  assert.equal((await server.call(`/http/orders?access_token=${token}`, { method: 'POST' })).status, 400)
  assert.ok(!JSON.stringify(server.log).includes(token))
})

test('deploying, replacing and undeploying count from the next request on; addresses do not collide', async () => {
  await deploy('brief', { address: '/brief' })
  assert.equal((await post('/http/brief')).status, 200)
  await deploy('brief', { address: '/moved' })
  assert.deepEqual([(await post('/http/brief')).status, (await post('/http/moved')).status], [404, 200])
  await undeployFlow(server.tenant, 'brief', server.server.services)
  assert.equal((await post('/http/moved')).status, 404)
  for (const address of ['/ORDERS', '/tree/x', '/tree/*'])
    await assert.rejects(deploy('rival', { address }), /collides/)
})

test('a role that does not exist is refused at deploy with the nearest name; the second spelling is read with a warning', async () => {
  const { store, outbound, context } = server.server.services
  const put = (userRole: string) =>
    deployFlow(
      server.tenant,
      {
        id: 'r',
        sender: { adapter: 'HTTPS', address: '/r', authorization: { userRole } },
        receiver: { adapter: 'HTTP', url: receiver.origin },
      },
      { store, outbound, context, roles: async () => ['ESBMessaging.send', 'Orders.write'] },
    )
  const refused = await put('Order.write')
  assert.ok(isProblem(refused) && /did you mean Orders\.write/.test(refused.description))
  const warned = orThrow(await put('ESBmessaging.send'))
  assert.deepEqual(warned.sender.authorization, { userRole: 'ESBMessaging.send' })
  assert.equal(warned.warnings.length, 1)
})

test("a tenant's token opens no flow of another tenant", async () => {
  const tenant = await newTenant(server, 'elsewhere')
  await server.deploy(
    {
      id: 'o',
      sender: { adapter: 'HTTPS', address: '/orders' },
      receiver: { adapter: 'HTTP', url: receiver.origin },
    },
    tenant,
  )
  assert.equal((await post('/tenants/elsewhere/http/orders')).status, 401)
  const theirs = await server.token(await server.sender({ tenant }))
  const answer = await server.call('/tenants/elsewhere/http/orders', {
    method: 'POST',
    headers: { Authorization: `Bearer ${theirs}` },
  })
  assert.equal(answer.status, 200)
})

test('a deleted key is refused on the next request, also on an open connection; so is a removed role', async () => {
  const brief = await server.sender()
  const theirs = await server.token(brief)
  const headers = { Authorization: `Bearer ${theirs}` }
  assert.equal((await post('/http/orders', { headers })).status, 200)
  orThrow(
    await updateInstance(server.tenant, brief.instance, { roles: ['Other.role'] }, server.server.services),
  )
  assert.equal((await post('/http/orders', { headers })).status, 403)
  orThrow(await deleteKey(server.tenant, brief.instance, 'key', server.server.services))
  assert.equal((await post('/http/orders', { headers })).status, 401)
  assert.equal((await post('/http/orders', { headers: { Authorization: basic(brief) } })).status, 401)
})
