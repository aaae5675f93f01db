export { type CrlPublishing, type Crls, createCrls } from './crl.ts'
export {
  type Authority,
  type AuthorityDirectory,
  type AuthorityMember,
  chainAbove,
  createAuthorityDirectory,
  intermediatesOf,
  issuerOf,
  memberOf,
  rootOf,
  rootsOf,
} from './directory.ts'
export { endingAuthorities } from './expiry.ts'
export { type AuthorityInfo, type AuthorityState, inspectAuthority } from './inspect.ts'
export {
  type IssuedToSender,
  type Issuing,
  issueToSender,
  issueToSystem,
  type KeySource,
  type SenderCertificate,
  serialHex,
} from './issue.ts'
export type { Making } from './make.ts'
export {
  type AuthorityManagement,
  defaultOverlapDays,
  firstAuthority,
  importAuthority,
  maintainAuthorities,
  type RollOver,
  retireRoot,
  rollOverAuthority,
} from './manage.ts'
export { answerOcsp, type OcspAnswering } from './ocsp.ts'
export { issueFrom, profiles } from './profiles.ts'
export { revocationReasons, revokeAllIssuedTo } from './revoke.ts'
export type {
  AuthorityCertificate,
  AuthorityTable,
  IssuedCertificate,
  IssuedCertificateTable,
  RevocationReason,
} from './store.ts'
