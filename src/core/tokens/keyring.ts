import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { algorithm } from '../../crypto/algorithms.ts'
import { type JwtSigner, jwtSigner } from '../../crypto/jwt.ts'
import type { VerificationKey } from '../../guard/access-token.ts'
import type { Context } from '../context.ts'
import type { ChangeFeed } from '../store.ts'
import type { Vault } from '../vault.ts'
import { createSealer, type Sealer } from './sealer.ts'
import type { TenantKey, TenantKeyTable } from './store.ts'

/** The keys of one tenant, imported once and used until a change of theirs is announced. */
export interface Keyring {
  signer(now: number): { readonly keyId: string; readonly jwt: JwtSigner }
  verificationKey(kid: unknown, now: number): VerificationKey | undefined
  sealer(now: number): { readonly keyId: string; readonly sealer: Sealer }
  opener(keyId: string, now: number): Sealer | undefined
  /** Does this key still vouch for tokens? */
  isLive(keyId: string, now: number): boolean
  /** The JWK set to publish (RFC 7517 section 5). */
  publicKeys(now: number): readonly PublicKey[]
}

export interface PublicKey {
  readonly kid: string
  readonly alg: string
  readonly use: 'sig'
  readonly [member: string]: string
}

export interface Keyrings {
  of(tenantId: string): Keyring | Promise<Keyring>
}

/** Keeps the keyrings of all tenants in memory. */
export function createKeyrings(
  table: TenantKeyTable,
  vault: Vault,
  changes: ChangeFeed,
  context: Pick<Context, 'random'>,
): Keyrings {
  const rings = new Map<string, Keyring>()
  let epoch = 0
  changes.onChange(change => {
    if (change && change.kind !== 'tenant-key' && change.kind !== 'tenant') return
    epoch++
    if (change) rings.delete(change.tenantId)
    else rings.clear()
  })

  async function load(tenantId: string): Promise<Keyring> {
    const started = epoch
    const ring = createKeyring(await table.list(tenantId), vault, context)
    if (started === epoch) rings.set(tenantId, ring)
    return ring
  }

  return { of: tenantId => rings.get(tenantId) ?? load(tenantId) }
}

/** What a sealed tenant key is sealed as. */
export function tenantKeyContext(key: Pick<TenantKey, 'id' | 'tenantId' | 'use'>): string {
  return `tenant key ${key.use} ${key.tenantId} ${key.id}`
}

function createKeyring(rows: readonly TenantKey[], vault: Vault, context: Pick<Context, 'random'>): Keyring {
  const newestFirst = rows.toSorted((a, b) => b.activeFrom - a.activeFrom || b.createdAt - a.createdAt)
  const openRow = (row: TenantKey) => vault.open(tenantKeyContext(row), row.sealed)
  const signing = newestFirst.filter(row => row.use === 'sig').map(row => importSigningKey(row, openRow))
  const sealing = newestFirst
    .filter(row => row.use === 'enc')
    .map(row => ({ row, sealer: createSealer(row.id, openRow(row), context) }))
  const verifying = new Map(signing.map(key => [key.row.id, key]))
  const opening = new Map(sealing.map(key => [key.row.id, key]))

  return {
    signer(now) {
      const { row, jwt } = signing.find(key => key.row.activeFrom <= now) ?? missing('signing')
      return { keyId: row.id, jwt }
    },
    verificationKey(kid, now) {
      const key = typeof kid === 'string' ? verifying.get(kid) : undefined
      return key && isLive(key.row, now) ? key.verification : undefined
    },
    sealer(now) {
      const { row, sealer } = sealing.find(key => key.row.activeFrom <= now) ?? missing('token')
      return { keyId: row.id, sealer }
    },
    opener(keyId, now) {
      const key = opening.get(keyId)
      return key && isLive(key.row, now) ? key.sealer : undefined
    },
    isLive(keyId, now) {
      const row = (verifying.get(keyId) ?? opening.get(keyId))?.row
      return row !== undefined && isLive(row, now)
    },
    publicKeys: now => signing.filter(key => isLive(key.row, now)).map(key => key.published),
  }
}

const isLive = (row: TenantKey, now: number) => row.retireAt === undefined || now < row.retireAt

function missing(what: string): never {
  throw new Error(`the tenant has no active ${what} key`)
}

function importSigningKey(row: TenantKey, openRow: (row: TenantKey) => Buffer) {
  const alg = algorithm(row.algorithm)
  if (!alg) throw new Error(`signing key ${row.id} is of unknown algorithm ${row.algorithm}`)
  const key: KeyObject = createPrivateKey({ key: openRow(row), format: 'der', type: 'pkcs8' })
  const published: PublicKey = { ...JSON.parse(row.publicJwk!), kid: row.id, alg: alg.name, use: 'sig' }
  const verification: VerificationKey = { algorithm: alg, key: createPublicKey(key) }
  return { row, verification, published, jwt: jwtSigner(alg, key, { typ: 'at+jwt', kid: row.id }) }
}
