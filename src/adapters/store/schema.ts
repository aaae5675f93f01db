import type { Generated } from 'kysely'

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
  keySets: KeySetTableRow
  trustedCertificates: TrustedCertificateRow
  platformInstances: PlatformInstanceRow
  platformBindings: PlatformBindingRow
  sealedAnswers: SealedAnswerRow
  registeredClients: RegisteredClientRow
  roleAssignments: RoleAssignmentRow
  applications: ApplicationRow
  appRoles: AppRoleRow
  appCertificates: AppCertificateRow
  appSecrets: AppSecretRow
  appGrants: AppGrantRow
  keystoreEntries: KeystoreEntryRow
  securityMaterial: SecurityMaterialRow
  provisioningSystems: ProvisioningSystemRow
  provisioningCertificates: ProvisioningCertificateRow
  provisioningSources: ProvisioningSourceRow
  provisioningJobs: ProvisioningJobRow
  provisioningJobLines: ProvisioningJobLineRow & { position: Generated<number> }
  provisioningStates: ProvisioningStateRow
  provisioningIntents: ProvisioningIntentRow
  identityEntities: IdentityEntityRow
  identityMemberships: IdentityMembershipRow
  identitySessions: IdentitySessionRow
  identityCounters: { tenantId: string; last: number }
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
  use: 'sig' | 'rs256' | 'enc'
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
  assertionAudience: string
  assertionReplay: string
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

export interface KeySetTableRow {
  credentialId: string
  /** JSON. */
  jwks: string | null
  jwksUri: string | null
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

export interface PlatformInstanceRow {
  tenantId: string
  /** The platform's. */
  id: string
  instanceId: string
  organization: string
  space: string
}

export interface PlatformBindingRow {
  instanceId: string
  /** The platform's. */
  id: string
  credentialId: string
  requestDigest: string
  /** JSON. */
  parameters: string
}

export interface SealedAnswerRow {
  credentialId: string
  sealed: Buffer
  keepUntil: number
}

export interface RegisteredClientRow {
  id: string
  tenantId: string
  clientId: string
  description: string
  generation: number
  secretDigest: Buffer | null
  chosenSecret: string | null
  /** Seconds. */
  tokenLifetime: number
  node: string
  /** 0 or 1. */
  disabled: number
  createdAt: number
  updatedAt: number
}

export interface RoleAssignmentRow {
  tenantId: string
  userName: string
  node: string
  role: string
  createdAt: number
}

export interface ApplicationRow {
  id: string
  tenantId: string
  /** GUID. */
  clientId: string
  /** GUID. */
  objectId: string
  name: string
  idUri: string | null
  /** 1 or 2. */
  tokenVersion: number
  /** 0 or 1. */
  assignmentRequired: number
  assertionReplay: string
  /** 0 or 1. */
  disabled: number
  generation: number
  createdAt: number
  updatedAt: number
}

export interface AppRoleRow {
  applicationId: string
  id: string
  value: string
  displayName: string
  /** 0 or 1. */
  enabled: number
}

export interface AppCertificateRow {
  applicationId: string
  thumbprint: string
  certificate: Buffer
  notBefore: number
  notAfter: number
  createdAt: number
}

export interface AppSecretRow {
  applicationId: string
  id: string
  digest: Buffer
  createdAt: number
  expiresAt: number | null
}

export interface AppGrantRow {
  applicationId: string
  resourceId: string
  roleId: string
  createdAt: number
}

export interface KeystoreEntryRow {
  id: string
  tenantId: string
  /** Lower case: what makes the alias unique. */
  aliasLower: string
  alias: string
  /** JSON: base64 of each certificate. */
  chain: string
  sealedKey: Buffer | null
  notAfter: number
  createdAt: number
  updatedAt: number
}

export interface SecurityMaterialRow {
  id: string
  tenantId: string
  /** Lower case: what makes the name unique. */
  nameLower: string
  name: string
  type: string
  sealed: Buffer
  keystoreEntryId: string | null
  createdAt: number
  updatedAt: number
}

export interface ProvisioningSystemRow {
  id: string
  tenantId: string
  /** Lower case: what makes the name unique. */
  nameLower: string
  name: string
  type: string
  role: string
  /** JSON. */
  properties: string
  sealed: Buffer
  /** JSON. */
  readTransformation: string | null
  /** JSON. */
  writeTransformation: string | null
  createdAt: number
  updatedAt: number
}

export interface ProvisioningCertificateRow {
  id: string
  tenantId: string
  systemId: string
  fingerprint: string
  /** JSON: base64 of each certificate. */
  chain: string
  sealedKey: Buffer
  notAfter: number
  /** 0 or 1. */
  active: number
  createdAt: number
}

export interface ProvisioningSourceRow {
  systemId: string
  tenantId: string
  everyMinutes: number | null
  nextRunAt: number | null
  since: string | null
  deltaReads: number
  failures: number
}

export interface ProvisioningJobRow {
  id: string
  tenantId: string
  systemId: string
  number: number
  kind: string
  trigger: string
  triggeredBy: string | null
  status: string
  createdAt: number
  startedAt: number | null
  endedAt: number | null
  attempt: number
  /** 0 or 1. */
  stopRequested: number
  runner: string | null
  leaseUntil: number | null
  /** JSON. */
  report: string
}

export interface ProvisioningJobLineRow {
  jobId: string
  log: string
  system: string
  entityType: string
  entityId: string
  message: string
  content: string | null
}

export interface ProvisioningIntentRow {
  sourceId: string
  number: number
  targetId: string
  entityType: string
  begunAt: number
  /** JSON list. */
  ids: string
}

export interface ProvisioningStateRow {
  sourceId: string
  targetId: string
  entityType: string
  id: string
  idInTarget: string | null
  digest: string
  /** 0 or 1. */
  pending: number
  /** 0 or 1. */
  existed: number
  seen: number
}

export interface IdentityEntityRow {
  tenantId: string
  kind: string
  id: string
  /** JSON. */
  content: string
  createdAt: number
}

export interface IdentityMembershipRow {
  tenantId: string
  container: string
  containerId: string
  member: string
  memberId: string
}

export interface IdentitySessionRow {
  digest: string
  tenantId: string
  sealed: Buffer
  createdAt: number
  expiresAt: number
}
