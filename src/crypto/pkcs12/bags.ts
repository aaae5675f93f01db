import { type Algorithm, parseAlgorithm } from '../algorithm-identifier.ts'
import {
  contextConstructed,
  DerError,
  type DerNode,
  explicitContent,
  fieldsOf,
  readOctetString,
  readOid,
  readText,
  TAG,
} from '../der.ts'
import { Pkcs12Error } from './error.ts'
import { OID } from './oids.ts'

interface Named {
  /** The friendlyName; absent also when it is empty. */
  readonly alias: string | undefined
  readonly localKeyId: Buffer | undefined
}

export interface Encrypted {
  readonly algorithm: Algorithm
  readonly content: Buffer
}

export interface KeyBag extends Named {
  readonly kind: 'key'
  /** PrivateKeyInfo (RFC 5208 section 5), encrypted or as it is. */
  readonly key: Encrypted | Buffer
}

export interface CertificateBag extends Named {
  readonly kind: 'certificate'
  readonly der: Buffer
  readonly trusted: boolean
}

export type Bag = KeyBag | CertificateBag

/** The members of a SEQUENCE OF, which may be none. */
export function listOf(node: DerNode, name: string): readonly DerNode[] {
  if (node.identifier !== TAG.sequence) throw new DerError(`${name}: sequence expected`, node.offset)
  return node.children()
}

/** Reads SafeContents (RFC 7292 section 4.2) with those inside them; lists and secrets, of no use here, are left out. */
export const readSafeContents = (node: DerNode): readonly Bag[] =>
  listOf(node, 'SafeContents').flatMap(readSafeBag)

function readSafeBag(node: DerNode): readonly Bag[] {
  const fields = fieldsOf(node, 'SafeBag')
  const type = readOid(fields.required('bagId'))
  const value = explicitContent(fields.required('bagValue', contextConstructed(0)), 'bagValue')
  const attributes = readAttributes(fields.optional(TAG.set))
  fields.end()
  const name = attributes.get(OID.friendlyName)
  const id = attributes.get(OID.localKeyId)
  const named = { alias: (name && readText(name)) || undefined, localKeyId: id && readOctetString(id) }
  switch (type) {
    case OID.keyBag:
      return [{ kind: 'key', ...named, key: value.raw }]
    case OID.pkcs8ShroudedKeyBag:
      return [{ kind: 'key', ...named, key: readEncryptedKey(value) }]
    case OID.certBag:
      return [
        {
          kind: 'certificate',
          ...named,
          der: readCertBag(value),
          trusted: attributes.has(OID.trustedKeyUsage),
        },
      ]
    case OID.safeContentsBag:
      return readSafeContents(value)
    case OID.crlBag:
    case OID.secretBag:
      return []
    default:
      throw new Pkcs12Error('unsupported', `the file holds something of the unknown type ${type}`)
  }
}

/** The first value of each attribute; those that count here have one (RFC 2985 section 5.5). */
function readAttributes(node: DerNode | undefined): ReadonlyMap<string, DerNode | undefined> {
  const pairs = (node?.children() ?? []).map(attribute => {
    const fields = fieldsOf(attribute, 'PKCS12Attribute')
    const type = readOid(fields.required('attrId'))
    const values = fields.required('attrValues', TAG.set)
    fields.end()
    return [type, values.children()[0]] as const
  })
  return new Map(pairs)
}

/** EncryptedPrivateKeyInfo (RFC 5208 section 6). */
function readEncryptedKey(node: DerNode): Encrypted {
  const fields = fieldsOf(node, 'EncryptedPrivateKeyInfo')
  const algorithm = parseAlgorithm(fields.required('encryptionAlgorithm'))
  const content = readOctetString(fields.required('encryptedData'))
  fields.end()
  return { algorithm, content }
}

function readCertBag(node: DerNode): Buffer {
  const fields = fieldsOf(node, 'CertBag')
  const type = readOid(fields.required('certId'))
  const value = explicitContent(fields.required('certValue', contextConstructed(0)), 'certValue')
  fields.end()
  if (type !== OID.x509Certificate)
    throw new Pkcs12Error(
      'unsupported',
      `the file holds a certificate of the type ${type}, which is not X.509`,
    )
  return readOctetString(value)
}
