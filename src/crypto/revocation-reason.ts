import { DerError, type DerNode, enumerated, readSmallInteger, TAG } from './der.ts'

/** Why a certificate was revoked: CRLReason of RFC 5280 section 5.3.1, in lists and in OCSP; 7 is unused. */
export const crlReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

/** 'unspecified' is written by leaving the reason out, as RFC 5280 wants it, and so is the absence of one read. */
export type RevocationReason = keyof typeof crlReasons

const byNumber: ReadonlyMap<number, RevocationReason> = new Map(
  Object.entries(crlReasons).map(([name, number]) => [number, name as RevocationReason]),
)

/**
 * DER of a reason; undefined for the one that is left out. Throws a DerError for removeFromCRL, which only a delta
 * list can say, and we write none.
 */
export function encodeReason(reason: RevocationReason = 'unspecified'): Buffer | undefined {
  const number = Object.hasOwn(crlReasons, reason) ? crlReasons[reason] : undefined
  if (number === undefined || reason === 'removeFromCRL')
    throw new DerError(`"${reason}" is no reason to revoke a certificate for`)
  return number === crlReasons.unspecified ? undefined : enumerated(number)
}

/** Throws a DerError for a number that means nothing. */
export function readReason(node: DerNode): RevocationReason {
  const reason = byNumber.get(readSmallInteger(node, crlReasons.aACompromise, TAG.enumerated))
  if (!reason) throw new DerError('revocation reason 7, which has no meaning', node.offset)
  return reason
}
