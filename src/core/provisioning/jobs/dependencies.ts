import { second } from '../../context.ts'
import type { Transactions } from '../../store.ts'
import type { Tenant } from '../../tenant.ts'
import type { Vault } from '../../vault.ts'
import type { ProvisioningTables } from '../store.ts'
import type { ConnectorDependencies } from '../types/type.ts'

/** What running jobs needs. */
export interface RunnerDependencies extends Omit<ConnectorDependencies, 'signal'> {
  readonly store: Transactions<ProvisioningTables>
  readonly vault: Vault
  readonly tenants: { all(): readonly Tenant[] }
  /** Tells this process from others. */
  readonly runner: string
  /** No other process can run jobs of this store: what was begun before this one belongs to nobody. */
  readonly alone: boolean
}

/** Who is silent for so long runs nothing any more, as far as others are concerned. */
export const leaseMs = 30 * second
