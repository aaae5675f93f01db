import { DerError, type DerNode, fieldsOf, membersOf, oid, readOid, sequence } from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'
import { decodeGeneralName, encodeGeneralName, type GeneralName } from './general-name.ts'

/** `method` is an object identifier: `OID.ocsp` or `OID.caIssuers`. */
export interface AccessDescription {
  readonly method: string
  readonly location: GeneralName
}

/** RFC 5280 section 4.2.2.1: where the issuer's certificate and its OCSP responder are; never empty. */
export const authorityInformationAccess = extensionKind<readonly AccessDescription[]>({
  oid: OID.authorityInfoAccess,
  critical: false,
  encode(descriptions) {
    if (descriptions.length === 0) throw new DerError('authorityInfoAccess: no description')
    return sequence(
      descriptions.map(({ method, location }) => sequence([oid(method), encodeGeneralName(location)])),
    )
  },
  decode: node => membersOf(node, 'authorityInfoAccess').map(decodeDescription),
})

function decodeDescription(node: DerNode): AccessDescription {
  const fields = fieldsOf(node, 'access description')
  const method = readOid(fields.required('accessMethod'))
  const location = decodeGeneralName(fields.required('accessLocation'))
  fields.end()
  return { method, location }
}
