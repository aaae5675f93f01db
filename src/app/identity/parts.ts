import type { LookupFunction } from 'node:net'
import type { OutboundAccess } from '../../core/calls.ts'
import type { ChosenSecrets, FailureCounter } from '../../core/clients/index.ts'
import type { Context } from '../../core/context.ts'
import type { ChangeFeed, Transactions } from '../../core/store.ts'
import type { Tables } from '../../core/tables/index.ts'
import type { Tenant } from '../../core/tenant.ts'
import type { RevocationChecking } from '../../core/trust/index.ts'
import type { Vault } from '../../core/vault.ts'
import type { FetchJson } from '../../guard/fetch-json.ts'

/** What the identity service is put together from. */
export interface IdentityParts {
  readonly tenant: Tenant
  readonly store: Transactions<Tables>
  readonly changes: ChangeFeed
  readonly vault: Vault
  readonly context: Context
  readonly chosenSecrets: ChosenSecrets
  readonly failures: FailureCounter
  readonly revocation: RevocationChecking
  readonly outbound: OutboundAccess
  readonly fetchJson: FetchJson
  readonly lookup: LookupFunction
  /** PEM of what this computer trusts. */
  readonly publicRoots: () => readonly string[]
}
