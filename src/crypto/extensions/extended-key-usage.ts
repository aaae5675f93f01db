import { DerError, membersOf, oid, readOid, sequence } from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'

/** Purposes as object identifiers, such as `OID.clientAuth` (RFC 5280 section 4.2.1.12); never empty. */
export const extendedKeyUsage = extensionKind<readonly string[]>({
  oid: OID.extKeyUsage,
  critical: false,
  encode(purposes) {
    if (purposes.length === 0) throw new DerError('extKeyUsage: no purpose')
    return sequence(purposes.map(oid))
  },
  decode: node => membersOf(node, 'extKeyUsage').map(readOid),
})
