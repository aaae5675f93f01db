import {
  boolean,
  DerError,
  type DerNode,
  fieldsOf,
  membersOf,
  octetString,
  oid,
  readBoolean,
  readDer,
  readOctetString,
  readOid,
  sequence,
  TAG,
} from '../der.ts'

/** One extension as it stands in a certificate, a request or a revocation list (RFC 5280 section 4.2). */
export interface Extension {
  readonly oid: string
  readonly critical: boolean
  /** DER of what the extension says: the content of its OCTET STRING. */
  readonly value: Buffer
}

/** All that is known of one kind of extension: how its value is written and how it is read. */
export interface ExtensionKind<Value> {
  readonly oid: string
  /** The complete extension, to be listed in `buildCertificate`. Critical as RFC 5280 says, unless told otherwise. */
  build(value: Value, options?: { readonly critical?: boolean }): Buffer
  /** Reads `Extension.value`; throws a DerError. */
  parse(value: Uint8Array): Value
}

export function extensionKind<Value>(row: {
  readonly oid: string
  readonly critical: boolean
  readonly encode: (value: Value) => Buffer
  readonly decode: (node: DerNode) => Value
}): ExtensionKind<Value> {
  return {
    oid: row.oid,
    build: (value, { critical = row.critical } = {}) => encodeExtension(row.oid, critical, row.encode(value)),
    parse: value => row.decode(readDer(value)),
  }
}

/** One extension of any kind; `critical` is written only when true, for FALSE is the default. */
export const encodeExtension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence([oid(id), ...(critical ? [boolean(true)] : []), octetString(value)])

/** Reads `Extensions`; throws a DerError when one occurs twice (RFC 5280 section 4.2) or the list is empty. */
export function parseExtensionList(node: DerNode): readonly Extension[] {
  const extensions = membersOf(node, 'extensions').map(parseExtension)
  const seen = new Set<string>()
  for (const { oid: id } of extensions) {
    if (seen.has(id)) throw new DerError(`extension ${id} occurs twice`, node.offset)
    seen.add(id)
  }
  return extensions
}

function parseExtension(node: DerNode): Extension {
  const fields = fieldsOf(node, 'extension')
  const id = readOid(fields.required('extnID'))
  // An explicit FALSE breaks DER, but certificates in use carry it and it means the same.
  const critical = fields.optional(TAG.boolean)
  const value = readOctetString(fields.required('extnValue'))
  fields.end()
  return { oid: id, critical: critical !== undefined && readBoolean(critical), value }
}
