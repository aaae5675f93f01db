import type { Addresses } from './addresses.ts'
import { hour } from './context.ts'
import type { Tenant } from './tenant.ts'

/** Asked for by flows that name no role; cannot be changed. */
export const sendRole = 'ESBMessaging.send'
/** Lets a resource server ask about tokens of its audience (design 3.13). */
export const introspectRole = 'token.introspect'

/** What a service instance is for: who its tokens are meant for, and how they look by default. */
export interface Plan {
  readonly name: string
  readonly description: string
  /** Seconds. */
  readonly defaultTokenValidity: number
  readonly defaultRoles: readonly string[]
  /** The `aud` of its tokens; the other side accepts no other. */
  audience(addresses: Addresses, tenant: Tenant): string
  /** What is called with a certificate of the connection. */
  mtlsUrl(addresses: Addresses, tenant: Tenant): string
  /** The tail of its client ids, after `sb-<uuid>!b<number>|`. */
  clientIdSuffix(tenant: Tenant): string
}

/** THE LIST of plans. */
export const plans: readonly Plan[] = [
  {
    name: 'integration-flow',
    description: 'Senders that call integration flows',
    defaultTokenValidity: hour / 1000,
    defaultRoles: [sendRole],
    audience: (addresses, tenant) => addresses.worker(tenant),
    mtlsUrl: (addresses, tenant) => addresses.mtls(tenant),
    clientIdSuffix: tenant => `it-rt-${tenant.name}!b${tenant.number}`,
  },
  {
    name: 'api',
    description: 'Clients of the admin API',
    defaultTokenValidity: (12 * hour) / 1000,
    defaultRoles: [],
    audience: (addresses, tenant) => addresses.admin(tenant),
    // The admin API asks for no certificate (design 2.2): a token got with one opens it.
    mtlsUrl: (addresses, tenant) => addresses.admin(tenant),
    clientIdSuffix: tenant => `it!b${tenant.number}`,
  },
]

export function plan(name: string): Plan | undefined {
  return plans.find(p => p.name === name)
}
