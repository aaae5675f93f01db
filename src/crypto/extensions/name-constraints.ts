import {
  contextConstructed,
  DerError,
  type DerNode,
  fieldsOf,
  implicit,
  membersOf,
  sequence,
} from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'
import { decodeGeneralName, encodeGeneralName, type GeneralName, type IpForm } from './general-name.ts'
import { formatIpAddress, parseIpAddress } from './ip-address.ts'

/** RFC 5280 section 4.2.1.10; an `ip` is a range such as `10.0.0.0/8`. One of the two lists at least. */
export interface NameConstraints {
  readonly permitted?: readonly GeneralName[]
  readonly excluded?: readonly GeneralName[]
}

/** Address and mask, as many octets each; the mask is a prefix (RFC 4632), which the text form shows as its length. */
const addressRange: IpForm = {
  encode(text) {
    const [address = '', prefix = ''] = text.split('/')
    const octets = parseIpAddress(address)
    const valid = octets && /^\d{1,3}$/.test(prefix) && Number(prefix) <= 8 * octets.length
    if (!valid || text.split('/').length > 2) throw new DerError(`"${text}" is no range of IP addresses`)
    const bits = Number(prefix)
    const mask = octets.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff)
    return Buffer.concat([octets.map((octet, i) => octet & mask[i]!), mask])
  },
  decode(octets, at) {
    if (octets.length !== 8 && octets.length !== 32)
      throw new DerError(`range of IP addresses of ${octets.length} octets`, at)
    const half = octets.length / 2
    const mask = [...octets.subarray(half)].map(octet => octet.toString(2).padStart(8, '0')).join('')
    if (!/^1*0*$/.test(mask)) throw new DerError('range of IP addresses whose mask is no prefix', at)
    return `${formatIpAddress(octets.subarray(0, half))}/${mask.replace(/0/g, '').length}`
  },
}

export const nameConstraints = extensionKind<NameConstraints>({
  oid: OID.nameConstraints,
  critical: true,
  encode({ permitted, excluded }) {
    if (!permitted?.length && !excluded?.length)
      throw new DerError('nameConstraints: nothing permitted or excluded')
    return sequence([
      ...(permitted?.length ? [implicit(0, encodeSubtrees(permitted))] : []),
      ...(excluded?.length ? [implicit(1, encodeSubtrees(excluded))] : []),
    ])
  },
  decode(node) {
    const fields = fieldsOf(node, 'nameConstraints')
    const permitted = fields.optional(contextConstructed(0))
    const excluded = fields.optional(contextConstructed(1))
    fields.end()
    if (!permitted && !excluded)
      throw new DerError('nameConstraints: nothing permitted or excluded', node.offset)
    return {
      ...(permitted && { permitted: decodeSubtrees(permitted) }),
      ...(excluded && { excluded: decodeSubtrees(excluded) }),
    }
  },
})

const encodeSubtrees = (names: readonly GeneralName[]): Buffer =>
  sequence(names.map(name => sequence([encodeGeneralName(name, addressRange)])))

/** The base of each subtree; minimum and maximum must be at their defaults, as RFC 5280 section 4.2.1.10 says. */
const decodeSubtrees = (node: DerNode): GeneralName[] =>
  membersOf(node, 'nameConstraints', node.identifier).map(member => {
    const fields = fieldsOf(member, 'subtree')
    const base = decodeGeneralName(fields.required('base'), addressRange)
    fields.end()
    return base
  })
