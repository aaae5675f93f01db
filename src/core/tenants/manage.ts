import type { Addresses } from '../addresses.ts'
import { type AuthorityTable, firstAuthority } from '../authority/index.ts'
import { type Context, newId, newUuid } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import { defaultTenantName, type Tenant, type TenantTable } from '../tenant.ts'
import { firstKeys, isSigningAlgorithm, signingAlgorithms, type TenantKeyTable } from '../tokens/index.ts'
import type { Vault } from '../vault.ts'

type Tables = { tenants: TenantTable; tenantKeys: TenantKeyTable; authorities: AuthorityTable }

export interface TenantManagement {
  readonly store: Transactions<Tables>
  readonly vault: Vault
  readonly addresses: Addresses
  readonly context: Context
}

export interface NewTenant {
  readonly name: string
  readonly guid?: string | undefined
  readonly aliases?: readonly string[] | undefined
  readonly signingAlgorithm?: string | undefined
  readonly selfSigned?: boolean | undefined
}

/** First parts of addresses, and what Entra's clients say instead of a tenant: no tenant may have such a name. */
export const reservedTenantNames: ReadonlySet<string> = new Set([
  'oauth',
  'oauth2',
  'osb',
  'admin',
  'http',
  'cxf',
  'gw',
  'v2',
  'identity',
  'pki',
  'console',
  'livez',
  'readyz',
  'actuator',
  'metrics',
  'tenants',
  'introspect',
  'discovery',
  'common',
  'organizations',
  'consumers',
])

const nameForm = /^[a-z0-9-]{2,40}$/
const guidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const domainForm = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/

/** Creates a tenant with its own issuer, keys and authority. */
export async function createTenant(
  input: NewTenant,
  management: TenantManagement,
): Promise<Tenant | Problem> {
  const { store, context } = management
  const tenant = readTenant(input, context)
  if (tenant instanceof Problem) return tenant
  const keys = firstKeys(tenant, management)
  const authority = firstAuthority(tenant, management)
  return store.write(async ({ tenants, tenantKeys, authorities }) => {
    const existing = await tenants.list()
    const taken = clash(tenant, existing)
    if (taken) return new Problem('conflict', taken)
    const numbered = { ...tenant, number: Math.max(0, ...existing.map(t => t.number)) + 1 }
    await tenants.insert(numbered)
    for (const key of keys) await tenantKeys.insert(key)
    for (const certificate of authority) await authorities.insert(certificate)
    return numbered
  })
}

/** Changes what a tenant allows; what is not given stays as it is. Counts from the next request on. */
export async function updateTenant(
  name: string,
  { selfSigned }: { readonly selfSigned?: boolean | undefined },
  { store }: Pick<TenantManagement, 'store'>,
): Promise<Tenant | Problem> {
  return store.write(async ({ tenants }) => {
    const tenant = (await tenants.list()).find(t => t.name === name)
    if (!tenant) return new Problem('not_found', `there is no tenant ${name}`)
    if (selfSigned === undefined || selfSigned === tenant.selfSigned) return tenant
    await tenants.setSelfSigned(tenant.id, selfSigned)
    return { ...tenant, selfSigned }
  })
}

/** Deletes a tenant with all that is in it. */
export async function deleteTenant(
  name: string,
  { store }: Pick<TenantManagement, 'store'>,
): Promise<Tenant | Problem> {
  if (name === defaultTenantName)
    return new Problem('conflict', `tenant ${defaultTenantName} cannot be deleted`)
  return store.write(async ({ tenants }) => {
    const tenant = (await tenants.list()).find(t => t.name === name)
    if (!tenant) return new Problem('not_found', `there is no tenant ${name}`)
    await tenants.delete(tenant.id)
    return tenant
  })
}

/** Makes sure that the tenant `default` exists. */
export async function ensureDefaultTenant(management: TenantManagement): Promise<Tenant> {
  const find = async () =>
    (await management.store.read.tenants.list()).find(t => t.name === defaultTenantName)
  const existing = await find()
  if (existing) return existing
  const made = await createTenant({ name: defaultTenantName }, management)
  // Another node may have been quicker.
  return made instanceof Problem ? (await find())! : made
}

function readTenant(input: NewTenant, context: Context): Tenant | Problem {
  const { name, aliases = [], signingAlgorithm = 'ES256' } = input
  if (!nameForm.test(name))
    return new Problem('invalid_input', 'a tenant name has 2 to 40 characters out of a-z 0-9 -')
  if (guidForm.test(name))
    return new Problem(
      'invalid_input',
      'a tenant name is no GUID: it could be mistaken for the id of another tenant',
    )
  if (reservedTenantNames.has(name))
    return new Problem('invalid_input', `${name} is reserved and cannot be a tenant name`)
  const guid = input.guid?.toLowerCase() ?? newUuid(context)
  if (!guidForm.test(guid)) return new Problem('invalid_input', `--id must be a GUID, not ${input.guid}`)
  const badAlias = aliases.find(alias => !domainForm.test(alias.toLowerCase()))
  if (badAlias !== undefined) return new Problem('invalid_input', `alias ${badAlias} is not a domain name`)
  if (!isSigningAlgorithm(signingAlgorithm))
    return new Problem(
      'invalid_input',
      `tenants sign with ${signingAlgorithms.join(', ')}, not ${signingAlgorithm}`,
    )
  return {
    id: newId(context),
    name,
    guid,
    number: 0,
    aliases: aliases.map(alias => alias.toLowerCase()),
    signingAlgorithm,
    selfSigned: input.selfSigned ?? false,
    createdAt: context.now(),
  }
}

function clash(tenant: Tenant, existing: readonly Tenant[]): string | undefined {
  for (const other of existing) {
    if (other.name === tenant.name) return `tenant ${tenant.name} exists already`
    if (other.guid === tenant.guid) return `tenant ${other.name} has that GUID`
    const alias = tenant.aliases.find(a => other.aliases.includes(a))
    if (alias) return `tenant ${other.name} has the alias ${alias}`
  }
  return undefined
}
