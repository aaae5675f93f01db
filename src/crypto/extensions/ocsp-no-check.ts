import { DerError, nullValue, TAG } from '../der.ts'
import { OID } from '../oids.ts'
import { extensionKind } from './extension.ts'

/**
 * RFC 6960 section 4.2.2.2.1: for the certificate of a delegated OCSP responder, whose own revocation then need not be
 * asked for: it is to be short-lived instead. There is nothing to say but that it is there.
 */
export const ocspNoCheck = extensionKind<true>({
  oid: OID.ocspNoCheck,
  critical: false,
  encode: nullValue,
  decode(node) {
    if (node.identifier !== TAG.null) throw new DerError('ocspNoCheck: NULL expected', node.offset)
    return true
  },
})
