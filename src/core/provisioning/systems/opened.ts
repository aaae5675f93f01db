import type { ShownCertificate } from '../../calls.ts'
import type { Vault } from '../../vault.ts'
import type { StoredSystem, SystemRole } from '../store.ts'

/** A system, ready to be used. */
export interface OpenedSystem {
  readonly id: string
  readonly tenantId: string
  readonly tenantName: string
  readonly name: string
  readonly type: string
  readonly role: SystemRole
  /** Standard properties. */
  readonly properties: Readonly<Record<string, string>>
  /** Credential properties. */
  readonly credentials: Readonly<Record<string, string>>
  readonly readTransformation: unknown
  readonly writeTransformation: unknown
  /** The active one. */
  readonly certificate: ShownCertificate | undefined
}

/** What its credentials are sealed as: in another tenant, or in another system, they do not open. */
export const systemContext = ({ tenantId, id }: Pick<StoredSystem, 'tenantId' | 'id'>): string =>
  `countersign provisioning system ${tenantId} ${id}`

export const sealCredentials = (
  credentials: Readonly<Record<string, string>>,
  owner: Pick<StoredSystem, 'tenantId' | 'id'>,
  vault: Vault,
): Buffer => vault.seal(systemContext(owner), Buffer.from(JSON.stringify(credentials)))

/** Throws when it was tampered with. */
export const openCredentials = (system: StoredSystem, vault: Vault): Record<string, string> =>
  JSON.parse(vault.open(systemContext(system), system.sealed).toString('utf8'))
