import type { Certificate } from '../certificate.ts'
import {
  contextConstructed,
  DerError,
  type DerFields,
  type DerNode,
  explicit,
  explicitContent,
  fieldsOf,
  membersOf,
  readDer,
  readSmallInteger,
  sequence,
} from '../der.ts'
import { type CertId, type CertIdHash, encodeCertId, type IssuerIdentity, parseCertId } from './cert-id.ts'
import { extensionsAt, nonceExtension } from './extensions.ts'

/** What somebody wants to know (RFC 6960 section 4.1.1). */
export interface OcspRequest {
  /** One at least; to be answered in this order. */
  readonly certIds: readonly CertId[]
  /** To be repeated in the answer. */
  readonly nonce: Buffer | undefined
  /** It carries a signature, which nobody has looked at: whoever asks is answered. */
  readonly signed: boolean
}

const longestRequest = 16 * 1024
const mostCertIds = 32

/**
 * Reads a request of at most 16 KiB and 32 certificates; throws a DerError, to be answered with
 * `buildOcspError('malformedRequest')`, also for a critical extension that we do not understand.
 */
export function readOcspRequest(der: Uint8Array): OcspRequest {
  const fields = fieldsOf(readDer(der, { maxBytes: longestRequest }), 'OCSP request')
  const tbs = fields.required('tbsRequest')
  const signature = fields.optional(contextConstructed(0))
  fields.end()
  if (signature) explicitContent(signature, 'signature')
  const content = fieldsOf(tbs, 'OCSP request')
  readVersion(content)
  content.optional(contextConstructed(1)) // requestorName
  const list = membersOf(content.required('requestList'), 'requestList')
  const { nonce, unknownCritical } = extensionsAt(content, 2)
  content.end()
  if (list.length > mostCertIds)
    throw new DerError(`OCSP request: ${list.length} certificates, more than ${mostCertIds}`, tbs.offset)
  refuseUnknown(unknownCritical)
  return { certIds: list.map(readSingle), nonce, signed: signature !== undefined }
}

/** Version 1, the only one, of requests and answers: normally left out. */
export function readVersion(fields: DerFields): void {
  const version = fields.optional(contextConstructed(0))
  if (version) readSmallInteger(explicitContent(version, 'version'), 0)
}

function readSingle(node: DerNode): CertId {
  const fields = fieldsOf(node, 'request')
  const certId = parseCertId(fields.required('reqCert'))
  refuseUnknown(extensionsAt(fields, 0).unknownCritical)
  fields.end()
  return certId
}

function refuseUnknown(unknownCritical: readonly string[]): void {
  if (unknownCritical.length > 0)
    throw new DerError(`OCSP request: critical extension ${unknownCritical[0]}, which is not understood`)
}

/**
 * DER of a request about one certificate. `nonce`: 1 to 128 random octets, 32 as a rule (RFC 9654); without one, an
 * answer made in advance will do. `hash` is SHA-1 where nothing else is said, the one digest that all responders know.
 */
export function buildOcspRequest(input: {
  readonly certificate: Certificate
  readonly issuer: IssuerIdentity
  readonly nonce?: Uint8Array
  readonly hash?: CertIdHash
}): Buffer {
  const { certificate, issuer, nonce, hash = 'sha1' } = input
  return sequence([
    sequence([
      sequence([sequence([encodeCertId(hash, certificate, issuer)])]),
      ...(nonce ? [explicit(2, sequence([nonceExtension.build(nonce)]))] : []),
    ]),
  ])
}
