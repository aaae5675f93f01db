import assert from 'node:assert/strict'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { plainServer } from '../../../src/adapters/http/server.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { newTenant } from '../token-server/world.ts'

let server: TestServer
/** A listener whose peers seem to come from elsewhere: tests have no address but loopback. */
const away = plainServer((request, response) =>
  server.server.listenerOf({ name: 'plain' })(request, response),
)
away.on('connection', (socket: Socket) =>
  Object.defineProperty(socket, 'remoteAddress', { value: '203.0.113.7' }),
)
before(async () => {
  server = await startTestServer()
  await new Promise<void>(resolve => away.listen(0, '127.0.0.1', resolve))
})
after(async () => {
  away.close()
  away.closeAllConnections()
  await server.close()
})

async function read(path: string, token?: string): Promise<number> {
  const { port } = away.address() as AddressInfo
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status
}

test("from elsewhere, metrics are for the administrators of the operator's tenant", async () => {
  assert.equal(await read('/metrics'), 401)
  assert.equal(await read('/metrics', await server.token(await server.sender())), 401)
  assert.equal(await read('/metrics', await server.adminToken('MonitoringDataRead')), 200)
})

test("a tenant's administrator does not learn what other tenants there are", async () => {
  const tenant = await newTenant(server, 'curious')
  const key = await server.sender({ tenant, plan: 'api', parameters: { roles: ['MonitoringDataRead'] } })
  const token = await server.token(key)
  for (const path of ['/metrics', '/tenants/curious/metrics'])
    assert.equal(await read(path, token), 401, path)
})
