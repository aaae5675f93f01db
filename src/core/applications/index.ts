export {
  type AppCertificateInfo,
  addCertificate,
  addSecret,
  describeCertificate,
  type MadeSecret,
  removeCertificate,
  removeSecret,
} from './credentials.ts'
export { endingApplications } from './expiry.ts'
export { type Granted, type GrantRequest, grantRole, revokeGrant } from './grants.ts'
export {
  applicationTokenChecks,
  checkGrantType,
  type EndpointVersion,
  type IssuingToApplications,
  issuerOf,
  issueToApplication,
} from './issue.ts'
export { applicationKeys, instanceDiscovery, openIdConfiguration } from './metadata.ts'
export {
  deleteApplication,
  findApplication,
  registerApplication,
  updateApplication,
} from './register.ts'
export type {
  AppCertificate,
  AppGrant,
  Application,
  ApplicationParts,
  ApplicationTable,
  AppRef,
  AppRole,
  AppSecret,
  GrantedRole,
} from './store.ts'
