export { type ActiveToken, activeTokenChecks, createTokenChecking, type TokenChecking } from './check.ts'
export { type Asker, type Introspection, introspect } from './introspect.ts'
export { type Issuing, issueToken, type TokenResponse, tokenRequestChecks } from './issue.ts'
export { createKeyrings, type Keyrings, type PublicKey } from './keyring.ts'
export { metadata } from './metadata.ts'
export { createRevokedTokens, type RevokedTokens } from './revocations.ts'
export { type Revoking, revokeAllOf, revokeToken } from './revoke.ts'
export { handlePrefix } from './sealer.ts'
export { isSigningAlgorithm, type SigningAlgorithm, signingAlgorithms } from './signing-algorithms.ts'
export {
  firstKeys,
  type KeyInfo,
  type KeyManagement,
  keySetMaxAgeMs,
  listKeys,
  maintainKeys,
  rotateKeys,
} from './signing-keys.ts'
export type { Revocation, RevocationTable, TenantKey, TenantKeyTable } from './store.ts'
