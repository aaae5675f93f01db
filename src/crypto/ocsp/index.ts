/** OCSP (RFC 6960, RFC 9654): answers for our own authority, questions to those of others. */
export {
  type AnswerStatus,
  buildOcspError,
  buildOcspResponse,
  type OcspAnswer,
  type OcspError,
  type OcspResponseInput,
} from './build-response.ts'
export { type CertId, type CertIdHash, certIdMatches, type IssuerIdentity } from './cert-id.ts'
export {
  type BasicOcspResponse,
  type CertStatus,
  type OcspResponse,
  readOcspResponse,
  type SingleResponse,
} from './read-response.ts'
export { buildOcspRequest, type OcspRequest, readOcspRequest } from './request.ts'
export type { Responder } from './responder.ts'
export { type OcspDoubt, type OcspQuery, type OcspStatus, ocspStatus } from './status.ts'
