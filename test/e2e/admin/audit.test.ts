import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { flowFile } from '../worker/world.ts'
import { startAdminWorld } from './world.ts'

const { server, admin, close } = await startAdminWorld()
after(close)
const token = admin.headers.Authorization.slice('Bearer '.length)
const actor = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).client_id as string

const lines = () =>
  server.log.filter(line => line.message === 'admin operation done').map(line => line.fields)

test('every change leaves one line that says who did what to whom, and when it was asked', async () => {
  for (const [method, path, body, operation, target] of [
    ['POST', '/tenants', { name: 'acme' }, 'POST /tenants', { name: 'acme' }],
    ['DELETE', '/tenants/acme', undefined, 'DELETE /tenants/:name', { name: 'acme' }],
    ['POST', '/roles', { name: 'A.role' }, 'POST /roles', { name: 'A.role' }],
    ['DELETE', '/roles/A.role', undefined, 'DELETE /roles/:name', { name: 'A.role' }],
    ['POST', '/instances', { name: 'one' }, 'POST /instances', { name: 'one' }],
    ['PATCH', '/instances/one', { parameters: {} }, 'PATCH /instances/:instance', { instance: 'one' }],
    [
      'POST',
      '/instances/one/keys',
      { name: 'k' },
      'POST /instances/:instance/keys',
      { instance: 'one', name: 'k' },
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
    ['POST', '/signing-keys/rotation', {}, 'POST /signing-keys/rotation', {}],
  ] as const) {
    const before = lines().length
    const answer = await admin.call(method, path, body)
    assert.ok(answer.status < 300, answer.text)
    const added = lines().slice(before)
    assert.deepEqual(added, [
      { correlationId: answer.headers['x-correlation-id'], tenant: 'default', actor, operation, ...target },
    ])
  }
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
