import {
  contextConstructed,
  contextPrimitive,
  DerError,
  type DerNode,
  explicit,
  explicitContent,
  fieldsOf,
  implicit,
  namedBitString,
  readNamedBits,
  sequence,
} from '../der.ts'
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from './general-name.ts'

/** Reasons in the order of their bits (RFC 5280 section 4.2.1.13); bit 0 is unused. */
export const revocationReasons = [
  'unused',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const

export type RevocationReason = (typeof revocationReasons)[number]

/** DistributionPoint (RFC 5280 section 4.2.1.13): where a revocation list is, for which reasons, by whom. */
export interface DistributionPoint {
  readonly fullName?: readonly GeneralName[]
  /** The encoding of a nameRelativeToCRLIssuer, which RFC 5280 advises against; read, never looked into. */
  readonly relativeName?: Buffer
  readonly reasons?: readonly RevocationReason[]
  readonly crlIssuer?: readonly GeneralName[]
}

export type PointName = Pick<DistributionPoint, 'fullName' | 'relativeName'>

export function encodeDistributionPoint(point: DistributionPoint): Buffer {
  const { fullName, relativeName, reasons, crlIssuer } = point
  if (fullName && relativeName) throw new DerError('distribution point with two names')
  if (!fullName && !relativeName && !crlIssuer)
    throw new DerError('distribution point without name and issuer')
  const name = fullName ? implicit(0, encodeGeneralNames(fullName)) : relativeName
  return sequence([
    ...(name ? [explicit(0, name)] : []),
    ...(reasons
      ? [implicit(1, namedBitString(reasons.map(reason => revocationReasons.indexOf(reason))))]
      : []),
    ...(crlIssuer ? [implicit(2, encodeGeneralNames(crlIssuer))] : []),
  ])
}

export function decodeDistributionPoint(node: DerNode): DistributionPoint {
  const fields = fieldsOf(node, 'distribution point')
  const name = fields.optional(contextConstructed(0))
  const reasons = fields.optional(contextPrimitive(1))
  const crlIssuer = fields.optional(contextConstructed(2))
  fields.end()
  if (!name && !crlIssuer) throw new DerError('distribution point without name and issuer', node.offset)
  return {
    ...(name && decodePointName(explicitContent(name, 'distribution point name'))),
    ...(reasons && { reasons: decodeReasons(reasons) }),
    ...(crlIssuer && { crlIssuer: decodeGeneralNames(crlIssuer, 'cRLIssuer', contextConstructed(2)) }),
  }
}

/** DistributionPointName, which an issuing distribution point has too (RFC 5280 section 5.2.5). */
export function decodePointName(node: DerNode): PointName {
  if (node.identifier === contextConstructed(0))
    return { fullName: decodeGeneralNames(node, 'fullName', contextConstructed(0)) }
  if (node.identifier === contextConstructed(1)) return { relativeName: node.raw }
  throw new DerError('distribution point name of no known form', node.offset)
}

const decodeReasons = (node: DerNode): RevocationReason[] =>
  readNamedBits(node, contextPrimitive(1)).map(position => {
    const reason = revocationReasons[position]
    if (!reason) throw new DerError(`reason ${position} has no meaning`, node.offset)
    return reason
  })
