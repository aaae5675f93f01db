import type { Addresses } from '../../addresses.ts'
import type { Tenant } from '../../tenant.ts'
import type { Dialect } from './dialect.ts'
import { neo } from './neo.ts'
import { standard } from './standard.ts'
import { uaa } from './uaa.ts'

/** THE LIST of dialects. */
export const dialects: readonly Dialect[] = [standard, uaa, neo]

const byName = new Map(dialects.map(dialect => [dialect.name, dialect]))

/** Those that a service instance can be of. */
export const instanceDialects: readonly string[] = dialects.filter(d => d.ofInstances).map(d => d.name)

/** Throws RangeError for a name that is not in the list: no client has such a one. */
export function dialectOf({ dialect }: { readonly dialect: string }): Dialect {
  const found = byName.get(dialect)
  if (!found) throw new RangeError(`there is no dialect ${dialect}`)
  return found
}

/** The dialect whose tokens name this issuer; what nobody issues is judged by the standard. */
export function dialectOfIssuer(issuer: unknown, tenant: Tenant, addresses: Addresses): Dialect {
  return dialects.find(dialect => dialect.issuer(tenant, addresses) === issuer) ?? standard
}
