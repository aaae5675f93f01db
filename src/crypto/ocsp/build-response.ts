import { createHash, type KeyObject, sign } from 'node:crypto'
import type { Certificate } from '../certificate.ts'
import {
  bitString,
  DerError,
  enumerated,
  explicit,
  generalizedTime,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
} from '../der.ts'
import { OID } from '../oids.ts'
import { encodeReason, type RevocationReason } from '../revocation-reason.ts'
import { encodeSignatureAlgorithm, signatureAlgorithmFor } from '../signed.ts'
import type { CertId } from './cert-id.ts'
import { nonceExtension } from './extensions.ts'

/** `at` in milliseconds since 1970. */
export type AnswerStatus =
  | { readonly status: 'good' }
  | { readonly status: 'revoked'; readonly at: number; readonly reason?: RevocationReason | undefined }
  /** Not issued here, or nothing is known of it. */
  | { readonly status: 'unknown' }

export type OcspAnswer = { readonly certId: Pick<CertId, 'raw'> } & AnswerStatus

export interface OcspResponseInput {
  readonly responder: {
    /** The issuer's own, or one that it has issued for OCSPSigning. */
    readonly certificate: Pick<Certificate, 'spki'>
    /** The private key that belongs to it. */
    readonly key: KeyObject
  }
  /** All in milliseconds since 1970, stored in whole seconds. */
  readonly producedAt: number
  /** When what is answered was known to be so. */
  readonly thisUpdate: number
  /** Until when the answer may be used; absent: for the moment. */
  readonly nextUpdate?: number
  /** One for each certificate that was asked for, in that order. */
  readonly answers: readonly OcspAnswer[]
  /** That of the request, if it had one. */
  readonly nonce?: Uint8Array | undefined
  /** DER of the certificates to include: a delegated responder's own. */
  readonly certificates?: readonly Uint8Array[]
}

/** DER of a signed answer (RFC 6960 section 4.2.1), by the key of the responder; throws a DerError. */
export function buildOcspResponse(input: OcspResponseInput): Buffer {
  const { responder, producedAt, thisUpdate, nextUpdate, answers, nonce, certificates = [] } = input
  if (answers.length === 0) throw new DerError('OCSP response without an answer')
  if (nextUpdate !== undefined && !(nextUpdate >= thisUpdate))
    throw new DerError('nextUpdate is before thisUpdate')
  const times = [
    generalizedTime(thisUpdate),
    ...(nextUpdate === undefined ? [] : [explicit(0, generalizedTime(nextUpdate))]),
  ]
  const tbs = sequence([
    explicit(2, octetString(responderKeyHash(responder.certificate))),
    generalizedTime(producedAt),
    sequence(answers.map(answer => sequence([answer.certId.raw, encodeStatus(answer), ...times]))),
    ...(nonce ? [explicit(1, sequence([nonceExtension.build(nonce)]))] : []),
  ])
  const algorithm = signatureAlgorithmFor(responder.key)
  const basic = sequence([
    tbs,
    encodeSignatureAlgorithm(algorithm),
    bitString(sign(algorithm.hash, tbs, responder.key)),
    ...(certificates.length > 0 ? [explicit(0, sequence(certificates))] : []),
  ])
  return sequence([
    enumerated(ocspStatuses.successful),
    explicit(0, sequence([oid(OID.ocspBasic), octetString(basic)])),
  ])
}

/** KeyHash of a ResponderID: SHA-1 of the key bits, whatever the certificate's own key identifier is. */
export const responderKeyHash = ({ spki }: Pick<Certificate, 'spki'>): Buffer =>
  createHash('sha1').update(spki.keyBits).digest()

function encodeStatus(answer: OcspAnswer): Buffer {
  if (answer.status !== 'revoked') return implicit(answer.status === 'good' ? 0 : 2, nullValue())
  const reason = encodeReason(answer.reason)
  return implicit(1, sequence([generalizedTime(answer.at), ...(reason ? [explicit(0, reason)] : [])]))
}

/** OCSPResponseStatus (RFC 6960 section 4.2.1); 4 is unused. */
export const ocspStatuses = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const

export type OcspError = Exclude<keyof typeof ocspStatuses, 'successful'>

/** DER of an answer that is none; it is not signed. 'unauthorized': not an authority that we answer for (RFC 5019). */
export const buildOcspError = (status: OcspError): Buffer => sequence([enumerated(ocspStatuses[status])])
