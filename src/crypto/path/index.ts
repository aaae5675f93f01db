/** Path validation (RFC 5280 section 6): is this certificate, now, one that somebody we trust vouches for? */
export type { PathPurpose } from './certificate-rules.ts'
export type { Anchor, Issuer, Revocation } from './check-path.ts'
export type { CertificatePolicyInput } from './policies.ts'
export type { PathProblem, PathRule } from './problem.ts'
export { searchLimits } from './search.ts'
export type { KeyStrength } from './strength.ts'
export { anchorOf, type PathInput, type PathPolicy, type ValidPath, validatePath } from './validate-path.ts'
