import type { Tables } from '../../../core/tables/index.ts'
import { applicationTable } from './applications.ts'
import { authorityTable, issuedCertificateTable } from './authorities.ts'
import { clientTable } from './clients.ts'
import { flowTable } from './flows.ts'
import { identityTable, sessionTable } from './identity.ts'
import { innerKeyTable } from './inner-keys.ts'
import { instanceTable } from './instances.ts'
import { keyCertificateTable, keyMatchTable } from './key-certificates.ts'
import { keySetTable } from './key-sets.ts'
import { serviceKeyTable } from './keys.ts'
import { keystoreTable } from './keystore.ts'
import { materialTable } from './material.ts'
import { platformTable } from './platforms.ts'
import { entityTable } from './provisioning-entities.ts'
import { jobTable } from './provisioning-jobs.ts'
import { sourceStateTable, systemCertificateTable, systemTable } from './provisioning-systems.ts'
import { registeredClientTable } from './registered-clients.ts'
import { revocationTable } from './revocations.ts'
import { roleAssignmentTable } from './role-assignments.ts'
import { roleTable } from './roles.ts'
import type { Scope } from './scope.ts'
import { tenantKeyTable } from './tenant-keys.ts'
import { tenantTable } from './tenants.ts'
import { trustTable } from './trust.ts'

export function tablesOn(scope: Scope): Tables {
  return {
    tenants: tenantTable(scope),
    innerKeys: innerKeyTable(scope),
    tenantKeys: tenantKeyTable(scope),
    revocations: revocationTable(scope),
    clients: clientTable(scope),
    registered: registeredClientTable(scope),
    roles: roleTable(scope),
    assignments: roleAssignmentTable(scope),
    instances: instanceTable(scope),
    keys: serviceKeyTable(scope),
    flows: flowTable(scope),
    authorities: authorityTable(scope),
    issued: issuedCertificateTable(scope),
    keyCertificates: keyCertificateTable(scope),
    keyMatches: keyMatchTable(scope),
    keySets: keySetTable(scope),
    trust: trustTable(scope),
    platforms: platformTable(scope),
    applications: applicationTable(scope),
    keystore: keystoreTable(scope),
    material: materialTable(scope),
    systems: systemTable(scope),
    systemCertificates: systemCertificateTable(scope),
    sources: sourceStateTable(scope),
    jobs: jobTable(scope),
    entities: entityTable(scope),
    identity: identityTable(scope),
    sessions: sessionTable(scope),
  }
}
