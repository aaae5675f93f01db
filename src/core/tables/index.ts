import type { ApplicationTable } from '../applications/index.ts'
import type { AuthorityTable, IssuedCertificateTable } from '../authority/index.ts'
import type {
  InstanceTable,
  PlatformTable,
  RoleAssignmentTable,
  RoleTable,
  ServiceKeyTable,
} from '../broker/index.ts'
import type { ClientTable, KeyCertificateTable, KeyMatchTable, KeySetTable } from '../clients/index.ts'
import type { FlowTable } from '../flows/index.ts'
import type { IdentityTables } from '../identity/index.ts'
import type { KeystoreTable } from '../keystore/index.ts'
import type { MaterialTable } from '../material/index.ts'
import type { ProvisioningTables } from '../provisioning/index.ts'
import type { RegisteredClientTable } from '../registration/index.ts'
import type { TenantTable } from '../tenant.ts'
import type { RevocationTable, TenantKeyTable } from '../tokens/index.ts'
import type { TrustTable } from '../trust/index.ts'
import type { InnerKeyTable } from '../vault.ts'

/** Every table of the core: what a store has, and what the server is composed with. */
export interface Tables extends ProvisioningTables, IdentityTables {
  readonly tenants: TenantTable
  readonly innerKeys: InnerKeyTable
  readonly tenantKeys: TenantKeyTable
  readonly revocations: RevocationTable
  readonly clients: ClientTable
  readonly registered: RegisteredClientTable
  readonly roles: RoleTable
  readonly assignments: RoleAssignmentTable
  readonly instances: InstanceTable
  readonly keys: ServiceKeyTable
  readonly flows: FlowTable
  readonly authorities: AuthorityTable
  readonly issued: IssuedCertificateTable
  readonly keyCertificates: KeyCertificateTable
  readonly keyMatches: KeyMatchTable
  readonly keySets: KeySetTable
  readonly trust: TrustTable
  readonly platforms: PlatformTable
  readonly applications: ApplicationTable
  readonly keystore: KeystoreTable
  readonly material: MaterialTable
}
