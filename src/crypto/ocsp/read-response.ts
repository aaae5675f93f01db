import { parseAlgorithm } from '../algorithm-identifier.ts'
import { type Certificate, parseCertificate } from '../certificate.ts'
import {
  contextConstructed,
  contextPrimitive,
  DerError,
  type DerLimits,
  type DerNode,
  explicitContent,
  fieldsOf,
  membersOf,
  readBitString,
  readDer,
  readOctetString,
  readOid,
  readSmallInteger,
  readTime,
  TAG,
} from '../der.ts'
import { type Name, parseName } from '../names.ts'
import { OID } from '../oids.ts'
import { type RevocationReason, readReason } from '../revocation-reason.ts'
import type { SignedBytes } from '../signed.ts'
import { type OcspError, ocspStatuses } from './build-response.ts'
import { type CertId, parseCertId } from './cert-id.ts'
import { extensionsAt } from './extensions.ts'
import { readVersion } from './request.ts'

export type ResponderId = { readonly name: Name } | { readonly keyHash: Buffer }

export type CertStatus =
  | { readonly status: 'good' }
  /** `at` in milliseconds since 1970. */
  | { readonly status: 'revoked'; readonly at: number; readonly reason: RevocationReason }
  | { readonly status: 'unknown' }

/** What is said of one certificate. */
export interface SingleResponse {
  readonly certId: CertId
  readonly certStatus: CertStatus
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly unknownCritical: readonly string[]
}

/** A BasicOCSPResponse as read: well formed, and nothing more; nobody has verified it. */
export interface BasicOcspResponse extends SignedBytes {
  readonly status: 'successful'
  readonly responderId: ResponderId
  /** Milliseconds since 1970. */
  readonly producedAt: number
  readonly responses: readonly SingleResponse[]
  readonly nonce: Buffer | undefined
  readonly unknownCritical: readonly string[]
  /** What was sent along to verify it with. */
  readonly certificates: readonly Certificate[]
}

export type OcspResponse = BasicOcspResponse | { readonly status: OcspError }

const mostCertificates = 10
const mostResponses = 32
const statusByNumber: ReadonlyMap<number, string> = new Map(
  Object.entries(ocspStatuses).map(([name, number]) => [number, name]),
)

/** Reads an answer (RFC 6960 section 4.2.1) of at most `maxBytes`, default 64 KiB; throws a DerError. */
export function readOcspResponse(der: Uint8Array, limits: DerLimits = {}): OcspResponse {
  const fields = fieldsOf(readDer(der, limits), 'OCSP response')
  const number = readSmallInteger(fields.required('responseStatus'), 6, TAG.enumerated)
  const bytes = fields.optional(contextConstructed(0))
  fields.end()
  const status = statusByNumber.get(number)
  if (!status) throw new DerError(`OCSP response: status ${number}, which has no meaning`)
  if (status !== 'successful') return { status: status as OcspError }
  if (!bytes) throw new DerError('OCSP response without content')
  const content = fieldsOf(explicitContent(bytes, 'responseBytes'), 'responseBytes')
  const type = readOid(content.required('responseType'))
  const response = readOctetString(content.required('response'))
  content.end()
  if (type !== OID.ocspBasic) throw new DerError(`OCSP response of type ${type}, which is not understood`)
  return readBasic(readDer(response, { maxBytes: response.length }))
}

function readBasic(node: DerNode): BasicOcspResponse {
  const fields = fieldsOf(node, 'BasicOCSPResponse')
  const tbs = fields.required('tbsResponseData')
  const signatureAlgorithm = parseAlgorithm(fields.required('signatureAlgorithm'))
  const { bytes: signature, unusedBits } = readBitString(fields.required('signature'))
  const certificates = fields.optional(contextConstructed(0))
  fields.end()
  if (unusedBits !== 0) throw new DerError('OCSP response: signature that is not whole octets')
  return {
    status: 'successful',
    tbs: tbs.raw,
    signatureAlgorithm,
    signature,
    certificates: certificates ? readCertificates(explicitContent(certificates, 'certs')) : [],
    ...readData(tbs),
  }
}

function readCertificates(node: DerNode): Certificate[] {
  const found = membersOf(node, 'certs')
  if (found.length > mostCertificates)
    throw new DerError(`OCSP response: ${found.length} certificates, more than ${mostCertificates}`)
  return found.map(({ raw }) => parseCertificate(raw))
}

type ResponseData = Pick<
  BasicOcspResponse,
  'responderId' | 'producedAt' | 'responses' | 'nonce' | 'unknownCritical'
>

function readData(node: DerNode): ResponseData {
  const fields = fieldsOf(node, 'ResponseData')
  readVersion(fields)
  const responderId = readResponderId(fields.required('responderID'))
  const producedAt = readTime(fields.required('producedAt', TAG.generalizedTime))
  const responses = membersOf(fields.required('responses'), 'responses')
  const extensions = extensionsAt(fields, 1)
  fields.end()
  if (responses.length > mostResponses)
    throw new DerError(`OCSP response: ${responses.length} answers, more than ${mostResponses}`)
  return { responderId, producedAt, responses: responses.map(readSingle), ...extensions }
}

function readResponderId(node: DerNode): ResponderId {
  const content = explicitContent(node, 'responderID')
  if (node.identifier === contextConstructed(1)) return { name: parseName(content) }
  if (node.identifier === contextConstructed(2)) return { keyHash: readOctetString(content) }
  throw new DerError('responderID of no known form', node.offset)
}

function readSingle(node: DerNode): SingleResponse {
  const fields = fieldsOf(node, 'SingleResponse')
  const certId = parseCertId(fields.required('certID'))
  const certStatus = readStatus(fields.required('certStatus'))
  const thisUpdate = readTime(fields.required('thisUpdate', TAG.generalizedTime))
  const next = fields.optional(contextConstructed(0))
  const { unknownCritical } = extensionsAt(fields, 1)
  fields.end()
  const nextUpdate = next && readGeneralizedTime(explicitContent(next, 'nextUpdate'))
  return { certId, certStatus, thisUpdate, nextUpdate, unknownCritical }
}

function readGeneralizedTime(node: DerNode): number {
  if (node.identifier !== TAG.generalizedTime) throw new DerError('GeneralizedTime expected', node.offset)
  return readTime(node)
}

function readStatus(node: DerNode): CertStatus {
  const nothing = { [contextPrimitive(0)]: 'good', [contextPrimitive(2)]: 'unknown' } as const
  const status = nothing[node.identifier]
  if (status) {
    if (node.content.length > 0) throw new DerError(`status "${status}" with content`, node.offset)
    return { status }
  }
  const fields = fieldsOf(node, 'RevokedInfo', contextConstructed(1))
  const at = readTime(fields.required('revocationTime', TAG.generalizedTime))
  const reason = fields.optional(contextConstructed(0))
  fields.end()
  return {
    status: 'revoked',
    at,
    reason: reason ? readReason(explicitContent(reason, 'revocationReason')) : 'unspecified',
  }
}
