import {
  contextConstructed,
  contextPrimitive,
  DerError,
  fieldsOf,
  implicit,
  integer,
  octetString,
  readInteger,
  readOctetString,
  sequence,
} from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from './general-name.ts'

/** RFC 5280 section 4.2.1.1: the issuer's key by its identifier, by its certificate's issuer and serial, or both. */
export interface AuthorityKeyIdentifier {
  readonly keyId?: Buffer
  readonly certificate?: { readonly issuer: readonly GeneralName[]; readonly serial: bigint }
}

export const authorityKeyIdentifier = extensionKind<AuthorityKeyIdentifier>({
  oid: OID.authorityKeyIdentifier,
  critical: false,
  encode: ({ keyId, certificate }) =>
    sequence([
      ...(keyId ? [implicit(0, octetString(keyId))] : []),
      ...(certificate
        ? [implicit(1, encodeGeneralNames(certificate.issuer)), implicit(2, integer(certificate.serial))]
        : []),
    ]),
  decode(node) {
    const fields = fieldsOf(node, 'authorityKeyIdentifier')
    const keyId = fields.optional(contextPrimitive(0))
    const issuer = fields.optional(contextConstructed(1))
    const serial = fields.optional(contextPrimitive(2))
    fields.end()
    if ((issuer === undefined) !== (serial === undefined))
      throw new DerError('authorityKeyIdentifier: issuer and serial number belong together', node.offset)
    return {
      ...(keyId && { keyId: readOctetString(keyId, contextPrimitive(0)) }),
      ...(issuer &&
        serial && {
          certificate: {
            issuer: decodeGeneralNames(issuer, 'authorityCertIssuer', contextConstructed(1)),
            serial: readInteger(serial, contextPrimitive(2)),
          },
        }),
    }
  },
})
