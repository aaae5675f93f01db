/** Security material as it is stored: credentials that Countersign calls others with. */
export interface StoredMaterial {
  /** Random, internal. */
  readonly id: string
  readonly tenantId: string
  /** Unique in the tenant, without regard to case. */
  readonly name: string
  /** One of `materialTypes`. */
  readonly type: string
  /** JSON, sealed by the vault. */
  readonly sealed: Buffer
  /** The entry of the keystore that it names, which cannot be deleted meanwhile. */
  readonly keystoreEntryId: string | undefined
  readonly createdAt: number
  readonly updatedAt: number
}

/** With the alias that the entry of the keystore has now. */
export type FoundMaterial = StoredMaterial & { readonly keystoreAlias: string | undefined }

export interface MaterialTable {
  /** By name. */
  list(tenantId: string): Promise<FoundMaterial[]>
  count(tenantId: string): Promise<number>
  /** Without regard to case. */
  find(tenantId: string, name: string): Promise<FoundMaterial | undefined>
  insert(material: StoredMaterial): Promise<void>
  /** Replaces everything but id, tenant and creation date. */
  update(material: StoredMaterial): Promise<void>
  delete(material: Pick<StoredMaterial, 'id' | 'tenantId'>): Promise<void>
}
