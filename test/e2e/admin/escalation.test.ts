import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestServer, type TestServer } from '../../support/server.ts'

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.adminToken('CredentialsEdit', 'CredentialsRead')
})
after(() => server.close())

const ask = async (method: string, path: string, body: object, as = token) =>
  (
    await server.call(`/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${as}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  ).status

test('who manages credentials makes nobody mightier than itself', async () => {
  const { instance: mighty } = await server.sender({ plan: 'api', parameters: { roles: ['TenantsEdit'] } })
  const instance = (name: string, roles: string[]) => ({ name, plan: 'api', parameters: { roles } })
  assert.equal(await ask('POST', '/instances', instance('up', ['TenantsEdit'])), 403)
  assert.equal(await ask('POST', '/instances', instance('up', ['CredentialsRead', 'UserRolesEdit'])), 403)
  assert.equal(await ask('POST', '/instances', instance('same', ['CredentialsRead'])), 201)
  assert.equal(await ask('PATCH', '/instances/same', { parameters: { roles: ['UserRolesEdit'] } }), 403)
  assert.equal(await ask('POST', `/instances/${mighty}/keys`, { name: 'mine' }), 403)
  // A successor of a key is a credential as good as a new one.
  assert.equal(await ask('POST', `/instances/${mighty}/keys/key/rotation`, {}), 403)
  assert.equal(await ask('POST', '/instances/same/keys', { name: 'mine' }), 201)
  assert.equal(await ask('POST', '/instances/same/keys/mine/rotation', {}), 201)
})

test('roles of flows are handed out without being held', async () => {
  const body = { name: 'flows', parameters: { roles: ['ESBMessaging.send'] } }
  assert.equal(await ask('POST', '/instances', body), 201)
  assert.equal(await ask('POST', '/instances/flows/keys', { name: 'key' }), 201)
})
