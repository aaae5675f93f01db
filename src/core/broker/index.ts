export { type ApiRole, apiRoles, isPredefined, operatorRole, predefinedRoles } from './catalog.ts'
export { certificatesOfKeys, endOfKey, type KeyCertificateInfo } from './certificates.ts'
export { credentialKinds } from './credentials/index.ts'
export { type KeyParameters, keyParametersSchema } from './credentials/parameters.ts'
export { endingKeyCertificates } from './expiry.ts'
export { beyondOwnRoles } from './grant.ts'
export { createInstance, deleteInstance, findInstance, updateInstance } from './instances.ts'
export {
  createKey,
  deleteKey,
  findKey,
  type KeyBrokering,
  keyUrls,
  noKey,
  type ServiceKeyDocument,
} from './keys.ts'
export { limits } from './limits.ts'
export { type InstanceParameters, instanceParametersSchema, readInstanceParameters } from './parameters.ts'
export { revokeCertificate } from './revoke.ts'
export { createRole, deleteRole, listRoles } from './roles.ts'
export { renewCertificate, rotateKey } from './rotate.ts'
export type {
  Instance,
  InstanceTable,
  Role,
  RoleTable,
  ServiceKey,
  ServiceKeyTable,
} from './store.ts'
