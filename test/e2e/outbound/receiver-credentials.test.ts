import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { deployFlow, neededByFlows } from '../../../src/core/flows/index.ts'
import { importEntry } from '../../../src/core/keystore/index.ts'
import { createMaterial } from '../../../src/core/material/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { holds, newRoot, pemOf, pkcs8, trust } from '../../support/senders.ts'
import {
  type Answer,
  basic,
  orThrow,
  type SentKey,
  startTestServer,
  type TestServer,
} from '../../support/server.ts'
import { type Certificates, opensslCertificates } from '../../support/token-server.ts'
import { partsOf } from '../token-server/world.ts'
import { newestMessage } from '../worker/world.ts'

/** A call as the receiver got it. */
interface Got {
  readonly authorization: string | undefined
  /** `x5t#S256` of the certificate of the connection. */
  readonly thumbprint: string | undefined
}

let server: TestServer
/** Who gives tokens to others; here it is another one of ours, as a foreign token server would be. */
let foreign: TestServer
let client: SentKey
let sender: SentKey
let receiver: Server
let url: string
let pki: Certificates
const got: Got[] = []
let status = 200
const clients = newRoot('of our clients')
const ours = clients.issue({ cn: 'ours' })

before(async () => {
  server = await startTestServer()
  foreign = await startTestServer()
  client = await foreign.sender()
  sender = await server.sender()
  pki = opensslCertificates()
  receiver = createServer(
    { cert: pki.serverCert, key: pki.serverKey, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const certificate = (request.socket as TLSSocket).getPeerX509Certificate()
      const thumbprint =
        certificate &&
        Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
      got.push({ authorization: request.headers.authorization, thumbprint })
      request.resume().once('end', () => response.writeHead(status).end('taken'))
    },
  )
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  url = `https://localhost:${(receiver.address() as AddressInfo).port}/in`
  await imported('ours', pemOf(ours.der) + pkcs8(ours.pair))
})
after(async () => {
  receiver.closeAllConnections()
  receiver.close()
  await server.close()
  await foreign.close()
})

const imported = async (alias: string, file: string) =>
  orThrow(await importEntry(server.tenant, alias, { file }, server.server.services))
const material = async (name: string, type: string, content: object, replace = false) =>
  orThrow(await createMaterial(server.tenant, { name, type, content, replace }, server.server.services))

/** A flow that calls the receiver with a credential. */
const deploy = (id: string, credential: string | undefined, to = url) =>
  server.deploy({
    id,
    sender: { adapter: 'HTTPS', address: `/${id}` },
    receiver: { adapter: 'HTTP', url: to, ...(credential && { credential }) },
  })

const sent = (id: string): Promise<Answer> =>
  server.call(`/http/${id}`, { method: 'POST', body: 'an order', headers: { Authorization: basic(sender) } })

async function arrived(id: string): Promise<Got> {
  const before = got.length
  const answer = await sent(id)
  assert.equal(answer.status, 200, answer.text)
  assert.equal(got.length, before + 1)
  return got.at(-1)!
}

async function failed(id: string, reason: RegExp, code = 502): Promise<void> {
  const before = got.length
  const answer = await sent(id)
  assert.equal(answer.status, code, answer.text)
  assert.match((await newestMessage({ server }, id)).error!, reason)
  assert.equal(got.length, before, 'nothing was sent')
}

test('a receiver of an unknown root is not called; with its root in the keystore it is, from the next message on', async () => {
  await deploy('plain', undefined)
  await failed('plain', /TLS failed/)
  await imported('receiver-root', pki.ca)
  assert.deepEqual(await arrived('plain'), { authorization: undefined, thumbprint: undefined })
})

test('user and password go as HTTP Basic, with the company where there is one', async () => {
  await material('crm', 'user', { user: 'zoë', password: 'pass:wörd' })
  await deploy('by-user', 'CRM')
  const told = ({ authorization }: Got) => Buffer.from(authorization!.split(' ')[1]!, 'base64').toString()
  assert.equal(told(await arrived('by-user')), 'zoë:pass:wörd')
  await material('crm', 'user', { user: 'zoë', password: 'other', companyId: 'ACME' }, true)
  assert.equal(told(await arrived('by-user')), 'zoë@ACME:other')
})

test('a key pair is shown where the receiver asks for a certificate', async () => {
  await deploy('by-certificate', 'ours')
  assert.deepEqual(await arrived('by-certificate'), { authorization: undefined, thumbprint: ours.thumbprint })
  // Connections are not shared with those who show none, or another one.
  assert.equal((await arrived('plain')).thumbprint, undefined)
  const next = clients.issue({ cn: 'next' })
  orThrow(
    await importEntry(
      server.tenant,
      'ours',
      { file: pemOf(next.der) + pkcs8(next.pair), replace: true },
      server.server.services,
    ),
  )
  assert.equal((await arrived('by-certificate')).thumbprint, next.thumbprint)
})

const oauth = (more: object = {}) => ({
  tokenServiceUrl: client.tokenurl,
  clientId: client.clientid,
  clientSecret: client.clientsecret,
  customParameters: [{ key: 'token_format', value: 'jwt', sendAsPartOf: 'body' }],
  ...more,
})

test('a token of another token server is fetched once, kept, and got anew when the receiver refuses it', async () => {
  await imported('token-server-root', foreign.ca)
  for (const clientAuthentication of ['body', 'header']) {
    await material(
      'erp',
      'oauth2-client-credentials',
      oauth({ clientAuthentication }),
      clientAuthentication === 'header',
    )
    await deploy('by-token', 'erp')
    const first = await arrived('by-token')
    const { claims } = partsOf(first.authorization!.replace('Bearer ', ''))
    assert.deepEqual([claims.iss, claims.client_id], [foreign.url, client.clientid])
    assert.deepEqual(await arrived('by-token'), first)
    status = 401
    assert.equal((await sent('by-token')).status, 502)
    status = 200
    assert.notEqual((await arrived('by-token')).authorization, first.authorization)
  }
})

test('a token may be got with a key pair, and goes with it where it is bound', async () => {
  const own = clients.issue({ cn: 'of tokens' })
  await trust(foreign, clients)
  const held = await holds(foreign, own, {}, { bindTokens: true })
  await imported('for-tokens', pemOf(own.der) + pkcs8(own.pair))
  const { tokenurl } = held.document as { tokenurl: string }
  const { clientSecret: _, ...rest } = oauth({ tokenServiceUrl: tokenurl, clientId: held.clientid })
  await material('bound', 'oauth2-client-credentials', { ...rest, keystoreAlias: 'for-tokens' })
  await deploy('by-bound-token', 'bound')
  const { authorization, thumbprint } = await arrived('by-bound-token')
  assert.equal(thumbprint, own.thumbprint)
  assert.deepEqual(partsOf(authorization!.replace('Bearer ', '')).claims.cnf, { 'x5t#S256': own.thumbprint })
})

test('where a call fails, a certificate that has ended or is not good yet is named with its dates', async t => {
  const day = 86_400_000
  const [ended, early] = [
    { notBefore: Date.now() - 3 * day, notAfter: Date.now() - day },
    { notBefore: Date.now() + day, notAfter: Date.now() + 3 * day },
  ].map(dates => clients.issue(dates))
  await imported('has-ended', pemOf(ended!.der) + pkcs8(ended!.pair))
  await imported('too-early', pemOf(early!.der) + pkcs8(early!.pair))
  const strict = createServer(
    { cert: pki.serverCert, key: pki.serverKey, requestCert: true, ca: [clients.pem] },
    (_request, response) => response.end(),
  ).listen(0, '127.0.0.1')
  strict.on('tlsClientError', () => {})
  t.after(() => strict.close())
  await once(strict, 'listening')
  const strictUrl = `https://localhost:${(strict.address() as AddressInfo).port}/in`
  for (const [alias, words] of [
    ['has-ended', /certificate of keystore entry has-ended has ended: its dates are \d{4}-.* to \d{4}-/],
    ['too-early', /certificate of keystore entry too-early is not good yet: its dates are \d{4}-/],
  ] as const) {
    await deploy(`tls-${alias}`, alias, strictUrl)
    await failed(`tls-${alias}`, words)
    await deploy(`to-${alias}`, alias)
    for (const answer of [400, 403]) {
      status = answer
      await sent(`to-${alias}`)
      const { error } = await newestMessage({ server }, `to-${alias}`)
      assert.match(error!, words)
      assert.match(error!, new RegExp(`^the receiver answered ${answer}`))
    }
    status = 200
    assert.ok((await arrived(`to-${alias}`)).thumbprint, 'a receiver may take it all the same')
    const { clientSecret: _, ...rest } = oauth({ tokenServiceUrl: strictUrl })
    await material(`by-${alias}`, 'oauth2-client-credentials', { ...rest, keystoreAlias: alias })
    await deploy(`token-${alias}`, `by-${alias}`)
    await failed(`token-${alias}`, words)
  }
  await deploy('away', 'has-ended', 'https://localhost:1/in')
  await failed('away', /ECONNREFUSED[^;]*$/)
})

test('messages that wait for a token get it, whatever is changed meanwhile', async () => {
  await material('busy', 'oauth2-client-credentials', oauth())
  await deploy('busy', 'busy')
  for (let round = 0; round < 3; round++) {
    await material('busy', 'oauth2-client-credentials', oauth(), true)
    const waiting = Array.from({ length: 10 }, () => sent('busy'))
    await imported(`unrelated-${round}`, pki.clientCert + pki.clientKey)
    const answers = await Promise.all([...waiting, sent('busy')])
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(11).fill(200),
    )
  }
})

test('a receiver that refuses everything does not drive us to the token server', async () => {
  await material('restless', 'oauth2-client-credentials', oauth())
  await deploy('restless', 'restless')
  status = 401
  for (let i = 0; i < 5; i++) await sent('restless')
  status = 200
  const tokens = new Set(got.slice(-5).map(({ authorization }) => authorization))
  assert.equal(tokens.size, 2)
  server.advance(31_000)
  status = 401
  await sent('restless')
  status = 200
  assert.ok(!tokens.has((await arrived('restless')).authorization))
})

test('certificates that TLS refuses end the message, and nothing else', async () => {
  const { services } = server.server
  const weak = clients.issue({ cn: 'weak' })
  const hostile: typeof services.outbound = {
    ...services.outbound,
    of: async () => ({
      authorization: undefined,
      connection: { id: 'hostile', ca: [], certificate: { cert: pemOf(weak.der), key: pkcs8(ours.pair) } },
    }),
  }
  const { of } = services.outbound
  Object.assign(services.outbound, { of: hostile.of })
  try {
    await failed('plain', /certificates for the connection cannot be used/)
  } finally {
    Object.assign(services.outbound, { of })
  }
  assert.equal((await arrived('plain')).authorization, undefined)
})

test('without a token nothing is sent, and the message log says whose words that are', async () => {
  await material('wrong', 'oauth2-client-credentials', oauth({ clientSecret: 'wrong' }))
  await deploy('refused', 'wrong')
  await failed('refused', /no token for credential wrong: .*401 invalid_client/)
  await material('dead', 'oauth2-client-credentials', oauth({ tokenServiceUrl: 'https://localhost:1/token' }))
  await deploy('dead', 'dead')
  await failed('dead', /no token for credential dead: No connection to localhost:1 \(ECONNREFUSED\)/)
  const lines = JSON.stringify(server.log)
  for (const secret of [client.clientsecret, 'pass:wörd']) assert.equal(lines.includes(secret), false)
})

test('a flow is deployed only with what receivers can be called with, and keeps it from going', async () => {
  const { services } = server.server
  await material('parameter', 'secure-parameter', { secureParam: 'x' })
  for (const [credential, reason] of [
    ['nothing', /receiver\.credential: there is no security material and no key pair nothing/],
    ['parameter', /receiver\.credential: security material parameter is a secure-parameter/],
    ['receiver-root', /no security material and no key pair receiver-root/],
  ] as const) {
    const flow = {
      id: 'x',
      sender: { adapter: 'HTTPS', address: '/x' },
      receiver: { adapter: 'HTTP', url, credential },
    }
    const found = await deployFlow(server.tenant, flow, {
      ...services,
      roles: async () => ['ESBMessaging.send'],
    })
    assert.ok(isProblem(found))
    assert.match(found.description, reason)
  }
  const clear = {
    id: 'x',
    sender: { adapter: 'HTTPS', address: '/x' },
    receiver: { adapter: 'HTTP', url: 'http://receiver.example/', credential: 'crm' },
  }
  const refused = await deployFlow(server.tenant, clear, {
    ...services,
    roles: async () => ['ESBMessaging.send'],
  })
  assert.ok(isProblem(refused))
  assert.match(refused.description, /a credential would travel in clear/)
  const shadow = { name: 'OURS', type: 'user', content: { user: 'a', password: 'b' } }
  const taken = await createMaterial(server.tenant, shadow, services)
  assert.ok(isProblem(taken))
  assert.match(taken.description, /ours is a key pair of the keystore/)
  const admin = await server.adminToken('SecurityMaterialEdit')
  const headers = { Authorization: `Bearer ${admin}`, 'Content-Type': 'application/json' }
  for (const [method, path, body] of [
    ['DELETE', '/material/crm', undefined],
    ['DELETE', '/keystore/OURS', undefined],
    ['PATCH', '/keystore/ours', '{"alias":"another"}'],
  ] as const) {
    const answer = await server.call(`/admin/v1${path}`, { method, headers, ...(body && { body }) })
    assert.equal(answer.status, 409, `${path}: ${answer.text}`)
    assert.match(String(answer.json().error_description), /flow by-\w+ calls its receiver with/)
  }
  assert.equal(await neededByFlows(server.tenant, 'parameter', services), undefined)
})
