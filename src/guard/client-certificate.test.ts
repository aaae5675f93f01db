import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { SecureContextOptions } from 'node:tls'
import express from 'express'
import fastify from 'fastify'
import { chainOf, keyPair } from '../../test/support/chains.ts'
import { issuerKey, signed } from '../../test/support/issuer.ts'
import { asksForCertificate, sends, serverRoot } from '../../test/support/mtls.ts'
import { tokenServer } from '../../test/support/token-server.ts'
import * as forExpress from './express.ts'
import * as forFastify from './fastify.ts'
import {
  CertificateProblem,
  type ClientCertificateSource,
  certificateOfSocket,
  createGuard,
  type Guard,
} from './index.ts'

const key = await issuerKey('ES256', 'one')
const thumbprint = (der: Buffer) => hash('sha256', der, 'base64url')
const colons = (der: Buffer) => `:${der.toString('base64')}:`

const [, authority, sender] = chainOf([{}, {}, {}]) as [Buffer, Buffer, Buffer]
const [stranger] = chainOf([{ cn: 'stranger', key: keyPair('P-256', 5) }]) as [Buffer]
const [proxy] = chainOf([{ cn: 'proxy', key: keyPair('P-256', 6) }]) as [Buffer]
const asSender = sends([sender, authority], 2)
const asStranger = sends([stranger], 5)
const asProxy = sends([proxy], 6)
const asNobody = { ca: serverRoot }

type Start = (t: TestContext, guard: Guard) => Promise<number>

const startFastify: Start = async (t, guard) => {
  const app = fastify({ https: asksForCertificate, forceCloseConnections: true })
  app.get('/', { onRequest: forFastify.requireRole(guard, 'read') }, async request => ({
    client: forFastify.callerOf(request).clientId,
  }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  return (app.server.address() as AddressInfo).port
}

const startExpress: Start = async (t, guard) => {
  const app = express()
  app.get('/', forExpress.requireRole(guard, 'read'), (request, response) => {
    response.json({ client: forExpress.callerOf(request).clientId })
  })
  const failed: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).end()
  }
  app.use(failed)
  const server = createServer(asksForCertificate, app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const claims = () => {
  const iat = Math.floor(Date.now() / 1000)
  return {
    iss: 'https://a.test',
    aud: 'api',
    sub: 'c',
    client_id: 'c',
    jti: 'j',
    iat,
    exp: iat + 60,
    scope: 'read',
  }
}
const boundTo = (der: Buffer) => ({ cnf: { 'x5t#S256': thumbprint(der) } })
const jwt = (more: object) => signed(key, { ...claims(), ...more })

/** An opaque token here is the base64url of what introspection says about it. */
const opaque = async (more: object) =>
  Buffer.from(JSON.stringify({ ...claims(), ...more })).toString('base64url')

async function world(t: TestContext, start: Start, clientCertificate?: ClientCertificateSource) {
  const { url } = await tokenServer(t, ({ form }) => {
    const said = JSON.parse(Buffer.from(form.get('token') ?? '', 'base64url').toString())
    return { body: { active: true, ...said } }
  })
  const guard = createGuard({
    issuer: 'https://a.test',
    audience: 'api',
    keys: { keys: [key.jwk] },
    introspect: { url, clientId: 'api', clientSecret: 'secret' },
    ...(clientCertificate && { clientCertificate }),
  })
  const port = await start(t, guard)
  return async (
    token: string,
    client: SecureContextOptions,
    headers: Record<string, string | string[]> = {},
  ) => {
    const outgoing = request({
      ...client,
      agent: false,
      host: '127.0.0.1',
      port,
      headers: { ...headers, authorization: `Bearer ${token}` },
    })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const text = await response.setEncoding('utf8').reduce((all, chunk) => all + chunk, '')
    const error = response.statusCode === 200 || text === '' ? '' : ` ${JSON.parse(text).error}`
    return `${response.statusCode}${error}`
  }
}

const behindProxy: ClientCertificateSource = {
  header: 'Client-Cert',
  chainHeader: 'Client-Cert-Chain',
  trusted: ({ socket }) => {
    const peer = certificateOfSocket(socket)
    return !!peer && !(peer instanceof CertificateProblem) && peer.thumbprint === thumbprint(proxy)
  },
}

for (const [framework, start] of [
  ['Fastify', startFastify],
  ['Express', startExpress],
] as const)
  for (const [kind, token] of [
    ['a JWT', jwt],
    ['an opaque token', opaque],
  ] as const)
    describe(`${framework}, ${kind}`, () => {
      test('bound to a certificate passes with it in the connection, and with nothing else', async t => {
        const get = await world(t, start)
        const bound = await token(boundTo(sender))
        assert.equal(await get(bound, asSender), '200')
        assert.equal(await get(bound, asStranger), '401 invalid_token')
        assert.equal(await get(bound, asNobody), '401 invalid_token')
        assert.equal(await get(bound, asSender), '200')
        // Sent along, but not proven: only the first certificate counts.
        assert.equal(await get(bound, sends([stranger, sender], 5)), '401 invalid_token')
        assert.equal(await get(bound, asNobody, { 'client-cert': colons(sender) }), '401 invalid_token')
      })
      test('that is not bound passes with any certificate and without', async t => {
        const get = await world(t, start)
        for (const client of [asSender, asStranger, asNobody])
          assert.equal(await get(await token({}), client), '200')
      })
      test('with a confirmation that is not known is refused, whatever the certificate', async t => {
        const get = await world(t, start)
        for (const cnf of [{ jkt: thumbprint(sender) }, { ...boundTo(sender).cnf, jkt: 'a' }, {}, null])
          assert.equal(await get(await token({ cnf }), asSender), '401 invalid_token')
      })
      test('bound to a certificate passes with it in the header of the proxy', async t => {
        const get = await world(t, start, behindProxy)
        const bound = await token(boundTo(sender))
        const headers = {
          'Client-Cert': colons(sender),
          'Client-Cert-Chain': [colons(authority), colons(authority)],
        }
        assert.equal(await get(bound, asProxy, headers), '200')
        assert.equal(await get(bound, asProxy, { 'client-cert': colons(stranger) }), '401 invalid_token')
        assert.equal(await get(bound, asProxy, { 'client-cert': '' }), '401 invalid_token')
        assert.equal(await get(bound, asProxy), '401 invalid_token')
        assert.equal(await get(bound, asProxy, { client_cert: colons(sender) }), '401 invalid_token')
        assert.equal(await get(bound, asProxy, { 'x-client-cert': colons(sender) }), '401 invalid_token')
      })
      test('never passes with the header of somebody who is not the proxy', async t => {
        const get = await world(t, start, behindProxy)
        const bound = await token(boundTo(sender))
        for (const client of [asNobody, asStranger])
          assert.equal(await get(bound, client, { 'client-cert': colons(sender) }), '401 invalid_token')
        assert.equal(await get(bound, asSender), '200')
        assert.equal(await get(bound, asSender, { 'client-cert': colons(stranger) }), '200')
      })
      test('bound to the certificate of the proxy does not pass for those behind it', async t => {
        const get = await world(t, start, behindProxy)
        assert.equal(await get(await token(boundTo(proxy)), asProxy), '401 invalid_token')
        assert.equal(
          await get(await token(boundTo(proxy)), asProxy, { 'client-cert': colons(sender) }),
          '401 invalid_token',
        )
      })
      test('is not looked at where the header of the proxy cannot be read', async t => {
        const get = await world(t, start, behindProxy)
        const table: Record<string, string | string[]>[] = [
          { 'client-cert': 'garbage' },
          { 'client-cert': [colons(sender), colons(sender)] },
          { 'client-cert': `${colons(sender)}, ${colons(sender)}` },
          { 'client-cert': colons(sender), 'client-cert-chain': 'garbage' },
          { 'client-cert-chain': colons(authority) },
        ]
        for (const headers of table)
          for (const more of [{}, boundTo(sender)])
            assert.equal(await get(await token(more), asProxy, headers), '400 invalid_request')
      })
    })

test('only true means that the hop is trusted: no promise, no text', async t => {
  for (const answer of [Promise.resolve(true), 'yes', 1, {}, undefined]) {
    const get = await world(t, startFastify, { header: 'client-cert', trusted: () => answer as boolean })
    const bound = await jwt(boundTo(sender))
    assert.equal(await get(bound, asNobody, { 'client-cert': colons(sender) }), '401 invalid_token')
  }
})

test('a question that fails is an error of the API, and lets nobody through', async t => {
  for (const start of [startFastify, startExpress]) {
    const get = await world(t, start, {
      header: 'client-cert',
      trusted: () => {
        throw new Error('no answer')
      },
    })
    assert.match(await get(await jwt({}), asNobody), /^500/)
  }
})

test('a server on a Unix socket that only the proxy may open trusts every request', async t => {
  const guard = createGuard({
    issuer: 'https://a.test',
    audience: 'api',
    keys: { keys: [key.jwk] },
    clientCertificate: {
      header: 'x-ssl-client-cert',
      trusted: () => true,
    },
  })
  const directory = mkdtempSync(join(tmpdir(), 'countersign-guard-'))
  const server = createHttpServer(async (incoming, response) => {
    const caller = await guard.checkRequest(incoming)
    response.end('clientId' in caller ? caller.clientId : String(caller.status))
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
    rmSync(directory, { recursive: true })
  })
  const socketPath = join(directory, 'api.sock')
  server.listen(socketPath)
  await once(server, 'listening')
  const bound = await jwt(boundTo(sender))
  for (const [certificate, said] of [
    [sender, 'c'],
    [stranger, '401'],
  ] as const) {
    const headers = { authorization: `Bearer ${bound}`, 'x-ssl-client-cert': certificate.toString('base64') }
    const outgoing = httpRequest({ socketPath, headers, agent: false })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    assert.equal(await response.setEncoding('utf8').reduce((all, chunk) => all + chunk, ''), said)
  }
})
