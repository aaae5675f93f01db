export { type ApiRole, apiRoles, isPredefined, operatorRole, predefinedRoles } from './catalog.ts'
export { credentialKinds } from './credentials/index.ts'
export { beyondOwnRoles } from './grant.ts'
export { createInstance, deleteInstance, findInstance, updateInstance } from './instances.ts'
export {
  createKey,
  deleteKey,
  type KeyBrokering,
  keyParametersSchema,
  keyUrls,
  noKey,
  type ServiceKeyDocument,
} from './keys.ts'
export { limits } from './limits.ts'
export { type InstanceParameters, instanceParametersSchema, readInstanceParameters } from './parameters.ts'
export { createRole, deleteRole, listRoles } from './roles.ts'
export type {
  Instance,
  InstanceTable,
  Role,
  RoleTable,
  ServiceKey,
  ServiceKeyTable,
} from './store.ts'
