import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { assignRole } from '../../../src/core/broker/index.ts'
import { deleteClient, registerClient, updateClient, userOf } from '../../../src/core/registration/index.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { callUrl, orThrow, startTestServer } from '../../support/server.ts'
import { type ServerProcess, startServer } from '../process/support.ts'
import { flowFile, until } from '../worker/world.ts'
import { type Client, plainBasic, tokenPath } from './world.ts'

const chosen = 'what the sender has chosen'
const role = 'ESBMessaging.send'

const ask = ({ url, ca }: Pick<ServerProcess, 'url' | 'ca'>, client: Client) =>
  callUrl(`${url}${tokenPath}?grant_type=client_credentials`, ca, {
    method: 'POST',
    headers: { Authorization: plainBasic(client) },
  })
const send = ({ url, ca }: Pick<ServerProcess, 'url' | 'ca'>, token: string) =>
  callUrl(`${url}/http/orders`, ca, { method: 'POST', headers: { Authorization: `Bearer ${token}` } })
async function register(server: ServerProcess, clientid: string): Promise<Client> {
  const made = await server.admin<Client>('POST', '/clients', { clientid, secret: chosen })
  return { ...made, clientsecret: chosen }
}
/** A flow whose receiver is not there: 502 says that the sender was let in. */
const deploy = (server: ServerProcess) =>
  server.admin('POST', '/flows', {
    id: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: 'http://127.0.0.1:1/' },
  })

/** Connections go to the processes in turn: what many of them get, every process gives. */
async function everywhere(work: () => Promise<{ status: number }>): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: 12 }, work))
  return [...new Set(answers.map(({ status }) => status))]
}

test('a change counts in every process of a machine on the next request', async t => {
  const server = await startServer({ env: { COUNTERSIGN_WORKERS: '2' } })
  t.after(() => server.stop())
  await deploy(server)
  const client = await register(server, 'erp')
  const { access_token: token } = (await ask(server, client)).json<{ access_token: string }>()
  assert.deepEqual(await everywhere(() => ask(server, client)), [200])
  assert.deepEqual(await everywhere(() => send(server, token)), [403])
  const assignment = { user: client.user, role }
  for (let i = 0; i < 3; i++) {
    await server.admin('POST', '/role-assignments', assignment)
    assert.deepEqual(await everywhere(() => send(server, token)), [502])
    await server.admin('DELETE', `/role-assignments?${new URLSearchParams(assignment)}`)
    assert.deepEqual(await everywhere(() => send(server, token)), [403])
    await server.admin('PATCH', '/clients/erp', { disabled: true })
    assert.deepEqual(await everywhere(() => send(server, token)), [401])
    await server.admin('PATCH', '/clients/erp', { disabled: false })
  }
  await server.admin('POST', '/clients/erp/token-revocation')
  assert.deepEqual(await everywhere(() => send(server, token)), [401])
})

test('what was registered and revoked is there after a restart, and after a kill', async () => {
  let server = await startServer()
  const { dataDir } = server
  await deploy(server)
  const client = await register(server, 'erp')
  await server.admin('POST', '/role-assignments', { user: client.user, role })
  const tokenOf = async () => (await ask(server, client)).json<{ access_token: string }>().access_token
  const [revoked, kept] = [await tokenOf(), await tokenOf()]
  await server.admin('POST', '/clients/erp/token-revocation', { token: revoked })
  for (const end of ['stop', 'kill'] as const) {
    await server[end]()
    server = await startServer({ dataDir, env: portsOf(server) })
    assert.equal((await ask(server, client)).status, 200)
    assert.equal((await send(server, kept)).status, 502)
    assert.equal((await send(server, revoked)).status, 401)
  }
  await server.stop()
})

test('on PostgreSQL a change on one node counts on the other within a second', async t => {
  const { url: databaseUrl, drop } = await freshDatabase()
  const masterKey = randomBytes(32)
  const nodes = [
    await startTestServer({ databaseUrl, masterKey }),
    await startTestServer({ databaseUrl, masterKey }),
  ] as const
  t.after(async () => {
    for (const node of nodes) await node.close()
    await drop()
  })
  const [one, other] = nodes
  const { services } = one.server
  await one.deploy(flowFile('orders', 'http://127.0.0.1:1'))
  const { tenant } = one
  orThrow(await registerClient(tenant, { clientId: 'erp', secret: chosen }, services))
  const client = { clientid: 'erp', clientsecret: chosen, user: userOf('erp') }
  await until(async () => (await ask(other, client)).status === 200)
  const { access_token: token } = (await ask(other, client)).json<{ access_token: string }>()
  /** Until the other node answers so; a second is what is promised, the rest is for the machine. */
  async function becomes(work: () => Promise<{ status: number }>, status: number) {
    const since = performance.now()
    await until(async () => (await work()).status === status)
    assert.ok(performance.now() - since < 1500, `${status} after ${performance.now() - since} ms`)
  }
  await becomes(() => send(other, token), 403)
  orThrow(await assignRole(tenant, { user: client.user, role }, services))
  await becomes(() => send(other, token), 502)
  orThrow(await updateClient(tenant, 'erp', { disabled: true }, services))
  await becomes(() => send(other, token), 401)
  assert.equal((await ask(other, client)).status, 401)
  orThrow(await updateClient(tenant, 'erp', { disabled: false }, services))
  await becomes(() => ask(other, client), 200)
  orThrow(await deleteClient(tenant, 'erp', services))
  await becomes(() => ask(other, client), 401)
})

/** Tokens name their issuer: a server that starts again keeps its ports. */
const portsOf = ({ url, mtls, pki }: ServerProcess) => ({
  COUNTERSIGN_PORT: new URL(url).port,
  COUNTERSIGN_MTLS_PORT: new URL(mtls).port,
  COUNTERSIGN_PKI_PORT: new URL(pki).port,
})
