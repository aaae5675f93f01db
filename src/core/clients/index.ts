export { applicationChecks, authenticateApplication } from './application/authenticate.ts'
export { useOf } from './assertion/key.ts'
export {
  createAssertionKeys,
  type KeySetRow,
  type KeySetTable,
  namedKeys,
  type RemoteKeySets,
} from './assertion/keys.ts'
export type { OneTimeIds } from './assertion/one-time.ts'
export { createRemoteKeySets } from './assertion/remote.ts'
export {
  type Authenticated,
  authenticateClient,
} from './authenticate.ts'
export { type IdAndSecret, readBasic, readPlainBasic } from './basic.ts'
export { authenticateCertificate, type CertificateClaim } from './certificate.ts'
export { endOfCertificate, refuse, whyEnded, whyUntrusted } from './certificate-refusal.ts'
export {
  type CertificateEnd,
  type CertificateId,
  canonicalSan,
  type EndingCertificate,
  forgetOldest,
  type KeyCertificate,
  type KeyCertificateTable,
  type KeyMatch,
  type KeyMatchTable,
  type MatchKind,
  matchDigest,
  namesDigest,
  type RegisteredCertificate,
  successorDigest,
} from './certificates.ts'
export { type ChosenSecrets, createChosenSecrets, digestOf } from './chosen-secrets.ts'
export {
  type ApplicationFacts,
  type AssertionAudience,
  type AssertionReplay,
  type Client,
  type ClientTable,
  longestTokenLifetime,
  needsCertificate,
  outOfUse,
  type Registration,
  subjectOf,
} from './client.ts'
export { type ClientDirectory, createClientDirectory } from './directory.ts'
export { createFailureCounter, type FailureCounter } from './failures.ts'
export type { ClientAuthentication, ClientRequest, Origin } from './method.ts'
export { clientAuthenticationMethods } from './methods/index.ts'
export { authenticateRegisteredClient, type RegisteredAuthentication } from './registered.ts'
export { authenticateSecret } from './secret.ts'
