import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import type { Tenant } from '../../../src/core/tenant.ts'
import { requireRole } from '../../../src/guard/fastify.ts'
import { createGuard } from '../../../src/guard/index.ts'
import { callUrl, type TestServer } from '../../support/server.ts'
import { newApp } from '../entra/world.ts'
import { deployOrders, introspectAs, send } from '../token-server/world.ts'

/** Where tokens are used, and who judges them there. */
export interface Resource {
  /** Are we asked at every use? Otherwise a token lives until it expires. */
  readonly asksUs: boolean
  /** The status of a request: 200, 401, or 403 for a good token without the role. */
  send(token: string): Promise<number>
  /** Fails unless the token opens what it is for. */
  opens(token: string): Promise<void>
  /** Fails if the token opens anything. */
  refuses(token: string, what: string): Promise<void>
  close(): Promise<void>
}

/** The resources that the dialects have between them. */
export interface Resources {
  /** The flow, introspection and admin API of the server itself. */
  readonly own: Resource
  /** An application that somebody else runs. */
  readonly application: Resource
}

/** Those of the first tenant; what they are known by is there in the others as well. */
export async function startResources(server: TestServer, ...tenants: Tenant[]): Promise<Resources> {
  const own = await startOwn(server, ...tenants)
  return { own, application: await startApplication(server, own, ...tenants) }
}

async function startOwn(server: TestServer, ...tenants: Tenant[]): Promise<Resource> {
  const endReceiver = await deployOrders(server, ...tenants)
  // Asks about tokens: not every dialect has introspection.
  const watcher = await server.sender({ parameters: { roles: ['token.introspect'] } })
  return {
    asksUs: true,
    send: token => send(server, token),
    async opens(token) {
      assert.equal((await introspectAs(server, watcher, token)).active, true)
      assert.equal(await send(server, token), 200)
    },
    async refuses(token, what) {
      const told = await introspectAs(server, watcher, token)
      assert.deepEqual(told, { active: false }, `introspection: ${what}`)
      assert.equal(await send(server, token), 401, `flow: ${what}`)
      const headers = { Authorization: `Bearer ${token}` }
      const admin = await server.call('/admin/v1/instances', { headers })
      assert.equal(admin.status, 401, `admin API: ${what}`)
    },
    close: async () => endReceiver(),
  }
}

/** What the application `orders` is known by in every tenant, so that only the issuer tells its tokens apart. */
export const orders = { clientId: '0a0b0c0d-0000-4000-8000-000000000001', role: 'Orders.Send' }

/** Guarded as its users guard it. What it takes, nothing of our own may. */
async function startApplication(server: TestServer, own: Resource, ...tenants: Tenant[]): Promise<Resource> {
  for (const tenant of tenants)
    await newApp(server, { name: 'orders', id: orders.clientId, appRoles: [{ value: orders.role }] }, tenant)
  const guard = createGuard({
    tokens: 'entra',
    issuer: `${server.url}/${tenants[0]!.guid}/v2.0`,
    audience: orders.clientId,
    ca: server.ca,
    clock: server.now,
  })
  const app = fastify({ https: server.identity, forceCloseConnections: true })
  app.post('/orders', { onRequest: requireRole(guard, orders.role) }, async () => 'taken')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const url = `https://localhost:${(app.server.address() as AddressInfo).port}/orders`
  const call = async (token: string) => {
    const headers = { Authorization: `Bearer ${token}` }
    return (await callUrl(url, server.ca, { method: 'POST', headers })).status
  }
  return {
    asksUs: false,
    send: call,
    async opens(token) {
      assert.equal(await call(token), 200)
      await own.refuses(token, 'a token for an application')
    },
    async refuses(token, what) {
      assert.equal(await call(token), 401, `application: ${what}`)
      await own.refuses(token, what)
    },
    close: () => app.close(),
  }
}
