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
  authorities: AuthorityRow
  crls: CrlRow
  issuedCertificates: IssuedCertificateRow
  keyCertificates: KeyCertificateRow
  keyMatches: KeyMatchRow
  trustedCertificates: TrustedCertificateRow
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
  /** 0 or 1. */
  selfSigned: number
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
  /** Days. */
  certificateOverlap: number
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
  previousSecretDigest: Buffer | null
  previousSecretUntil: number | null
  /** 0 or 1. */
  pinned: number
  validityDays: number | null
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

export interface AuthorityRow {
  id: string
  tenantId: string
  role: string
  issuerId: string | null
  certificate: Buffer
  sealedKey: Buffer | null
  createdAt: number
  activeFrom: number
  retireAt: number | null
  crlNumber: number
}

export interface CrlRow {
  authorityId: string
  der: Buffer
  thisUpdate: number
  nextUpdate: number
}

export interface IssuedCertificateRow {
  tenantId: string
  authorityId: string
  /** Hexadecimal, lower case. */
  serial: string
  thumbprint: string
  credentialId: string
  subject: string
  notBefore: number
  notAfter: number
  createdAt: number
  revokedAt: number | null
  reason: string | null
}

export interface KeyCertificateRow {
  tenantId: string
  thumbprint: string
  credentialId: string
  certificate: Buffer
  names: string
  notBefore: number
  notAfter: number
  acceptedUntil: number | null
  endedAt: number | null
  ended: string | null
  createdAt: number
}

export interface KeyMatchRow {
  tenantId: string
  digest: string
  kind: string
  credentialId: string
}

export interface TrustedCertificateRow {
  tenantId: string
  fingerprint: string
  role: string
  certificate: Buffer
  crlUrl: string | null
  ocspUrl: string | null
  revocation: string
  addedAt: number
}
