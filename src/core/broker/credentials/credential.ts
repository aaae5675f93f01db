import type { Addresses } from '../../addresses.ts'
import type { Context } from '../../context.ts'
import type { Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import type { Vault } from '../../vault.ts'
import type { Instance, ServiceKey } from '../store.ts'

export interface CredentialContext {
  readonly vault: Vault
  readonly addresses: Addresses
  readonly context: Context
}

/** What a kind adds to the stored key, and to the document that the sender gets once. */
export interface NewCredential {
  readonly stored: Pick<ServiceKey, 'secretDigest' | 'expiresAt'>
  readonly document: Readonly<Record<string, unknown>>
}

/** A kind of service key. A new one is a file here and a line in the list. */
export interface CredentialKind {
  /** As in the parameter `key-type`. */
  readonly type: string
  create(
    instance: Instance,
    tenant: Tenant,
    parameters: Readonly<Record<string, unknown>>,
    deps: CredentialContext,
  ): Promise<NewCredential | Problem>
  /** Where senders with this kind of key get tokens, and the base of what they call. */
  urls(instance: Instance, tenant: Tenant, addresses: Addresses): { tokenurl: string; url: string }
}
