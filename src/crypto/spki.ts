import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { type Algorithm, parseAlgorithm } from './algorithm-identifier.ts'
import { DerError, type DerNode, fieldsOf, readBitString, readDer } from './der.ts'
import { OID } from './oids.ts'

/** A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
export interface Spki {
  readonly raw: Buffer
  readonly algorithm: Algorithm
  /** The key itself, without its algorithm: what key identifiers and OCSP hash. */
  readonly keyBits: Buffer
}

/** Reads a SubjectPublicKeyInfo, from DER or from inside a larger structure; throws a DerError. */
export function parseSpki(input: Uint8Array | DerNode): Spki {
  const node = input instanceof Uint8Array ? readDer(input) : input
  const fields = fieldsOf(node, 'SubjectPublicKeyInfo')
  const algorithm = parseAlgorithm(fields.required('algorithm'))
  const key = fields.required('subjectPublicKey')
  fields.end()
  const { bytes, unusedBits } = readBitString(key)
  if (unusedBits !== 0) throw new DerError('SubjectPublicKeyInfo: key that is not whole octets', key.offset)
  return { raw: node.raw, algorithm, keyBits: bytes }
}

/** DER of a public key, or of the public half of a private one; throws a DerError for a secret key. */
export function spkiOf(key: KeyObject): Buffer {
  if (key.type === 'secret') throw new DerError('a secret key has no public half')
  return (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' })
}

/** Key identifier: SHA-1 of the key bits (RFC 5280 section 4.2.1.2, method 1), a name and no protection. */
export const keyIdentifier = (spki: Uint8Array): Buffer =>
  createHash('sha1').update(parseSpki(spki).keyBits).digest()

/** The key for node:crypto; throws a DerError when it is of no known type or not a valid key of its type. */
export function importSpki(spki: Uint8Array): KeyObject {
  // The point at infinity is a point of every curve, and verifies signatures that anybody can make.
  const { algorithm, keyBits } = parseSpki(spki)
  if (algorithm.oid === OID.ecPublicKey && keyBits.length === 1)
    throw new DerError('unusable public key: the point at infinity')
  try {
    return createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' })
  } catch (cause) {
    throw new DerError(`unusable public key: ${cause instanceof Error ? cause.message : 'unknown reason'}`)
  }
}
