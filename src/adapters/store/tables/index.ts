import type { InstanceTable, RoleTable, ServiceKeyTable } from '../../../core/broker/store.ts'
import type { ClientTable } from '../../../core/clients/client.ts'
import type { FlowTable } from '../../../core/flows/store.ts'
import type { TenantTable } from '../../../core/tenant.ts'
import type { RevocationTable, TenantKeyTable } from '../../../core/tokens/store.ts'
import type { InnerKeyTable } from '../../../core/vault.ts'
import { clientTable } from './clients.ts'
import { flowTable } from './flows.ts'
import { innerKeyTable } from './inner-keys.ts'
import { instanceTable } from './instances.ts'
import { serviceKeyTable } from './keys.ts'
import { revocationTable } from './revocations.ts'
import { roleTable } from './roles.ts'
import type { Scope } from './scope.ts'
import { tenantKeyTable } from './tenant-keys.ts'
import { tenantTable } from './tenants.ts'

/** Every table of the core. */
export interface Tables {
  readonly tenants: TenantTable
  readonly innerKeys: InnerKeyTable
  readonly tenantKeys: TenantKeyTable
  readonly revocations: RevocationTable
  readonly clients: ClientTable
  readonly roles: RoleTable
  readonly instances: InstanceTable
  readonly keys: ServiceKeyTable
  readonly flows: FlowTable
}

export function tablesOn(scope: Scope): Tables {
  return {
    tenants: tenantTable(scope),
    innerKeys: innerKeyTable(scope),
    tenantKeys: tenantKeyTable(scope),
    revocations: revocationTable(scope),
    clients: clientTable(scope),
    roles: roleTable(scope),
    instances: instanceTable(scope),
    keys: serviceKeyTable(scope),
    flows: flowTable(scope),
  }
}
