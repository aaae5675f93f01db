import { createPrivateKey, type KeyObject } from 'node:crypto'
import { parseAlgorithm } from '../algorithm-identifier.ts'
import { type DerNode, fieldsOf, readDer, TAG } from '../der.ts'
import { OID as KEY } from '../oids.ts'
import type { KeyBag } from './bags.ts'
import { readBer } from './ber.ts'
import { decryptWithOneOf } from './decryption.ts'
import { called, Pkcs12Error } from './error.ts'
import type { Password, Work } from './work.ts'

/** Others cannot be used here, and some take forever to be read when they were made for that. */
const supported: ReadonlySet<string> = new Set([KEY.rsaEncryption, KEY.ecPublicKey, KEY.ed25519])

export interface KeyPasswords {
  /** To be tried in this order. */
  readonly passwords: readonly Password[]
  /** Why none of them opened the key, and what to do. */
  readonly advice: string
}

/** Opens a private key with the first of the passwords that fits. */
export function openPrivateKey(
  { alias, key }: KeyBag,
  { passwords, advice }: KeyPasswords,
  work: Work,
): KeyObject {
  const name = called('private key', alias)
  if (Buffer.isBuffer(key)) return importPrivateKey(readDer(key), name)
  const plain = decryptWithOneOf(passwords, key, work)
  if (plain) return importPrivateKey(readBer(plain), name)
  throw new Pkcs12Error('key-password', `${name} cannot be opened: ${advice}`)
}

/** PrivateKeyInfo (RFC 5208 section 5, RFC 5958 section 2). */
function importPrivateKey(node: DerNode, name: string): KeyObject {
  const fields = fieldsOf(node, 'PrivateKeyInfo')
  fields.required('version', TAG.integer)
  const { oid } = parseAlgorithm(fields.required('privateKeyAlgorithm'))
  if (!supported.has(oid))
    throw new Pkcs12Error('unsupported', `${name} is of the type ${oid}: RSA, EC and Ed25519 are supported`)
  try {
    return createPrivateKey({ key: node.raw, type: 'pkcs8', format: 'der' })
  } catch {
    // What OpenSSL says is left out: it is of no help, and it is about a key.
    throw new Pkcs12Error(
      'damaged',
      `${name} is no valid key of its type, or of a curve that is not supported`,
    )
  }
}
