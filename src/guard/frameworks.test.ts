import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import express from 'express'
import fastify from 'fastify'
import { issuerKey, issuerServer, signed } from '../../test/support/issuer.ts'
import * as forExpress from './express.ts'
import * as forFastify from './fastify.ts'
import { createGuard, type Guard } from './index.ts'

const key = await issuerKey('ES256', 'one')

type Start = (t: TestContext, guard: Guard) => Promise<number>

const startFastify: Start = async (t, guard) => {
  const app = fastify({ forceCloseConnections: true })
  const handler = async (request: object) => ({ client: forFastify.callerOf(request).clientId })
  app.get('/read', { onRequest: forFastify.requireRole(guard, 'read') }, handler)
  app.get('/write', { preHandler: forFastify.requireRole(guard, 'write', 'admin') }, handler)
  app.register(async area => {
    area.addHook('onRequest', forFastify.requireToken(guard))
    area.get('/any', handler)
  })
  app.get('/open', async request => ({ client: forFastify.callerOf(request).clientId }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  return (app.server.address() as AddressInfo).port
}

const startExpress: Start = async (t, guard) => {
  const app = express()
  const handler: express.RequestHandler = (request, response) => {
    response.json({ client: forExpress.callerOf(request).clientId })
  }
  app.get('/read', forExpress.requireRole(guard, 'read'), handler)
  app.get('/write', forExpress.requireRole(guard, 'write', 'admin'), handler)
  app.use('/any', forExpress.requireToken(guard), handler)
  app.get('/open', handler)
  const failed: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).end()
  }
  app.use(failed)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function world(t: TestContext, start: Start) {
  const { state } = await issuerServer(t, key)
  const guard = createGuard({ issuer: state.issuer, audience: 'api' })
  const port = await start(t, guard)
  const token = (changes: object = {}) => {
    const iat = Math.floor(Date.now() / 1000)
    const claims = {
      iss: state.issuer,
      aud: 'api',
      sub: 'c',
      client_id: 'c',
      jti: 'j',
      iat,
      exp: iat + 60,
      scope: 'read',
    }
    return signed(key, { ...claims, ...changes })
  }
  const get = async (path: string, authorization?: string | string[]) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      // Node sends an array as two headers, which its types do not know.
      headers: authorization === undefined ? {} : ({ authorization } as { authorization: string }),
    })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    const challenge = response.headers['www-authenticate']
    return { status: response.statusCode, challenge, text, headers: response.headers }
  }
  return { state, token, get }
}

for (const [name, start] of [
  ['Fastify', startFastify],
  ['Express', startExpress],
] as const)
  describe(`${name}, over HTTP`, () => {
    test('a caller with the role gets through, and the handler knows who it is', async t => {
      const { get, token } = await world(t, start)
      for (const path of ['/read', '/any', '/read?a=b']) {
        const { status, text } = await get(path, `Bearer ${await token()}`)
        assert.deepEqual([status, JSON.parse(text)], [200, { client: 'c' }])
      }
    })
    test('one of several roles is enough, another role gives 403', async t => {
      const { get, token } = await world(t, start)
      assert.equal((await get('/write', `Bearer ${await token({ scope: 'admin' })}`)).status, 200)
      const { status, challenge, text } = await get('/write', `Bearer ${await token()}`)
      assert.equal(status, 403)
      assert.match(challenge ?? '', /^Bearer realm="api", error="insufficient_scope", .*scope="write admin"$/)
      assert.deepEqual(JSON.parse(text), {
        error: 'insufficient_scope',
        error_description: 'the caller lacks the role',
      })
    })
    test('no credentials, a bad token, two headers, a token in the query', async t => {
      const { get, token } = await world(t, start)
      const good = await token()
      const bound = await token({ cnf: { 'x5t#S256': 'A'.repeat(43) } })
      const table: [
        path: string,
        authorization: string | string[] | undefined,
        status: number,
        error: string,
      ][] = [
        ['/any', undefined, 401, 'unauthorized'],
        ['/any', 'Basic YTpi', 401, 'unauthorized'],
        ['/any', 'Bearer nonsense', 401, 'invalid_token'],
        ['/any', `Bearer ${bound}`, 401, 'invalid_token'],
        ['/any', `Bearer ${await token({ exp: 1 })}`, 401, 'invalid_token'],
        ['/any', [`Bearer ${good}`, 'Bearer other'], 400, 'invalid_request'],
        [`/any?access_token=${good}`, undefined, 400, 'invalid_request'],
        [`/any?a=b&access%5Ftoken=${good}`, `Bearer ${good}`, 400, 'invalid_request'],
      ]
      for (const [path, authorization, status, error] of table) {
        const answer = await get(path, authorization)
        assert.deepEqual([answer.status, JSON.parse(answer.text).error], [status, error])
        assert.equal(answer.challenge?.includes('error='), error !== 'unauthorized')
        assert.match(String(answer.headers['content-type']), /^application\/json/)
      }
    })
    test('503 with Retry-After while the keys cannot be fetched', async t => {
      const { get, token, state } = await world(t, start)
      state.down = true
      const { status, headers, text } = await get('/any', `Bearer ${await token()}`)
      assert.deepEqual([status, headers['www-authenticate']], [503, undefined])
      assert.match(String(headers['retry-after']), /^[1-5]$/)
      assert.equal(JSON.parse(text).error, 'temporarily_unavailable')
    })
    test('a handler that forgot its guard does not find a caller', async t => {
      const { get, token } = await world(t, start)
      assert.equal((await get('/open', `Bearer ${await token()}`)).status, 500)
    })
  })

test('a guard for no role at all is refused when the route is made', async () => {
  const guard = createGuard({ issuer: 'urn:a', audience: 'api', keys: { keys: [key.jwk] } })
  assert.throws(() => forFastify.requireRole(guard), TypeError)
  assert.throws(() => forExpress.requireRole(guard), TypeError)
})
