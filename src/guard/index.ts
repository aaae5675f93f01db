/** countersign/guard: protect an API that accepts access tokens of Countersign or of any RFC 9068 server. */

export type { GuardedRequest } from './bearer.ts'
export type { ClientCertificateSource, ForwardedCertificateSource } from './client-certificate.ts'
export { readForwardedCertificate } from './forwarded/index.ts'
export type { Caller, Guard, TokenClaims } from './guard.ts'
export { createGuard } from './guard.ts'
export type { Fetch, HttpReply, HttpRequest } from './http.ts'
export type { IntrospectOptions } from './introspect.ts'
export type { NodeRequest } from './node-request.ts'
export type { GuardOptions } from './options.ts'
export type { PresentedCertificate } from './presented-certificate.ts'
export { CertificateProblem, certificateOfSocket } from './presented-certificate.ts'
export { isProblem, Problem } from './problem.ts'
