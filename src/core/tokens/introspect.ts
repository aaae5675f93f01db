import type { Addresses } from '../addresses.ts'
import type { Client } from '../clients/index.ts'
import { introspectRole, plan } from '../plans.ts'
import { isProblem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import type { TokenChecking } from './check.ts'
import { dialectOf } from './dialects/index.ts'

/** Who asks about a token. */
export interface Asker {
  readonly client: Client
  readonly roles: ReadonlySet<string>
}

/** An answer of the introspection endpoint (RFC 7662 section 2.2). Inactive tokens get nothing but that. */
export type Introspection = { readonly active: false } | ({ readonly active: true } & Record<string, unknown>)

/**
 * Tells about a token (RFC 7662), in the words of who asks: a client about tokens issued to itself, a resource server
 * (role `token.introspect`) about tokens of its audience. To anybody else every token is inactive.
 */
export async function introspect(
  text: string,
  asker: Asker,
  tenant: Tenant,
  { checking, addresses }: { checking: TokenChecking; addresses: Addresses },
): Promise<Introspection> {
  const active = await checking.check(text, tenant)
  if (isProblem(active)) return { active: false }
  const { token, client, audience, roles } = active
  const own = client.credentialId === asker.client.credentialId
  const asResourceServer =
    asker.roles.has(introspectRole) && audience === plan(asker.client.plan)!.audience(addresses, tenant)
  if (!own && !asResourceServer) return { active: false }
  const issuer = dialectOf(client).issuer(tenant, addresses)
  const told = { ...token, clientId: client.clientId, audience, scope: [...roles] }
  return {
    active: true,
    ...dialectOf(asker.client).introspection(told, { client, tenant, addresses, issuer }),
    ...(client.registration && { sub: client.registration.user }),
  }
}
