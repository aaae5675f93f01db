import type { Certificate } from '../certificate.ts'
import { nameEquals } from '../names.ts'
import type { RevocationReason } from '../revocation-reason.ts'
import { certIdIsOf, type IssuerIdentity } from './cert-id.ts'
import type { OcspResponse, SingleResponse } from './read-response.ts'
import { type Moment, type Responder, signerOf } from './responder.ts'

export interface OcspQuery {
  readonly certificate: Certificate
  /** Whose key has signed the certificate, as `validatePath` found it; a certificate of the issuer fits. */
  readonly issuer: IssuerIdentity
  /** What was sent in the request, if anything. */
  readonly nonce?: Uint8Array | undefined
  /** Milliseconds since 1970. */
  readonly now: number
  /** By how much the clocks may differ; also how old an answer without nextUpdate may be. */
  readonly skewMs: number
}

/** Why an answer says nothing about a certificate. */
export type OcspDoubt =
  | 'wrong issuer'
  /** It is malformedRequest, tryLater or the like. */
  | 'error'
  | 'unknown critical extension'
  | 'unauthorized responder'
  | 'signature'
  /** It answers another request. */
  | 'nonce'
  | 'another certificate'
  | 'not yet valid'
  | 'stale'
  | 'unknown to the responder'

export type OcspStatus =
  /** Good until `nextUpdate` (milliseconds since 1970); absent: at this moment. */
  | { readonly status: 'good'; readonly nextUpdate: number | undefined; readonly responder: Responder }
  | { readonly status: 'revoked'; readonly reason: RevocationReason; readonly at: number }
  | { readonly status: 'unknown'; readonly why: OcspDoubt }

const unknown = (why: OcspDoubt): OcspStatus => ({ status: 'unknown', why })

/**
 * What an answer says of a certificate (RFC 6960 section 3.2). An answer without nonce will do though one was sent:
 * many are made in advance. As with lists, an outdated answer that says "revoked" counts. Never throws.
 */
export function ocspStatus(response: OcspResponse, query: OcspQuery): OcspStatus {
  const { certificate, issuer, nonce } = query
  if (response.status !== 'successful') return unknown('error')
  if (!nameEquals(certificate.issuer, issuer.subject)) return unknown('wrong issuer')
  if (response.unknownCritical.length > 0) return unknown('unknown critical extension')
  const signer = signerOf(response, issuer, query)
  if (signer === 'unauthorized responder' || signer === 'signature') return unknown(signer)
  if (nonce && response.nonce && !response.nonce.equals(nonce)) return unknown('nonce')
  const answers = response.responses.filter(({ certId }) => certIdIsOf(certId, certificate, issuer))
  const all = answers.map(answer => statusOf(answer, query, signer))
  // Of several about one certificate the worst counts.
  return (
    all.find(({ status }) => status === 'revoked') ??
    all.find(({ status }) => status === 'unknown') ??
    all[0] ??
    unknown('another certificate')
  )
}

function statusOf(answer: SingleResponse, moment: Moment, responder: Responder): OcspStatus {
  const { certStatus, nextUpdate, unknownCritical } = answer
  if (unknownCritical.length > 0) return unknown('unknown critical extension')
  if (certStatus.status === 'revoked') return certStatus
  if (certStatus.status === 'unknown') return unknown('unknown to the responder')
  const untimely = untimeliness(answer, moment)
  return untimely ? unknown(untimely) : { status: 'good', nextUpdate, responder }
}

/** RFC 6960 section 4.2.2.1: without nextUpdate there is always something newer. */
function untimeliness(
  { thisUpdate, nextUpdate = thisUpdate }: SingleResponse,
  { now, skewMs }: Moment,
): 'not yet valid' | 'stale' | undefined {
  if (now + skewMs < thisUpdate) return 'not yet valid'
  return now - skewMs > nextUpdate || nextUpdate < thisUpdate ? 'stale' : undefined
}
