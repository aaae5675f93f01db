import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { presetCommonHeaders } from '../../src/adapters/http/answer.ts'
import { createFrontDoor } from '../../src/adapters/http/front.ts'
import { identityProblem } from '../../src/adapters/http/identity/problem.ts'
import { registerIdentity } from '../../src/adapters/http/identity/routes.ts'
import type { IdentityServices } from '../../src/adapters/http/identity/services.ts'
import { envelopeOf } from '../../src/adapters/http/request.ts'
import { tlsServer } from '../../src/adapters/http/server.ts'
import {
  addMember,
  authenticateIdentity,
  createEntity,
  createIdentityModels,
  createPermissions,
  type EntityKind,
  ensureIdentityDefaults,
  passwordWay,
} from '../../src/core/identity/index.ts'
import { type CallOptions, callUrl, orThrow, startTestServer, type TestServer } from './server.ts'

/** The identity service on a real TLS socket, with users who sign in with a password. */
export interface TestIdentity {
  /** Without a slash at the end. */
  readonly url: string
  readonly ca: string
  readonly world: TestServer
  readonly services: IdentityServices
  /** Creates a user who may do that: resource type -> permissions, on all resources or on the named one. */
  user(name: string, permissions?: Permits, resourceId?: string): Promise<Asking>
  /** The first administrator. */
  readonly admin: Asking
  readonly stranger: Asking
  close(): Promise<void>
}

type Permits = Readonly<Record<string, readonly string[]>>

export interface Reply<Body = Record<string, unknown>> {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  readonly body: Body
}

/** Asks as somebody. A body that is an object goes as JSON. */
export type Asking = <Body = Record<string, unknown>>(
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Reply<Body>>

export const password = 'a long enough password'

export const basicOf = (name: string, secret = password): string =>
  `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`

export interface IdentityOptions {
  /** CAMUNDA_SECURITY_AUTHORIZATIONS_ENABLED; default true. */
  readonly authorizations?: boolean
  readonly unprotectedApi?: boolean
  /** Whether there is an administrator, `admin`; default true. */
  readonly administrator?: boolean
  readonly databaseUrl?: string
}

export async function startTestIdentity(options: IdentityOptions = {}): Promise<TestIdentity> {
  const world = await startTestServer(options.databaseUrl ? { databaseUrl: options.databaseUrl } : {})
  const { services: all } = world.server
  const { tenant } = world
  const models = createIdentityModels(all.store.read.identity, all.changes)
  await ensureIdentityDefaults(tenant, all)
  const authentication = {
    models,
    ways: [passwordWay({ ...all, tenant, models })],
    unprotectedApi: options.unprotectedApi ?? false,
    hint: 'Sign in.',
  }
  const services: IdentityServices = {
    ...all,
    tenant,
    models,
    permissions: createPermissions(options.authorizations ?? true),
    takesPasswords: true,
    version: '8.8.0',
    authenticate(request) {
      const { source, certificate } = envelopeOf(request)
      const { authorization } = request.headers
      const shown = { authorization, session: undefined, certificate, source }
      return authenticateIdentity(tenant, shown, authentication)
    },
  }
  const app = Fastify({ routerOptions: { maxParamLength: 2000 } })
  await registerIdentity(app, services)
  await app.ready()
  const door = createFrontDoor(
    all,
    () => identityProblem(true),
    (request, response) => {
      presetCommonHeaders(response)
      app.routing(request, response)
    },
  )
  const socket = tlsServer(world.identity, door({ name: 'public' }))
  await new Promise<void>(resolve => socket.listen(0, '127.0.0.1', resolve))
  const url = `https://localhost:${(socket.address() as AddressInfo).port}`

  const asking =
    (authorization?: string): Asking =>
    async (method, path, body, headers = {}) => {
      const isJson = body !== undefined && typeof body !== 'string'
      const given: CallOptions = {
        method,
        headers: {
          ...(authorization && { Authorization: authorization }),
          ...(isJson && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: isJson ? JSON.stringify(body) : body }),
      }
      const answer = await callUrl(`${url}${path}`, world.ca, given)
      return { ...answer, body: answer.text === '' ? {} : answer.json() } as never
    }

  const create = async (kind: EntityKind, document: Record<string, unknown>) =>
    orThrow(await createEntity(tenant, kind, document, services))
  // One hash for all: it is slow on purpose.
  const hash = await services.chosenSecrets.hash(password, randomUUID())
  const user = async (username: string, permissions: Permits = {}, resourceId = '*') => {
    await services.store.write(({ identity }) =>
      identity.put({
        tenantId: tenant.id,
        kind: 'user',
        id: username,
        content: { name: username, password: hash },
        createdAt: services.context.now(),
      }),
    )
    for (const [resourceType, permissionTypes] of Object.entries(permissions))
      await create('authorization', {
        ownerType: 'USER',
        ownerId: username,
        resourceType,
        resourceId,
        permissionTypes,
      })
    return asking(basicOf(username))
  }
  if (options.administrator !== false) {
    await user('admin')
    const membership = {
      container: 'role',
      containerId: 'admin',
      member: 'user',
      memberId: 'admin',
    } as const
    orThrow(await addMember(tenant, membership, services))
  }
  return {
    url,
    ca: world.ca,
    world,
    services,
    user,
    admin: asking(basicOf('admin')),
    stranger: asking(),
    async close() {
      socket.close()
      socket.closeAllConnections()
      await app.close()
      await world.close()
    },
  }
}
