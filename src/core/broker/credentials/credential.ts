import type { z } from 'zod'
import type { Addresses } from '../../addresses.ts'
import type { IssuedCertificateTable, Issuing } from '../../authority/index.ts'
import type { KeyCertificateTable, KeyMatchTable, KeySetTable } from '../../clients/index.ts'
import type { Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import type { Trust } from '../../trust/index.ts'
import type { Instance, ServiceKey, ServiceKeyTable } from '../store.ts'

/** What credentials are written to, inside the transaction that creates or rotates their key. */
export interface CredentialTables {
  readonly keys: ServiceKeyTable
  readonly keyCertificates: KeyCertificateTable
  readonly keyMatches: KeyMatchTable
  readonly keySets: KeySetTable
  readonly issued: IssuedCertificateTable
}

export interface CredentialContext extends Issuing {
  readonly trust: Trust
}

/** The key for which a credential is made; its row may not be there yet. */
export interface CredentialOwner {
  readonly tenant: Tenant
  readonly instance: Instance
  readonly credentialId: string
  readonly clientId: string
}

/** What a kind adds to the stored key, and to the document that the sender gets once. */
export interface NewCredential {
  readonly stored: Partial<Pick<ServiceKey, 'secretDigest' | 'pinned' | 'validityDays'>>
  readonly document: Readonly<Record<string, unknown>>
  /** For the operator. */
  readonly warnings?: readonly string[]
  /** Writes what else belongs to it, in the key's own transaction; a Problem undoes it all. */
  write?(key: ServiceKey, tables: CredentialTables): Promise<Problem | undefined>
}

/** From `now` on there is a successor; what it succeeds is accepted until `until`. */
export interface Overlap {
  readonly now: number
  readonly until: number
  /** Thumbprint of the certificate that is succeeded with those older than it; undefined: all are. */
  readonly renews: string | undefined
}

export type CredentialParameters = Readonly<Record<string, unknown>>

/** A kind of service key. A new one is a file here and a line in the list. */
export interface CredentialKind {
  /** As in the parameter `key-type`. */
  readonly type: string
  /** The parameters that it understands. */
  readonly schema: z.ZodObject
  /** Makes the credential of a new key, or another one for a key that is rotated. */
  make(
    owner: CredentialOwner,
    parameters: CredentialParameters,
    deps: CredentialContext,
  ): Promise<NewCredential | Problem>
  /** Inside the transaction of a rotation: the new one counts, those before are accepted for the overlap. */
  succeed(
    key: ServiceKey,
    made: NewCredential,
    overlap: Overlap,
    tables: CredentialTables,
  ): Promise<Problem | undefined>
  /** Where senders with this kind of key get tokens, and the base of what they call. */
  urls(instance: Instance, tenant: Tenant, addresses: Addresses): { tokenurl: string; url: string }
}
