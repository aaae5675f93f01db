export { type Assigned, assignRole, listAssignments, unassignRole } from './assignments.ts'
export { type ApiRole, apiRoles, isPredefined, operatorRole, predefinedRoles } from './catalog.ts'
export { certificatesOfKeys, endOfKey, type KeyCertificateInfo } from './certificates.ts'
export { credentialKinds } from './credentials/index.ts'
export { type KeyParameters, keyParametersSchema } from './credentials/parameters.ts'
export { endingKeyCertificates } from './expiry.ts'
export { beyondOwnRoles } from './grant.ts'
export { createInstance, deleteInstance, findInstance, updateInstance } from './instances.ts'
export { keySetsOf } from './key-sets.ts'
export {
  createKey,
  deleteKey,
  findKey,
  type KeyBrokering,
  keyUrls,
  noKey,
  type ServiceKeyDocument,
} from './keys.ts'
export { limitReached, limits } from './limits.ts'
export type { PlatformBinding, PlatformInstance, PlatformTable, SealedAnswer } from './osb/store.ts'
export {
  type InstanceParameters,
  instanceParametersOf,
  instanceParametersSchema,
  readInstanceParameters,
} from './parameters.ts'
export { renewCertificate } from './renew.ts'
export { revokeCertificate } from './revoke.ts'
export { createRole, deleteRole, listRoles } from './roles.ts'
export { rotateKey } from './rotate.ts'
export type {
  Instance,
  InstanceTable,
  Role,
  RoleAssignment,
  RoleAssignmentTable,
  RoleTable,
  ServiceKey,
  ServiceKeyTable,
} from './store.ts'
