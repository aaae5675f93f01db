export { auditRole } from './audit.ts'
export { authenticateIdentity, type IdentityAuthentication } from './authenticate.ts'
export {
  createPermissions,
  type IdentityCaller,
  nobodyInParticular,
  type Permissions,
  type ProvenBy,
} from './caller.ts'
export { type CutName, type PrincipalSource, principalSources } from './certificate-claims.ts'
export { credentialChecks } from './checks.ts'
export { administratorRole, ensureIdentityDefaults } from './defaults.ts'
export {
  type AskedPermission,
  examineIdentity,
  type IdentityExamination,
  type TriedIdentity,
} from './examine.ts'
export { explainIdentity, type IdentityExplanation, type Question } from './explain.ts'
export { type AuthorizationContent, resourcePermissions } from './kinds/authorization.ts'
export { containers, kindOf, kinds } from './kinds/index.ts'
export type { Container, Kind } from './kinds/kind.ts'
export {
  addMember,
  createEntity,
  deleteEntity,
  type IdentityManagement,
  notThere,
  removeMember,
  updateEntity,
} from './manage.ts'
export { createIdentityModels, type IdentityModel, type IdentityModels, type Place } from './model.ts'
export { isAuthorized, type Memberships, type Principal, resolve } from './resolve.ts'
export { type SearchResult, search } from './search.ts'
export type { Searchable } from './searchable.ts'
export type { IdentityService } from './service.ts'
export { serviceIdentityWay } from './service-identity.ts'
export { createSessions, type Sessions } from './sessions.ts'
export { createFirstAdministrator, hasNoAdministrator, setupIsOver } from './setup.ts'
export * from './store.ts'
export { subjectPattern } from './subject-pattern.ts'
export { isMicrosoftIssuer, roleNamed } from './token-form.ts'
export type { IdentityRequest, IdentityWay, Proven } from './way.ts'
export { type CertificateWay, type CertificateWaySettings, certificateWay } from './ways/certificate.ts'
export { type PasswordDependencies, passwordWay } from './ways/password.ts'
export { createIdentityTokens, type IdentityTokens, type TokenSettings, tokenWay } from './ways/token.ts'
