/** A certificate under an alias, most often with its private key: what Countersign shows to others. */
export interface KeystoreEntry {
  /** Random, internal, stays the same when the alias changes. */
  readonly id: string
  readonly tenantId: string
  /** Unique in the tenant, without regard to case. */
  readonly alias: string
  /** DER, the leaf first, each signed by the next; never empty. */
  readonly chain: readonly Buffer[]
  /** PKCS#8, sealed by the vault; undefined: certificates alone. */
  readonly sealedKey: Buffer | undefined
  /** Of the leaf. */
  readonly notAfter: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** An entry whose leaf ends. */
export interface EndingEntry {
  readonly tenantName: string
  readonly alias: string
  readonly chain: readonly Buffer[]
  readonly holdsKey: boolean
  readonly notAfter: number
}

export interface KeystoreTable {
  /** By alias. */
  list(tenantId: string): Promise<KeystoreEntry[]>
  count(tenantId: string): Promise<number>
  /** Without regard to case. */
  find(tenantId: string, alias: string): Promise<KeystoreEntry | undefined>
  insert(entry: KeystoreEntry): Promise<void>
  /** Replaces everything but id, tenant and creation date. */
  update(entry: KeystoreEntry): Promise<void>
  delete(entry: Pick<KeystoreEntry, 'id' | 'tenantId'>): Promise<void>
  /** Names of the security material that names it. */
  usedBy(id: string): Promise<string[]>
  /** In all tenants, the next to end first. */
  endingBefore(time: number): Promise<EndingEntry[]>
}
