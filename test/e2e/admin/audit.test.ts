import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newRoot, pkcs8 } from '../../support/senders.ts'
import { flowFile } from '../worker/world.ts'
import { startAdminWorld } from './world.ts'

const { server, admin, close } = await startAdminWorld()
after(close)
const token = admin.headers.Authorization.slice('Bearer '.length)
const actor = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).client_id as string

const lines = () =>
  server.log.filter(line => line.message === 'admin operation done').map(line => line.fields)

const guid = '11111111-2222-4333-8444-555555555555'
const instanceByDefault = {
  plan: 'integration-flow',
  dialect: 'standard',
  roles: ['ESBMessaging.send'],
  'grant-types': ['client_credentials'],
  'redirect-uris': [],
  'token-validity': 3600,
  'token-format': 'jwt',
  'bind-tokens': false,
  'assertion-audience': 'issuer',
  'assertion-replay': 'refused',
  'certificate-overlap': 7,
}
const instanceChanged = {
  roles: ['token.introspect'],
  'token-validity': 7200,
  'token-format': 'opaque',
  'assertion-audience': 'token-endpoint',
  'assertion-replay': 'reported',
  'certificate-overlap': 14,
}

test('every change leaves one line that says who did what to whom, and what was set', async () => {
  for (const [method, path, body, operation, target, set] of [
    [
      'POST',
      '/tenants',
      { name: 'acme', id: guid, aliases: ['acme.example'], signingAlgorithm: 'EdDSA' },
      'POST /tenants',
      { name: 'acme', id: guid },
      { id: guid, aliases: ['acme.example'], signingAlgorithm: 'EdDSA', selfSigned: false },
    ],
    [
      'PATCH',
      '/tenants/acme',
      { selfSigned: true },
      'PATCH /tenants/:name',
      { name: 'acme' },
      { selfSigned: true },
    ],
    ['DELETE', '/tenants/acme', undefined, 'DELETE /tenants/:name', { name: 'acme' }],
    [
      'POST',
      '/roles',
      { name: 'A.role', description: 'of orders' },
      'POST /roles',
      { name: 'A.role' },
      { description: 'of orders' },
    ],
    ['DELETE', '/roles/A.role', undefined, 'DELETE /roles/:name', { name: 'A.role' }],
    ['POST', '/instances', { name: 'one' }, 'POST /instances', { name: 'one' }, instanceByDefault],
    [
      'PATCH',
      '/instances/one',
      { parameters: instanceChanged },
      'PATCH /instances/:instance',
      { instance: 'one' },
      { ...instanceByDefault, ...instanceChanged },
    ],
    [
      'POST',
      '/instances/one/keys',
      { name: 'k' },
      'POST /instances/:instance/keys',
      { instance: 'one', name: 'k' },
    ],
    [
      'POST',
      '/instances/one/keys/k/rotation',
      { overlapDays: 1 },
      'POST /instances/:instance/keys/:key/rotation',
      { instance: 'one', key: 'k' },
      { overlapDays: 1 },
    ],
    [
      'POST',
      '/instances/one/keys/k/token-revocation',
      undefined,
      'POST /instances/:instance/keys/:key/token-revocation',
      { instance: 'one', key: 'k' },
    ],
    [
      'DELETE',
      '/instances/one/keys/k',
      undefined,
      'DELETE /instances/:instance/keys/:key',
      { instance: 'one', key: 'k' },
    ],
    ['DELETE', '/instances/one', undefined, 'DELETE /instances/:instance', { instance: 'one' }],
    ['POST', '/flows', flowFile('a-flow', 'http://127.0.0.1:9'), 'POST /flows', { id: 'a-flow' }],
    ['DELETE', '/flows/a-flow', undefined, 'DELETE /flows/:id', { id: 'a-flow' }],
  ] as const) {
    const before = lines().length
    const answer = await admin.call(method, path, body)
    assert.ok(answer.status < 300, answer.text)
    const added = lines().slice(before)
    const who = { correlationId: answer.headers['x-correlation-id'], tenant: 'default', actor }
    assert.deepEqual(added, [{ ...who, operation, ...target, ...(set && { set }) }])
  }
})

test('a rotation of the signing keys leaves a line that says from when on, and with what', async () => {
  const { activeFrom } = (await admin.call('POST', '/signing-keys/rotation', {})).json()
  assert.deepEqual(lines().at(-1)?.set, { activeFrom })
  await admin.call('POST', '/signing-keys/rotation', { algorithm: 'RS256' })
  const set = lines().at(-1)?.set as Record<string, unknown> | undefined
  assert.equal(set?.signingAlgorithm, 'RS256')
})

test('what may be a secret in an address does not get into the line, nor does a list without end', async () => {
  const uris = ['https://me:hidden1@a.example/path?code=hidden2#hidden3', 'app:/x?hidden4']
  const many = Array.from({ length: 60 }, (_, i) => `https://a.example/${i}`)
  const answer = await admin.call('POST', '/instances', {
    name: 'addresses',
    parameters: { 'redirect-uris': [...uris, ...many] },
  })
  assert.equal(answer.status, 201, answer.text)
  const told = (lines().at(-1)?.set as Record<string, string[]> | undefined)?.['redirect-uris'] ?? []
  assert.deepEqual(told.slice(0, 3), ['https://a.example/path', 'app:/x', 'https://a.example/0'])
  assert.deepEqual(told.slice(50), ['and 12 more'])
  assert.doesNotMatch(JSON.stringify(server.log), /hidden/)
})

test('a key that is made does not show its credential in the line', async () => {
  await admin.call('POST', '/instances', { name: 'keys' })
  const { clientsecret } = (await admin.call('POST', '/instances/keys/keys', { name: 'k' })).json()
  assert.equal(typeof clientsecret, 'string')
  assert.ok(!JSON.stringify(server.log).includes(String(clientsecret)))
})

test('what is trusted, issued, revoked and rolled over is named in the line, and no private key is', async () => {
  const root = newRoot('audited')
  await admin.call('POST', '/trust', {
    certificates: root.pem,
    crlUrl: 'http://me:hidden5@crl.example/list?key=hidden6',
  })
  const { fingerprint, subject } = (await admin.call('GET', '/trust')).json<{
    certificates: { fingerprint: string; subject: string }[]
  }>().certificates[0]!
  assert.deepEqual(lines().at(-1)?.set, {
    certificates: [`${fingerprint} ${subject}`],
    revocation: 'hard',
    crlUrl: 'http://crl.example/list',
  })
  await admin.call('DELETE', `/trust/${fingerprint}`)
  assert.equal(lines().at(-1)?.fingerprint, fingerprint)

  const parameters = { 'key-type': 'certificate', 'key-length': 256 }
  const made = (await admin.call('POST', '/instances/keys/keys', { name: 'c', parameters })).json()
  assert.deepEqual(lines().at(-1)?.set, made.certificatedetails)
  const { serialnumber } = made.certificatedetails as { serialnumber: string }
  const revoked = await admin.call('POST', `/certificates/${serialnumber}/revocation`, {
    reason: 'superseded',
  })
  assert.deepEqual(lines().at(-1)?.set, revoked.json())

  const { activeFrom, retireAt } = (
    await admin.call('POST', '/authority/roll-over', { leadDays: 1, overlapDays: 2 })
  ).json()
  assert.deepEqual(lines().at(-1)?.set, { activeFrom, retireAt })
  const above = newRoot('imported')
  const imported = above.intermediate('imported below')
  const certificates = imported.pem + above.pem
  const answer = await admin.call('POST', '/authority/import', { certificates, key: pkcs8(imported.pair) })
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(lines().at(-1)?.set, answer.json())
  assert.doesNotMatch(JSON.stringify(server.log), /hidden|PRIVATE KEY/)
})

test('reading and what was refused are not written down as changes', async () => {
  const before = lines().length
  await admin.call('GET', '/roles')
  await admin.call('POST', '/roles', { name: 'no space' })
  await admin.call('DELETE', '/roles/nothing')
  await server.call('/admin/v1/roles', { method: 'POST' })
  assert.equal(lines().length, before)
  const refusals = server.log.filter(line => line.message === 'request refused')
  assert.ok(refusals.length >= 3)
  assert.ok(refusals.every(line => line.fields.correlationId && line.fields.surface && line.fields.code))
})

test('what an operator does in another tenant is logged with that tenant', async () => {
  await admin.call('POST', '/tenants', { name: 'elsewhere' })
  await server.call('/tenants/elsewhere/admin/v1/roles', {
    method: 'POST',
    headers: { ...admin.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'B.role' }),
  })
  const line = lines().at(-1)
  assert.equal(line?.tenant, 'elsewhere')
  assert.equal(line?.actor, actor)
})

test('a name with a line break in it stays in its line', async () => {
  await admin.call('DELETE', `/roles/${encodeURIComponent('x\n{"level":"error"}')}`)
  for (const line of server.log) assert.doesNotMatch(JSON.stringify(line), /\n/)
})
