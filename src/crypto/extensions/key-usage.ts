import { DerError, namedBitString, readNamedBits } from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'

/** The bits of RFC 5280 section 4.2.1.3, in their order. */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export type KeyUsage = (typeof keyUsages)[number]

/** A list without repetition, in any order when building and in the order of the bits when read; never empty. */
export const keyUsage = extensionKind<readonly KeyUsage[]>({
  oid: OID.keyUsage,
  critical: true,
  encode(usages) {
    if (usages.length === 0) throw new DerError('keyUsage: no usage')
    return namedBitString(usages.map(usage => keyUsages.indexOf(usage)))
  },
  decode(node) {
    const positions = readNamedBits(node)
    if (positions.length === 0) throw new DerError('keyUsage: no bit is set', node.offset)
    return positions.map(position => {
      const usage = keyUsages[position]
      if (!usage) throw new DerError(`keyUsage: bit ${position} has no meaning`, node.offset)
      return usage
    })
  },
})
