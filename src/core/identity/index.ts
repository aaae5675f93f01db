export { authenticateIdentity, type IdentityAuthentication } from './authenticate.ts'
export {
  createPermissions,
  type IdentityCaller,
  nobodyInParticular,
  type Permissions,
  type ProvenBy,
} from './caller.ts'
export { resourcePermissions } from './kinds/authorization.ts'
export { containers, kindOf, kinds } from './kinds/index.ts'
export type { Container, Kind } from './kinds/kind.ts'
export {
  addMember,
  createEntity,
  deleteEntity,
  type IdentityManagement,
  removeMember,
  updateEntity,
} from './manage.ts'
export { createIdentityModels, type IdentityModel, type IdentityModels } from './model.ts'
export { isAuthorized, type Memberships, type Principal, resolve } from './resolve.ts'
export { type Searchable, type SearchResult, search } from './search.ts'
export * from './store.ts'
export type { IdentityRequest, IdentityWay, Proven } from './way.ts'
export { type PasswordDependencies, passwordWay } from './ways/password.ts'
