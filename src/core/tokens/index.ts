export { type ActiveToken, activeTokenChecks, createTokenChecking, type TokenChecking } from './check.ts'
export { dialectOf, dialects, instanceDialects } from './dialects/index.ts'
export { type Asker, type Introspection, introspect } from './introspect.ts'
export { type Issued, type Issuing, issueToken, tokenRequestChecks } from './issue.ts'
export { createKeyrings, type Keyring, type Keyrings, type PublicKey, type SigningLine } from './keyring.ts'
export { metadata } from './metadata.ts'
export { createRevokedTokens, type RevokedTokens } from './revocations.ts'
export { type Revoking, revokeAllOf, revokeToken, revokeTokenById } from './revoke.ts'
export { handlePrefix } from './sealer.ts'
export { isSigningAlgorithm, type SigningAlgorithm, signingAlgorithms } from './signing-algorithms.ts'
export {
  ensureKeyLine,
  firstKeys,
  type KeyInfo,
  type KeyMaking,
  type KeyManagement,
  keySetMaxAgeMs,
  listKeys,
  maintainKeys,
  rotateKeys,
  type SigningKeys,
  signingKeyring,
} from './signing-keys.ts'
export type { KeyLine, Revocation, RevocationTable, TenantKey, TenantKeyTable } from './store.ts'
