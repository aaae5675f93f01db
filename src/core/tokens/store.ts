/**
 * What a key is for, and whom it succeeds: `sig` signs JWTs in the algorithm of the tenant, `rs256` those of dialects
 * whose clients know no other, `enc` seals opaque tokens. Every tenant has the first and the last from the start.
 */
export type KeyLine = 'sig' | 'rs256' | 'enc'

/** A key of a tenant. Its state follows from its dates. */
export interface TenantKey {
  /** Of keys that sign: RFC 7638 thumbprint of the public key. `enc`: 8 random bytes, base64url. */
  readonly id: string
  readonly tenantId: string
  readonly use: KeyLine
  readonly algorithm: string
  /** JSON text of the public JWK; undefined for `enc`. */
  readonly publicJwk: string | undefined
  readonly sealed: Buffer
  readonly createdAt: number
  /** Signs from then on, until another key's date has come. */
  readonly activeFrom: number
  /** Verifies until then; undefined while nothing succeeds it. */
  readonly retireAt: number | undefined
}

export interface TenantKeyTable {
  list(tenantId: string): Promise<TenantKey[]>
  insert(key: TenantKey): Promise<void>
  setRetireAt(tenantId: string, id: string, retireAt: number): Promise<void>
  delete(tenantId: string, id: string): Promise<void>
}

/** One token revoked before its time (RFC 7009). */
export interface Revocation {
  readonly tenantId: string
  readonly tokenId: string
  readonly credentialId: string
  /** Kept until then: the token's expiry and a margin. */
  readonly keepUntil: number
}

export interface RevocationTable {
  list(tenantId: string): Promise<Revocation[]>
  count(credentialId: string): Promise<number>
  /** Inserting the same token again changes nothing. */
  insert(revocation: Revocation): Promise<void>
  deleteOf(credentialId: string): Promise<void>
  deleteOlderThan(time: number): Promise<void>
}
