import { type AlgorithmName, algorithm, publicJwk } from '../../crypto/algorithms.ts'
import { jwkThumbprint } from '../../crypto/thumbprint.ts'
import { type Context, clockSkewMs, day, minute } from '../context.ts'
import type { Transactions } from '../store.ts'
import type { Tenant, TenantTable } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import { tenantKeyContext } from './keyring.ts'
import type { RevocationTable, TenantKey, TenantKeyTable } from './store.ts'

/** How long a fetched JWK set may be kept (its Cache-Control max-age). */
export const keySetMaxAgeMs = 15 * minute
/** A key works for so long before the next one takes over by itself. */
export const keyLifetimeMs = 90 * day
/** A scheduled successor is published so long before it signs. */
const scheduledLeadMs = day
/** By then the last token of a succeeded key has expired: 86400 s is the longest validity. */
const retentionMs = day + 2 * clockSkewMs

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

type Tables = { tenantKeys: TenantKeyTable; tenants: TenantTable }

export interface KeyManagement {
  readonly store: Transactions<Tables>
  readonly vault: Vault
  readonly context: Context
}

export interface Maintenance extends Omit<KeyManagement, 'store'> {
  readonly store: Transactions<Tables & { revocations: RevocationTable }>
}

/** The first keys of a new tenant: one that signs, one that seals. */
export function firstKeys(tenant: Tenant, { vault, context }: Omit<KeyManagement, 'store'>): TenantKey[] {
  const now = context.now()
  return [newSigningKey(tenant, now, vault, context), newSealingKey(tenant, now, vault, context)]
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
      use: row.use,
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
 * once with `now` (a leaked key). `algorithm` changes what the tenant signs with.
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
  const successors = [
    newSigningKey(next, activeFrom, vault, context),
    newSealingKey(next, activeFrom, vault, context),
  ]
  await store.write(async tables => {
    if (next.signingAlgorithm !== tenant.signingAlgorithm)
      await tables.tenants.setSigningAlgorithm(tenant.id, next.signingAlgorithm)
    for (const successor of successors) await succeed(tables.tenantKeys, successor)
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
    const due = (['sig', 'enc'] as const).filter(use => comesOfAge(rows, use, now))
    const over = rows.filter(row => row.retireAt !== undefined && row.retireAt <= now)
    if (due.length === 0 && over.length === 0) continue
    const successors = due.map(use =>
      (use === 'sig' ? newSigningKey : newSealingKey)(tenant, now + scheduledLeadMs, vault, context),
    )
    await store.write(async ({ tenantKeys }) => {
      const current = await tenantKeys.list(tenant.id)
      for (const successor of successors) {
        if (!comesOfAge(current, successor.use, now)) continue
        await succeed(tenantKeys, successor)
        made++
      }
      for (const row of over) await tenantKeys.delete(tenant.id, row.id)
      removed += over.length
    })
  }
  await store.write(({ revocations }) => revocations.deleteOlderThan(now))
  return { made, removed }
}

function comesOfAge(rows: readonly TenantKey[], use: string, now: number): boolean {
  const newest = Math.max(...rows.filter(row => row.use === use).map(row => row.activeFrom))
  return now >= newest + keyLifetimeMs - scheduledLeadMs
}

async function succeed(table: TenantKeyTable, successor: TenantKey): Promise<void> {
  for (const row of await table.list(successor.tenantId))
    if (row.use === successor.use && row.retireAt === undefined)
      await table.setRetireAt(row.tenantId, row.id, successor.activeFrom + retentionMs)
  await table.insert(successor)
}

function activeOf(rows: readonly TenantKey[], use: string, now: number): TenantKey | undefined {
  return rows
    .filter(row => row.use === use && row.activeFrom <= now)
    .toSorted((a, b) => b.activeFrom - a.activeFrom || b.createdAt - a.createdAt)[0]
}

function newSigningKey(tenant: Tenant, activeFrom: number, vault: Vault, context: Context): TenantKey {
  const alg = algorithm(tenant.signingAlgorithm)!
  const key = alg.generate()
  const jwk = publicJwk(key)
  const identity = { id: jwkThumbprint(jwk), tenantId: tenant.id, use: 'sig' as const }
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

function newSealingKey(tenant: Tenant, activeFrom: number, vault: Vault, context: Context): TenantKey {
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
