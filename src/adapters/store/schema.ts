/** The rows as the queries see them. Columns are snake_case in the database (CamelCasePlugin). Times: milliseconds. */
export interface Schema {
  tenants: TenantRow
  innerKeys: InnerKeyRow
  tenantKeys: TenantKeyRow
  revocations: RevocationRow
  roles: RoleRow
  instances: InstanceRow
  instanceRoles: InstanceRoleRow
  serviceKeys: ServiceKeyRow
  flows: FlowRow
  changes: ChangeRow
  changeCounter: { id: number; last: number }
}

export interface TenantRow {
  id: string
  name: string
  guid: string
  number: number
  /** JSON. */
  aliases: string
  signingAlgorithm: string
  createdAt: number
}

export interface InnerKeyRow {
  id: string
  purpose: string
  sealed: Buffer
  createdAt: number
}

export interface TenantKeyRow {
  tenantId: string
  id: string
  use: 'sig' | 'enc'
  algorithm: string
  publicJwk: string | null
  sealed: Buffer
  createdAt: number
  activeFrom: number
  retireAt: number | null
}

export interface RevocationRow {
  tenantId: string
  tokenId: string
  credentialId: string
  keepUntil: number
}

export interface RoleRow {
  tenantId: string
  /** Lower case: what makes the name unique. */
  nameLower: string
  name: string
  description: string
  createdAt: number
}

export interface InstanceRow {
  id: string
  tenantId: string
  name: string
  plan: string
  dialect: string
  /** JSON. */
  grantTypes: string
  /** JSON. */
  redirectUris: string
  tokenValidity: number
  tokenFormat: string
  /** 0 or 1: SQLite has no booleans. */
  bindTokens: number
  createdAt: number
  updatedAt: number
}

export interface InstanceRoleRow {
  instanceId: string
  roleLower: string
  role: string
  position: number
}

export interface ServiceKeyRow {
  id: string
  tenantId: string
  instanceId: string
  name: string
  type: string
  clientId: string
  generation: number
  secretDigest: Buffer | null
  createdAt: number
  expiresAt: number | null
}

export interface FlowRow {
  tenantId: string
  id: string
  definition: string
  deployedAt: number
}

export interface ChangeRow {
  /** Without gaps, in commit order. */
  seq: number
  kind: string
  tenantId: string
  id: string
  detail: string | null
}
