export { createTrust, type Trust, type TrustDependencies } from './evaluate.ts'
export {
  addTrust,
  endingTrust,
  listTrust,
  type NewTrust,
  removeTrust,
  type TrustInfo,
  type TrustManagement,
} from './manage.ts'
export {
  createRevocationChecking,
  type RevocationChecking,
} from './revocation.ts'
export type { RevocationSource, SourceError } from './revocation-source.ts'
export type { RevocationPolicy, TrustedCertificate, TrustTable } from './store.ts'
export { isSelfSigned } from './validate.ts'
export type { TrustedPath, Untrusted, Verdict } from './verdict.ts'
