export {
  type Authenticated,
  authenticateClient,
} from './authenticate.ts'
export { type IdAndSecret, readBasic } from './basic.ts'
export { authenticateCertificate, type CertificateClaim } from './certificate.ts'
export { endOfCertificate, whyUntrusted } from './certificate-refusal.ts'
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
export { type Client, type ClientTable, outOfUse, subjectOf } from './client.ts'
export { type ClientDirectory, createClientDirectory } from './directory.ts'
export { createFailureCounter, type FailureCounter } from './failures.ts'
export type { ClientAuthentication, ClientRequest, Origin } from './method.ts'
export { clientAuthenticationMethods } from './methods/index.ts'
export { authenticateSecret } from './secret.ts'
