import {
  boolean,
  DerError,
  type DerNode,
  fieldsOf,
  integer,
  readBoolean,
  readSmallInteger,
  sequence,
  TAG,
} from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'

/** RFC 5280 section 4.2.1.9. */
export interface BasicConstraints {
  readonly ca: boolean
  /** How many intermediate certificates may follow; absent: any number. Only with `ca`. */
  readonly pathLength?: number
}

// A path this long exists nowhere; the bound keeps the number exact.
const longestPath = 0xffff

export const basicConstraints = extensionKind<BasicConstraints>({
  oid: OID.basicConstraints,
  critical: true,
  encode({ ca, pathLength }) {
    if (pathLength !== undefined && (!ca || !(pathLength >= 0 && pathLength <= longestPath)))
      throw new DerError(
        `basicConstraints: path length ${pathLength} ${ca ? 'is out of range' : 'without CA'}`,
      )
    return sequence([
      ...(ca ? [boolean(true)] : []),
      ...(pathLength === undefined ? [] : [integer(pathLength)]),
    ])
  },
  decode(node: DerNode) {
    const fields = fieldsOf(node, 'basicConstraints')
    const ca = fields.optional(TAG.boolean)
    const pathLength = fields.optional(TAG.integer)
    fields.end()
    const isCa = ca !== undefined && readBoolean(ca)
    if (pathLength === undefined) return { ca: isCa }
    if (!isCa) throw new DerError('basicConstraints: path length without CA', pathLength.offset)
    return { ca: true, pathLength: readSmallInteger(pathLength, longestPath) }
  },
})
