import type { AssertionAudience, AssertionReplay } from '../clients/index.ts'

/** What an endpoint asks for. Names are unique without regard to case within a tenant. */
export interface Role {
  readonly tenantId: string
  readonly name: string
  readonly description: string
  readonly createdAt: number
}

export interface RoleTable {
  list(tenantId: string): Promise<Role[]>
  /** Finds without regard to case. */
  find(tenantId: string, name: string): Promise<Role | undefined>
  insert(role: Role): Promise<void>
  setDescription(tenantId: string, name: string, description: string): Promise<void>
  delete(tenantId: string, name: string): Promise<void>
}

/** A role that a user has at a runtime node. Users are compared as they are written: upper and lower case count. */
export interface RoleAssignment {
  readonly tenantId: string
  readonly user: string
  readonly node: string
  readonly role: string
  readonly createdAt: number
}

export interface RoleAssignmentTable {
  /** By user, node and role, in order; of one user where it is given. */
  list(tenantId: string, user?: string): Promise<RoleAssignment[]>
  count(tenantId: string): Promise<number>
  insert(assignment: RoleAssignment): Promise<void>
  delete(assignment: Omit<RoleAssignment, 'createdAt'>): Promise<void>
  deleteOf(tenantId: string, user: string): Promise<void>
  /** The users that have a role somewhere. */
  withRole(tenantId: string, role: string): Promise<string[]>
}

export interface Instance {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly plan: string
  readonly dialect: string
  readonly roles: readonly string[]
  readonly grantTypes: readonly string[]
  readonly redirectUris: readonly string[]
  /** Seconds. */
  readonly tokenValidity: number
  readonly tokenFormat: string
  readonly bindTokens: boolean
  readonly assertionAudience: AssertionAudience
  readonly assertionReplay: AssertionReplay
  /** Days for which a renewed certificate or secret is accepted beside its successor. */
  readonly certificateOverlap: number
  readonly createdAt: number
  readonly updatedAt: number
}

export interface InstanceTable {
  /** By name, in order. */
  list(tenantId: string): Promise<Instance[]>
  /** By exact name or by id. */
  find(tenantId: string, nameOrId: string): Promise<Instance | undefined>
  count(tenantId: string): Promise<number>
  insert(instance: Instance): Promise<void>
  /** Replaces everything but id, tenant, name, plan and creation date. */
  update(instance: Instance): Promise<void>
  /** Removes the instance with its keys. */
  delete(instance: Pick<Instance, 'id' | 'tenantId'>): Promise<void>
  /** The names of the instances that have the role. */
  withRole(tenantId: string, role: string): Promise<string[]>
}

/** One credential of an instance, as stored. */
export interface ServiceKey {
  /** The credential id: random, internal, never used again. */
  readonly id: string
  readonly tenantId: string
  readonly instanceId: string
  readonly name: string
  readonly type: string
  readonly clientId: string
  readonly generation: number
  readonly secretDigest: Buffer | undefined
  /** Of the secret before the last rotation, good for the overlap. */
  readonly previousSecretDigest: Buffer | undefined
  readonly previousSecretUntil: number | undefined
  /** A certificate of the key is the whole identity; else a later one of the same names and issuer succeeds it. */
  readonly pinned: boolean
  /** Days; what a renewal asks for. */
  readonly validityDays: number | undefined
  readonly createdAt: number
  readonly expiresAt: number | undefined
}

export interface ServiceKeyTable {
  /** By name, in order. */
  list(instanceId: string): Promise<ServiceKey[]>
  /** By exact name. */
  find(instanceId: string, name: string): Promise<ServiceKey | undefined>
  count(instanceId: string): Promise<number>
  insert(key: ServiceKey): Promise<void>
  byId(id: string): Promise<ServiceKey | undefined>
  /** Replaces the secret; the old one is good until `until`. */
  replaceSecret(key: ServiceKey, digest: Buffer, until: number): Promise<void>
  /** What renewals ask for from now on. */
  setValidityDays(key: Pick<ServiceKey, 'id' | 'tenantId' | 'clientId'>, days: number): Promise<void>
  /** Announces that something that belongs to the key has changed. */
  touch(key: ServiceKey): Promise<void>
  delete(key: Pick<ServiceKey, 'id' | 'tenantId' | 'clientId'>): Promise<void>
}
