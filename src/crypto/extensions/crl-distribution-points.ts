import { DerError, membersOf, sequence } from '../der.ts'
import { OID } from '../oids.ts'
import {
  type DistributionPoint,
  decodeDistributionPoint,
  encodeDistributionPoint,
} from './distribution-point.ts'
import { extensionKind } from './extension.ts'

/** RFC 5280 section 4.2.1.13: `[{ fullName: [{ kind: 'uri', value: 'http://…' }] }]`; never empty. */
export const crlDistributionPoints = extensionKind<readonly DistributionPoint[]>({
  oid: OID.cRLDistributionPoints,
  critical: false,
  encode(points) {
    if (points.length === 0) throw new DerError('cRLDistributionPoints: no point')
    return sequence(points.map(encodeDistributionPoint))
  },
  decode: node => membersOf(node, 'cRLDistributionPoints').map(decodeDistributionPoint),
})
