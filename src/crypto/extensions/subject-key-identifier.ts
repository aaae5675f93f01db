import { octetString, readOctetString } from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'

/** The identifier itself, usually `keyIdentifier` of the key (RFC 5280 section 4.2.1.2). */
export const subjectKeyIdentifier = extensionKind<Buffer>({
  oid: OID.subjectKeyIdentifier,
  critical: false,
  encode: octetString,
  decode: node => readOctetString(node),
})
