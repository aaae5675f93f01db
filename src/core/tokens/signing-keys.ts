import { type AlgorithmName, algorithm, publicJwk } from '../../crypto/algorithms.ts'
import { jwkThumbprint } from '../../crypto/thumbprint.ts'
import { longestTokenLifetime } from '../clients/index.ts'
import { type Context, clockSkewMs, day, minute } from '../context.ts'
import type { Transactions } from '../store.ts'
import type { Tenant, TenantTable } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import { type Keyring, type Keyrings, type SigningLine, tenantKeyContext } from './keyring.ts'
import type { KeyLine, RevocationTable, TenantKey, TenantKeyTable } from './store.ts'

/** How long a fetched JWK set may be kept (its Cache-Control max-age). */
export const keySetMaxAgeMs = 15 * minute
/** A key works for so long before the next one takes over by itself. */
export const keyLifetimeMs = 90 * day
/** A scheduled successor is published so long before it signs. */
const scheduledLeadMs = day
/** By then the last token of a succeeded key has expired: 86400 s is the longest validity. */
const retentionMs = day + 2 * clockSkewMs
/** Opaque tokens of registered clients may live longer. JWTs of theirs do not. */
const longRetentionMs = longestTokenLifetime * 1000 + 2 * clockSkewMs

export type KeyState = 'published' | 'active' | 'verifying'

/** A tenant key as people see it. */
export interface KeyInfo {
  readonly kid: string
  readonly use: 'sig' | 'enc'
  readonly algorithm: string
  readonly state: KeyState
  readonly createdAt: number
  readonly activeFrom: number
  readonly retireAt: number | undefined
}

type Tables = {
  tenantKeys: TenantKeyTable
  tenants: TenantTable
  /** The registered clients of a tenant. */
  registered: { count(tenantId: string): Promise<number> }
}

export interface KeyMaking {
  readonly vault: Vault
  readonly context: Pick<Context, 'now' | 'random'>
}

/** What tokens are signed with. */
export interface SigningKeys extends KeyMaking {
  readonly keyrings: Keyrings
  readonly store: Transactions<{ tenantKeys: TenantKeyTable }>
}

export interface KeyManagement extends KeyMaking {
  readonly store: Transactions<Tables>
}

export interface Maintenance extends KeyMaking {
  readonly store: Transactions<Tables & { revocations: RevocationTable }>
}

type Maker = (tenant: Tenant, activeFrom: number, deps: KeyMaking) => TenantKey

/** How a key of each line is made. */
const makers: Readonly<Record<KeyLine, Maker>> = {
  sig: (tenant, activeFrom, deps) => newSigningKey(tenant, 'sig', tenant.signingAlgorithm, activeFrom, deps),
  rs256: (tenant, activeFrom, deps) => newSigningKey(tenant, 'rs256', 'RS256', activeFrom, deps),
  enc: newSealingKey,
}

/** The first keys of a new tenant: one that signs, one that seals. */
export function firstKeys(tenant: Tenant, deps: KeyMaking): TenantKey[] {
  const now = deps.context.now()
  return [makers.sig(tenant, now, deps), makers.enc(tenant, now, deps)]
}

/**
 * Sees to it that the tenant has a line of keys that not every tenant needs, before the first token asks for it: its
 * first key signs at once, on nodes with a slow clock too, because nobody can have kept an older one. Safe to run on
 * several nodes at once.
 */
export async function ensureKeyLine(
  tenant: Tenant,
  line: SigningLine,
  { store, vault, context }: KeyMaking & { readonly store: Transactions<{ tenantKeys: TenantKeyTable }> },
): Promise<void> {
  const exists = (rows: readonly TenantKey[]) => rows.some(row => row.use === line)
  if (exists(await store.read.tenantKeys.list(tenant.id))) return
  // RSA keys take a second to make: not inside the transaction.
  const first = makers[line](tenant, context.now() - clockSkewMs, { vault, context })
  await store.write(async ({ tenantKeys }) => {
    if (!exists(await tenantKeys.list(tenant.id))) await tenantKeys.insert(first)
  })
}

/** The keyring of a tenant that can sign on a line; the first token of a line waits for its key. */
export function signingKeyring(
  tenant: Tenant,
  line: SigningLine,
  { keyrings, ...deps }: SigningKeys,
): Keyring | Promise<Keyring> {
  const held = keyrings.of(tenant.id)
  if (!(held instanceof Promise) && held.signs(line, deps.context.now())) return held
  return made()

  async function made(): Promise<Keyring> {
    const keyring = await held
    if (keyring.signs(line, deps.context.now())) return keyring
    await ensureKeyLine(tenant, line, deps)
    return keyrings.reload(tenant.id)
  }
}

/** All live keys with their states, newest first. */
export async function listKeys(tenant: Tenant, { store, context }: KeyManagement): Promise<KeyInfo[]> {
  const now = context.now()
  const rows = await store.read.tenantKeys.list(tenant.id)
  return rows
    .filter(row => row.retireAt === undefined || row.retireAt > now)
    .toSorted((a, b) => b.activeFrom - a.activeFrom)
    .map(row => ({
      kid: row.id,
      use: row.use === 'enc' ? 'enc' : 'sig',
      algorithm: row.algorithm,
      state:
        row.activeFrom > now ? 'published' : row === activeOf(rows, row.use, now) ? 'active' : 'verifying',
      createdAt: row.createdAt,
      activeFrom: row.activeFrom,
      retireAt: row.retireAt,
    }))
}

/**
 * Makes successors of the tenant's keys. They sign once every verifier has had the time to fetch them, or at
 * once with `now` (a leaked key): then tokens of more than a day end with it, too. `algorithm` changes what the tenant
 * signs with.
 */
export async function rotateKeys(
  tenant: Tenant,
  options: { now?: boolean; algorithm?: AlgorithmName },
  management: KeyManagement,
): Promise<number> {
  const { store, vault, context } = management
  const now = context.now()
  const activeFrom = options.now ? now : now + keySetMaxAgeMs + clockSkewMs
  const next = { ...tenant, signingAlgorithm: options.algorithm ?? tenant.signingAlgorithm }
  // RSA keys take a second to make: not inside the transaction.
  const lines = linesOf(await store.read.tenantKeys.list(tenant.id))
  const successors = lines.map(line => makers[line](next, activeFrom, { vault, context }))
  await store.write(async tables => {
    if (next.signingAlgorithm !== tenant.signingAlgorithm)
      await tables.tenants.setSigningAlgorithm(tenant.id, next.signingAlgorithm)
    const retention = options.now ? retentionMs : await retentionOfSeals(tenant, tables)
    for (const successor of successors) await succeed(tables.tenantKeys, successor, retention)
  })
  return activeFrom
}

/**
 * What time asks for: successors of keys that come of age, and the end of those whose last token has expired. Safe
 * to run on several nodes at once: the need is looked at again inside the transaction.
 */
export async function maintainKeys({
  store,
  vault,
  context,
}: Maintenance): Promise<{ made: number; removed: number }> {
  const now = context.now()
  let made = 0
  let removed = 0
  for (const tenant of await store.read.tenants.list()) {
    const rows = await store.read.tenantKeys.list(tenant.id)
    const due = linesOf(rows).filter(line => comesOfAge(rows, line, now))
    const over = rows.filter(row => row.retireAt !== undefined && row.retireAt <= now)
    if (due.length === 0 && over.length === 0) continue
    const successors = due.map(line => makers[line](tenant, now + scheduledLeadMs, { vault, context }))
    await store.write(async tables => {
      const { tenantKeys } = tables
      const current = await tenantKeys.list(tenant.id)
      const retention = await retentionOfSeals(tenant, tables)
      for (const successor of successors) {
        if (!comesOfAge(current, successor.use, now)) continue
        await succeed(tenantKeys, successor, retention)
        made++
      }
      for (const row of over) await tenantKeys.delete(tenant.id, row.id)
      removed += over.length
    })
  }
  await store.write(({ revocations }) => revocations.deleteOlderThan(now))
  return { made, removed }
}

const linesOf = (rows: readonly TenantKey[]): KeyLine[] => [...new Set(rows.map(row => row.use))]

function comesOfAge(rows: readonly TenantKey[], use: string, now: number): boolean {
  const newest = Math.max(...rows.filter(row => row.use === use).map(row => row.activeFrom))
  return now >= newest + keyLifetimeMs - scheduledLeadMs
}

const retentionOfSeals = async ({ id }: Tenant, { registered }: Pick<Tables, 'registered'>) =>
  (await registered.count(id)) > 0 ? longRetentionMs : retentionMs

/**
 * From its date on the successor counts, and those before it are kept for as long as their tokens live: `ofSeals` those
 * that sealed. One that is to take over later still stays as it is.
 */
async function succeed(table: TenantKeyTable, successor: TenantKey, ofSeals: number): Promise<void> {
  const end = successor.activeFrom + (successor.use === 'enc' ? ofSeals : retentionMs)
  for (const row of await table.list(successor.tenantId)) {
    if (row.use !== successor.use || row.activeFrom > successor.activeFrom) continue
    if (row.retireAt === undefined || row.retireAt > end) await table.setRetireAt(row.tenantId, row.id, end)
  }
  await table.insert(successor)
}

function activeOf(rows: readonly TenantKey[], use: string, now: number): TenantKey | undefined {
  return rows
    .filter(row => row.use === use && row.activeFrom <= now)
    .toSorted((a, b) => b.activeFrom - a.activeFrom || b.createdAt - a.createdAt)[0]
}

function newSigningKey(
  tenant: Tenant,
  use: SigningLine,
  algorithmName: AlgorithmName,
  activeFrom: number,
  { vault, context }: KeyMaking,
): TenantKey {
  const alg = algorithm(algorithmName)!
  const key = alg.generate()
  const jwk = publicJwk(key)
  const identity = { id: jwkThumbprint(jwk), tenantId: tenant.id, use }
  return {
    ...identity,
    algorithm: alg.name,
    publicJwk: JSON.stringify(jwk),
    sealed: vault.seal(tenantKeyContext(identity), key.export({ format: 'der', type: 'pkcs8' })),
    createdAt: context.now(),
    activeFrom,
    retireAt: undefined,
  }
}

function newSealingKey(tenant: Tenant, activeFrom: number, { vault, context }: KeyMaking): TenantKey {
  const identity = { id: context.random(8).toString('base64url'), tenantId: tenant.id, use: 'enc' as const }
  return {
    ...identity,
    algorithm: 'A256GCM',
    publicJwk: undefined,
    sealed: vault.seal(tenantKeyContext(identity), context.random(32)),
    createdAt: context.now(),
    activeFrom,
    retireAt: undefined,
  }
}
