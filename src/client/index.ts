/** countersign/client: access tokens by client credentials, from any OAuth 2.0 token server. */

export type {
  AssertionOptions,
  AuthCandidate,
  AuthRequest,
  AuthSource,
  CertificateHeader,
  ClientAuth,
  EntraCertificateOptions,
} from './auth/index.ts'
export {
  clientSecretBasic,
  clientSecretPost,
  entraCertificate,
  privateKeyJwt,
  tlsClientAuth,
} from './auth/index.ts'
export type { ClientCertificate } from './certificate.ts'
export { clientCertificate, withoutRoot } from './certificate.ts'
export type {
  CertificateFiles,
  CertificateFilesEvent,
  CertificateFilesOptions,
  CertificatePlace,
  LoadedCertificate,
} from './certificate-files.ts'
export { certificateFiles } from './certificate-files.ts'
export type { DiscoverOptions, ServerMetadata } from './discover.ts'
export { discover } from './discover.ts'
export type { TokenErrorCode } from './errors.ts'
export { TokenError } from './errors.ts'
export type { IssuerClientOptions } from './from-issuer.ts'
export { tokenClientFromIssuer } from './from-issuer.ts'
export type { TlsOptions } from './http.ts'
export type { Pkcs12Opening } from './pkcs12.ts'
export { certificateFromPkcs12 } from './pkcs12.ts'
export type { Wait } from './retry.ts'
export type { ServiceKey, ServiceKeyClientOptions } from './serviceKey.ts'
export {
  certificateOfServiceKey,
  readServiceKey,
  signsAssertions,
  tokenClientFromServiceKey,
} from './serviceKey.ts'
export type {
  CallCredentials,
  GetTokenOptions,
  TokenClient,
} from './token-client.ts'
export { createTokenClient } from './token-client.ts'
export type { TokenClientOptions, TokenEvent } from './token-client-options.ts'
export type { AccessToken } from './token-request.ts'
