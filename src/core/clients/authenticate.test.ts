import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { formatSecret, secretDigest } from '../../crypto/secret.ts'
import { createAddresses } from '../addresses.ts'
import type { Log } from '../context.ts'
import { isProblem, type Problem } from '../problem.ts'
import type { ChangeFeed } from '../store.ts'
import type { Trust } from '../trust/index.ts'
import type { Vault } from '../vault.ts'
import { authenticateClient } from './authenticate.ts'
import type { Client } from './client.ts'
import { createClientDirectory } from './directory.ts'
import { createFailureCounter } from './failures.ts'
import type { ClientAuthentication } from './method.ts'
import { authenticateSecret } from './secret.ts'

const now = Date.UTC(2030, 0, 1)
const secret = formatSecret(randomBytes(32))
const vault = { pepper: randomBytes(32) } as unknown as Vault
const origin = { tenant: { id: 't1', name: 'default', selfSigned: false }, source: '10.0.0.1' }
const quiet: ChangeFeed = { upToDate: () => true, onChange() {} }

/** Secrets ask nobody about certificates. */
const nothing = new Proxy({} as never, {
  get(_, name) {
    throw new Error(`${String(name)} was asked for`)
  },
}) as unknown
const noMatches = { find: async () => [], insert: async () => {}, put: async () => {} }
const addresses = createAddresses({
  publicUrl: 'https://a.example',
  mtlsUrl: 'https://mtls.a.example',
  pkiUrl: 'http://pki.a.example',
})

function client(more: Partial<Client> = {}): Client {
  return {
    credentialId: 'credential-1',
    generation: 1,
    clientId: 'sender',
    tenantId: 't1',
    instanceId: 'instance-1',
    instanceName: 'shop',
    keyName: 'key',
    plan: 'integration-flow',
    dialect: 'standard',
    roles: new Set(['ESBMessaging.send']),
    grantTypes: ['client_credentials'],
    tokenValidity: 3600,
    tokenFormat: 'jwt',
    bindTokens: false,
    type: 'secret',
    secretDigest: secretDigest(vault.pepper, secret),
    previousSecret: undefined,
    assertionAudience: 'issuer',
    assertionReplay: 'refused',
    pinned: true,
    certificates: [],
    createdAt: now,
    expiresAt: undefined,
    ...more,
  }
}

/** A table of these clients that counts how often it is asked. */
function world(...clients: Client[]) {
  const reads = { count: 0 }
  const table = {
    async byClientId(tenantId: string, clientId: string) {
      reads.count++
      return clients.find(c => c.tenantId === tenantId && c.clientId === clientId)
    },
    byCredentialId: async () => undefined,
    byCertificate: async () => undefined,
    raiseGeneration: async () => false,
  }
  const deps = {
    directory: createClientDirectory(table, noMatches, quiet),
    vault,
    failures: createFailureCounter(),
    addresses,
    trust: nothing as Trust,
    assertionKeys: nothing as ClientAuthentication['assertionKeys'],
    oneTime: nothing as ClientAuthentication['oneTime'],
    used() {},
    store: nothing as ClientAuthentication['store'],
    context: { now: () => now, log: nothing as Log },
  }
  return { reads, deps }
}

const basic = (id: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}`,
  parameters: new Map<string, string>(),
})
const post = (parameters: Record<string, string>, authorization?: string) => ({
  authorization,
  parameters: new Map(Object.entries(parameters)),
})

function refused(value: unknown): Problem {
  assert.ok(isProblem(value))
  return value
}

test('a client proves itself by its secret, in the header or in the body', async () => {
  const { deps } = world(client())
  for (const [request, method] of [
    [basic('sender', secret), 'client_secret_basic'],
    [post({ client_id: 'sender', client_secret: secret }), 'client_secret_post'],
  ] as const) {
    const authenticated = await authenticateClient(request, origin, deps)
    assert.ok(!isProblem(authenticated))
    assert.equal(authenticated.method, method)
    assert.equal(authenticated.client.credentialId, 'credential-1')
  }
})

test('wrong secret, unknown client, other tenant, key without a secret, expired key: one answer', async () => {
  const wrong = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`
  const { deps } = world(
    client(),
    client({ clientId: 'foreign', tenantId: 't2' }),
    client({ clientId: 'certificate', type: 'certificate', secretDigest: undefined }),
    client({ clientId: 'expired', expiresAt: now }),
  )
  const answers = [
    await authenticateClient(basic('sender', wrong), origin, deps),
    await authenticateClient(basic('sender', ''), origin, deps),
    await authenticateClient(basic('nobody', secret), origin, deps),
    await authenticateClient(basic('foreign', secret), origin, deps),
    await authenticateClient(basic('certificate', ''), origin, deps),
    await authenticateClient(basic('certificate', secret), origin, deps),
    await authenticateClient(basic('expired', secret), origin, deps),
  ].map(refused)
  for (const { code, description, retryAfter } of answers) {
    assert.equal(code, 'invalid_client')
    assert.equal(description, 'client authentication failed')
    assert.equal(retryAfter, undefined)
  }
  assert.equal(new Set(answers.map(problem => problem.reason)).size, 4, 'the operator learns which it was')
})

test('a key is good until the millisecond of its expiry', async () => {
  const { deps } = world(client({ expiresAt: now + 1 }))
  assert.ok(!isProblem(await authenticateClient(basic('sender', secret), origin, deps)))
})

test('an unknown client and a wrong secret cost the same number of reads, cached or not', async () => {
  const { deps, reads } = world(client())
  const readsOf = async (request: ReturnType<typeof basic>) => {
    const before = reads.count
    await authenticateClient(request, origin, deps)
    return reads.count - before
  }
  assert.equal(await readsOf(basic('nobody', secret)), 1)
  assert.equal(await readsOf(basic('sender', 'wrong')), 1, 'not cached')
  assert.equal(await readsOf(basic('sender', 'wrong')), 1, 'cached')
  assert.equal(await readsOf(basic('nobody', secret)), 1)
  assert.equal(await readsOf(basic('sender', secret)), 0, 'who is right need not wait')
})

test('nothing, a client id alone and an unknown scheme authenticate nobody', async () => {
  const { deps } = world(client())
  for (const request of [
    post({}),
    post({ client_id: 'sender' }),
    post({}, 'Digest username=sender'),
    post({}, `Bearer ${secret}`),
    post({}, 'Basic'),
    post({}, 'Basic ***'),
  ])
    assert.equal(refused(await authenticateClient(request, origin, deps)).code, 'invalid_client')
})

test('two methods, two client ids, or a secret without an id are a wrong request, even when all is right', async () => {
  const { deps } = world(client())
  const { authorization } = basic('sender', secret)
  for (const request of [
    post({ client_id: 'sender', client_secret: secret }, authorization),
    post({ client_secret: secret }, authorization),
    post({ client_id: 'other' }, authorization),
    post({ client_secret: secret }),
    post({ client_id: 'sender', client_secret: secret }, `Bearer ${secret}`),
  ])
    assert.equal(refused(await authenticateClient(request, origin, deps)).code, 'invalid_request')
  assert.ok(!isProblem(await authenticateClient(post({ client_id: 'sender' }, authorization), origin, deps)))
})

test('back-off answers the wrong ones only: the right secret is never refused', async () => {
  const { deps } = world(client())
  const attempt = async (password: string) =>
    authenticateSecret({ clientId: 'sender', secret: password }, origin, deps)
  for (let i = 0; i < 20; i++) assert.equal(refused(await attempt('wrong')).code, 'invalid_client')
  const problem = refused(await attempt('wrong'))
  assert.equal(problem.code, 'too_many_failures')
  assert.equal(problem.retryAfter, 60)
  assert.ok(!isProblem(await attempt(secret)))
})
