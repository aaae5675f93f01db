import {
  contextConstructed,
  DerError,
  type DerFields,
  explicitContent,
  octetString,
  readOctetString,
} from '../der.ts'
import { type Extension, extensionKind, parseExtensionList } from '../extensions/extension.ts'
import { OID } from '../oids.ts'

const longestNonce = 128

/** RFC 9654 section 2.1: 1 to 128 octets; more, or none, is malformed. */
export const nonceExtension = extensionKind<Uint8Array>({
  oid: OID.ocspNonce,
  critical: false,
  encode: nonce => octetString(checkedNonce(nonce)),
  decode: node => checkedNonce(readOctetString(node), node.offset),
})

function checkedNonce<T extends Uint8Array>(nonce: T, offset?: number): T {
  if (nonce.length === 0 || nonce.length > longestNonce)
    throw new DerError(`nonce of ${nonce.length} octets: 1 to ${longestNonce} are possible`, offset)
  return nonce
}

/** What `Extensions` of a request or an answer say. */
export interface OcspExtensions {
  readonly nonce: Buffer | undefined
  /** Identifiers of the critical ones that we do not understand. */
  readonly unknownCritical: readonly string[]
}

/** Reads the next member if it is `[n] Extensions`. */
export function extensionsAt(fields: DerFields, n: number): OcspExtensions {
  const tagged = fields.optional(contextConstructed(n))
  const extensions: readonly Extension[] = tagged
    ? parseExtensionList(explicitContent(tagged, 'extensions'))
    : []
  const nonce = extensions.find(({ oid }) => oid === OID.ocspNonce)
  return {
    nonce: nonce && Buffer.from(nonceExtension.parse(nonce.value)),
    unknownCritical: extensions
      .filter(({ oid, critical }) => critical && oid !== OID.ocspNonce)
      .map(({ oid }) => oid),
  }
}
