import type { Addresses } from '../../core/addresses.ts'
import type { Identification } from '../../core/admission/index.ts'
import type { AuthorityDirectory, Crls } from '../../core/authority/index.ts'
import type { OutboundAccess } from '../../core/calls.ts'
import type { RegisteredAuthentication } from '../../core/clients/index.ts'
import type { Probe } from '../../core/connectivity/index.ts'
import type { Context } from '../../core/context.ts'
import type { DecisionRecord } from '../../core/explain/index.ts'
import type { FlowRegistry, Forwarder, Message } from '../../core/flows/index.ts'
import type { IdentityService } from '../../core/identity/index.ts'
import type { Journal } from '../../core/journal.ts'
import type { KeyFileReading, KeystoreIdentities } from '../../core/keystore/index.ts'
import type { SecurityMaterials } from '../../core/material/index.ts'
import type { Meter } from '../../core/meter.ts'
import type { Problem } from '../../core/problem.ts'
import type { SourceFiles } from '../../core/provisioning/index.ts'
import type { ChangeFeed, Transactions } from '../../core/store.ts'
import type { Tables } from '../../core/tables/index.ts'
import type { TenantDirectory } from '../../core/tenants/index.ts'
import type { Keyrings } from '../../core/tokens/index.ts'
import type { Vault } from '../../core/vault.ts'

/** What the addresses of the server are made of; composed once, in `app/compose.ts`. */
export interface Services extends Identification, RegisteredAuthentication {
  readonly context: Context
  readonly addresses: Addresses
  readonly store: Transactions<Tables>
  readonly changes: ChangeFeed
  readonly journal: Journal<Message, DecisionRecord>
  readonly vault: Vault
  readonly tenants: TenantDirectory
  readonly keyrings: Keyrings
  readonly authorities: AuthorityDirectory
  readonly crls: Crls
  readonly keystore: KeystoreIdentities
  readonly readKeyFile: KeyFileReading
  readonly materials: SecurityMaterials
  readonly flows: FlowRegistry
  readonly forwarder: Forwarder
  readonly outbound: OutboundAccess
  readonly probe: Probe
  readonly files: SourceFiles
  readonly meter: Meter
  /** undefined: it is not configured. */
  readonly identity: IdentityService | undefined
  readonly operations: Operations
}

/** What only the process knows. */
export interface Operations {
  /** Ready to serve? */
  ready(): boolean
  /** The page of metrics, of all processes of this machine. */
  metrics(): Promise<string>
  /** Wraps the inner keys under another master key; returns what the operator must do next. */
  rotateMasterKey(newKey: string | undefined): Promise<MasterKeyRotation | Problem>
}

export interface MasterKeyRotation {
  readonly rewrapped: number
  readonly next: string
}
