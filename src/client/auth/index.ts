/** THE LIST of client authentication methods: a new one is a file here and a line below. */

export type { AuthCandidate, AuthSource } from './auth-source.ts'
export type { AuthRequest, ClientAuth } from './client-auth.ts'
export { clientSecretBasic } from './client-secret-basic.ts'
export { clientSecretPost } from './client-secret-post.ts'
export type { AssertionOptions, CertificateHeader, EntraCertificateOptions } from './private-key-jwt.ts'
export { entraCertificate, privateKeyJwt } from './private-key-jwt.ts'
export { tlsClientAuth } from './tls-client-auth.ts'
