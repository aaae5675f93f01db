import {
  boolean,
  contextConstructed,
  contextPrimitive,
  DerError,
  type DerNode,
  explicit,
  explicitContent,
  fieldsOf,
  implicit,
  readBoolean,
  readNamedBits,
  sequence,
} from '../der.ts'
import { OID } from '../oids.ts'
import { decodePointName, type PointName } from './distribution-point.ts'
import { extensionKind } from './extension.ts'
import { encodeGeneralNames } from './general-name.ts'

/** RFC 5280 section 5.2.5: of which certificates, and for which reasons, a revocation list tells. */
export interface IssuingDistributionPoint extends PointName {
  /** Only of one kind of certificate; absent: of all. */
  readonly scope?: 'user' | 'ca' | 'attribute'
  readonly onlySomeReasons?: boolean
  /** It holds entries of certificates that others have issued. */
  readonly indirect?: boolean
}

const scopes = ['user', 'ca', undefined, undefined, 'attribute'] as const

export const issuingDistributionPoint = extensionKind<IssuingDistributionPoint>({
  oid: OID.issuingDistributionPoint,
  critical: true,
  encode({ fullName, relativeName, scope, onlySomeReasons, indirect }) {
    if (relativeName || onlySomeReasons || indirect)
      throw new DerError('issuingDistributionPoint: only a full name and a scope can be written')
    if (!fullName && !scope) throw new DerError('issuingDistributionPoint without content')
    return sequence([
      ...(fullName ? [explicit(0, implicit(0, encodeGeneralNames(fullName)))] : []),
      ...(scope ? [implicit(1 + scopes.indexOf(scope), boolean(true))] : []),
    ])
  },
  decode(node) {
    const fields = fieldsOf(node, 'issuingDistributionPoint')
    const name = fields.optional(contextConstructed(0))
    const flag = (n: number) => {
      const found = fields.optional(contextPrimitive(n))
      return found !== undefined && readBoolean(found, contextPrimitive(n))
    }
    const [user, ca] = [flag(1), flag(2)]
    const reasons = fields.optional(contextPrimitive(3))
    const [indirect, attribute] = [flag(4), flag(5)]
    fields.end()
    if (reasons) readNamedBits(reasons, contextPrimitive(3))
    return {
      ...(name && decodePointName(explicitContent(name, 'distribution point name'))),
      ...scopeOf([user, ca, false, false, attribute], node),
      ...(reasons && { onlySomeReasons: true }),
      ...(indirect && { indirect }),
    }
  },
})

function scopeOf(flags: readonly boolean[], node: DerNode): Pick<IssuingDistributionPoint, 'scope'> {
  const found = scopes.filter((_, i) => flags[i])
  if (found.length > 1)
    throw new DerError('issuingDistributionPoint: for two kinds of certificates only', node.offset)
  return found[0] ? { scope: found[0] } : {}
}
