import { parseAlgorithm } from '../algorithm-identifier.ts'
import {
  contextConstructed,
  type DerNode,
  explicitContent,
  fieldsOf,
  readOctetString,
  readOid,
  TAG,
} from '../der.ts'
import { type Bag, type Encrypted, listOf, readSafeContents } from './bags.ts'
import { implicitOctets, readBer } from './ber.ts'
import { decryptWithOneOf } from './decryption.ts'
import { Pkcs12Error } from './error.ts'
import { algorithmName, OID } from './oids.ts'
import type { Password, Work } from './work.ts'

/** SafeContents: encrypted with the password, or as they are. */
export type Safe = Encrypted | Buffer

/** The content of a ContentInfo (RFC 5652 section 3) of the type data, which PKCS#12 has within a MAC. */
export function readAuthSafe(node: DerNode): Buffer {
  const { type, content } = readContentInfo(node)
  if (type !== OID.data)
    throw new Pkcs12Error(
      'unsupported',
      `the file is protected by ${algorithmName(type)} in place of a password, which is not supported: write it again with a password`,
    )
  return readOctetString(content)
}

/** AuthenticatedSafe (RFC 7292 section 4.1). */
export const readSafes = (content: Buffer): readonly Safe[] =>
  listOf(readBer(content), 'AuthenticatedSafe').map(readSafe)

function readSafe(node: DerNode): Safe {
  const { type, content } = readContentInfo(node)
  if (type === OID.data) return readOctetString(content)
  if (type === OID.encryptedData) return readEncryptedData(content)
  throw new Pkcs12Error(
    'unsupported',
    `the file is encrypted with ${algorithmName(type)} in place of a password, which is not supported: write it again with a password`,
  )
}

function readContentInfo(node: DerNode): { readonly type: string; readonly content: DerNode } {
  const fields = fieldsOf(node, 'ContentInfo')
  const type = readOid(fields.required('contentType'))
  const content = explicitContent(fields.required('content', contextConstructed(0)), 'content')
  fields.end()
  return { type, content }
}

/** EncryptedData (RFC 5652 section 8). */
function readEncryptedData(node: DerNode): Encrypted {
  const outer = fieldsOf(node, 'EncryptedData')
  outer.required('version', TAG.integer)
  const info = fieldsOf(outer.required('encryptedContentInfo'), 'EncryptedContentInfo')
  outer.optional(contextConstructed(1))
  outer.end()
  info.required('contentType', TAG.oid)
  const algorithm = parseAlgorithm(info.required('contentEncryptionAlgorithm'))
  const content = implicitOctets(info.required('encryptedContent'), 0)
  info.end()
  return { algorithm, content }
}

/** What is in it; undefined when none of the passwords opens it. */
export function openSafe(safe: Safe, passwords: readonly Password[], work: Work): readonly Bag[] | undefined {
  const contents = Buffer.isBuffer(safe) ? safe : decryptWithOneOf(passwords, safe, work)
  return contents && readSafeContents(readBer(contents))
}

/** Does one of the passwords open anything that is encrypted? Then it is right, whatever else is wrong. */
export function opensAny(safes: readonly Safe[], passwords: readonly Password[], work: Work): boolean {
  for (const safe of safes) {
    const encrypted = Buffer.isBuffer(safe)
      ? openSafe(safe, passwords, work)?.flatMap(bag => (bag.kind === 'key' ? bag.key : []))[0]
      : safe
    if (encrypted && !Buffer.isBuffer(encrypted))
      return decryptWithOneOf(passwords, encrypted, work) !== undefined
  }
  return false
}
