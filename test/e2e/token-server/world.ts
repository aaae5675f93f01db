import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Tenant } from '../../../src/core/tenant.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { type Algorithm, algorithm } from '../../../src/crypto/algorithms.ts'
import { encodeBase64url } from '../../../src/crypto/base64url.ts'
import { type Answer, basic, type CallOptions, orThrow, type TestServer } from '../../support/server.ts'

type Key = { clientid: string; clientsecret: string }

/** Where the addresses of a tenant begin, without the server's own part. */
export const prefixOf = (tenant: Pick<Tenant, 'name'>): string =>
  tenant.name === 'default' ? '' : `/tenants/${tenant.name}`

/** A token request in the plainest form: Basic, form body. */
export function askForToken(
  server: TestServer,
  key: Key,
  parameters: Record<string, string> = {},
  more: CallOptions & { tenant?: Tenant } = {},
): Promise<Answer> {
  const { tenant = server.tenant, headers, ...rest } = more
  return server.call(`${prefixOf(tenant)}/oauth/token`, {
    method: 'POST',
    headers: { Authorization: basic(key), ...headers },
    body: { grant_type: 'client_credentials', ...parameters },
    ...rest,
  })
}

/** What the introspection endpoint says about a token, asked by Basic. */
export async function introspectAs(
  server: TestServer,
  key: Key,
  token: string,
  tenant: Tenant = server.tenant,
): Promise<Record<string, unknown>> {
  const answer = await server.call(`${prefixOf(tenant)}/oauth/introspect`, {
    method: 'POST',
    headers: { Authorization: basic(key) },
    body: { token },
  })
  if (answer.status !== 200) throw new Error(`introspection: ${answer.status} ${answer.text}`)
  return answer.json()
}

export function revokeAs(server: TestServer, key: Key, token: string, more = {}): Promise<Answer> {
  return server.call('/oauth/revoke', {
    method: 'POST',
    headers: { Authorization: basic(key) },
    body: { token, ...more },
  })
}

/** Sends a message to the flow that `deployOrders` deployed; the status tells how it went. */
export async function send(
  server: TestServer,
  token: string,
  tenant: Tenant = server.tenant,
): Promise<number> {
  const answer = await server.call(`${prefixOf(tenant)}/http/orders`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'text/plain' },
    body: 'an order',
  })
  return answer.status
}

/** A flow at `/http/orders` of each tenant, with a receiver that answers 200. Returns what ends the receiver. */
export async function deployOrders(server: TestServer, ...tenants: Tenant[]): Promise<() => void> {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.end('taken'))
  })
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  const flow = {
    id: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: `http://127.0.0.1:${port}/` },
  }
  for (const tenant of tenants.length > 0 ? tenants : [server.tenant]) await server.deploy(flow, tenant)
  return () => {
    receiver.close()
    receiver.closeAllConnections()
  }
}

/** Another tenant of the server, known to it when this resolves. */
export async function newTenant(
  server: TestServer,
  name: string,
  signingAlgorithm?: string,
): Promise<Tenant> {
  const { services } = server.server
  const tenant = orThrow(await createTenant({ name, signingAlgorithm }, services))
  await services.tenants.settled()
  return tenant
}

/** Header and claims of a JWT, unverified. */
export function partsOf(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header, claims] = token.split('.').map(part => Buffer.from(part, 'base64url').toString())
  return { header: JSON.parse(header!), claims: JSON.parse(claims!) }
}

/** A JWT of any header and claims (an object, or JSON text as it is), signed with any key. */
export function forge(
  alg: Algorithm | ((input: Buffer) => Buffer),
  key: Parameters<Algorithm['sign']>[0] | undefined,
  header: object | string,
  claims: object | string,
): string {
  const text = (part: object | string) =>
    encodeBase64url(typeof part === 'string' ? part : JSON.stringify(part))
  const input = `${text(header)}.${text(claims)}`
  const bytes = Buffer.from(input, 'latin1')
  const signature = typeof alg === 'function' ? alg(bytes) : alg.sign(key!, bytes)
  return `${input}.${encodeBase64url(signature)}`
}

export const es256 = algorithm('ES256')!
