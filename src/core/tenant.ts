import type { AlgorithmName } from '../crypto/algorithms.ts'

/** An isolated customer: own issuer, keys, roles, instances (SAP: subaccount; Entra: directory). */
export interface Tenant {
  /** Internal, random, never shown to callers and never used again. */
  readonly id: string
  readonly name: string
  readonly guid: string
  /** Counts up; part of the client ids. */
  readonly number: number
  readonly aliases: readonly string[]
  /** What new signing keys are made for. */
  readonly signingAlgorithm: AlgorithmName
  /** May a service key hold a self-signed certificate? Such a one is good by pin alone (RFC 8705 section 2.2). */
  readonly selfSigned: boolean
  readonly createdAt: number
}

export const defaultTenantName = 'default'

export interface TenantTable {
  list(): Promise<Tenant[]>
  insert(tenant: Tenant): Promise<void>
  setSelfSigned(tenantId: string, allowed: boolean): Promise<void>
  setSigningAlgorithm(tenantId: string, algorithm: AlgorithmName): Promise<void>
  /** Removes the tenant with everything that belongs to it. */
  delete(tenantId: string): Promise<void>
}
