import { type KeyObject, sign, verify } from 'node:crypto'
import { type Algorithm, encodeAlgorithm, parseAlgorithm } from './algorithm-identifier.ts'
import { bitString, DerError, type DerNode, fieldsOf, readBitString, sequence } from './der.ts'
import { OID } from './oids.ts'

/**
 * Signed structures of X.509: content, algorithm, signature (RFC 5280 section 4.1.1). Certificates, signing
 * requests, revocation lists and OCSP answers share the form.
 */
export interface SignatureAlgorithm {
  readonly oid: string
  readonly parameters: 'null' | 'absent'
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  readonly keyType: 'rsa' | 'ec' | 'ed25519'
  /** The curve for which we sign with this algorithm; verification takes any. */
  readonly curve?: string
}

const leastRsaBits = 2048

/** All that we sign or verify with. Of the rows that fit a key, the first is the one to sign with. */
export const signatureAlgorithms: readonly SignatureAlgorithm[] = [
  { oid: OID.ecdsaWithSHA256, parameters: 'absent', hash: 'sha256', keyType: 'ec', curve: 'prime256v1' },
  { oid: OID.ecdsaWithSHA384, parameters: 'absent', hash: 'sha384', keyType: 'ec', curve: 'secp384r1' },
  { oid: OID.ecdsaWithSHA512, parameters: 'absent', hash: 'sha512', keyType: 'ec', curve: 'secp521r1' },
  { oid: OID.sha256WithRSAEncryption, parameters: 'null', hash: 'sha256', keyType: 'rsa' },
  { oid: OID.sha384WithRSAEncryption, parameters: 'null', hash: 'sha384', keyType: 'rsa' },
  { oid: OID.sha512WithRSAEncryption, parameters: 'null', hash: 'sha512', keyType: 'rsa' },
  { oid: OID.ed25519, parameters: 'absent', hash: null, keyType: 'ed25519' },
]

/** What to sign with this key; throws a DerError for a key that we do not sign with. */
export function signatureAlgorithmFor(key: KeyObject): SignatureAlgorithm {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa' && modulusLength < leastRsaBits)
    throw new DerError(`RSA key of ${modulusLength} bits: at least ${leastRsaBits} are needed to sign`)
  const found = signatureAlgorithms.find(
    row => row.keyType === key.asymmetricKeyType && (row.curve === undefined || row.curve === namedCurve),
  )
  if (!found)
    throw new DerError(`no signature algorithm for a key of type ${namedCurve ?? key.asymmetricKeyType}`)
  return found
}

export const encodeSignatureAlgorithm = ({ oid, parameters }: SignatureAlgorithm): Buffer =>
  encodeAlgorithm(oid, parameters)

/** Puts the three parts together: for a signature made elsewhere, too. */
export const assembleSigned = (
  tbs: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Buffer => sequence([tbs, encodeSignatureAlgorithm(algorithm), bitString(signature)])

/** Signs the content with the algorithm that fits the private key; throws a DerError when none does. */
export function signDer(tbs: Buffer, privateKey: KeyObject): Buffer {
  if (privateKey.type !== 'private') throw new DerError(`a ${privateKey.type} key cannot sign`)
  const algorithm = signatureAlgorithmFor(privateKey)
  return assembleSigned(tbs, algorithm, sign(algorithm.hash, tbs, privateKey))
}

/** A signed structure, opened: nothing is verified yet. */
export interface Signed {
  readonly tbs: DerNode
  readonly signatureAlgorithm: Algorithm
  readonly signature: Buffer
}

/** Opens a signed structure; `name` is for error messages. Throws a DerError. */
export function parseSigned(node: DerNode, name: string): Signed {
  const fields = fieldsOf(node, name)
  const tbs = fields.required('content')
  const signatureAlgorithm = parseAlgorithm(fields.required('signatureAlgorithm'))
  const signature = fields.required('signature')
  fields.end()
  const { bytes, unusedBits } = readBitString(signature)
  if (unusedBits !== 0) throw new DerError(`${name}: signature that is not whole octets`, signature.offset)
  return { tbs, signatureAlgorithm, signature: bytes }
}

/** The bytes that were signed, by what, and the signature. */
export interface SignedBytes {
  readonly tbs: Buffer
  readonly signatureAlgorithm: Algorithm
  readonly signature: Buffer
}

/**
 * Did this key sign this? False also for an algorithm that is not in the table (SHA-1 and MD5 among them),
 * for parameters it does not have, and for a key of another type. Never throws.
 */
export function verifySigned(
  { tbs, signatureAlgorithm, signature }: SignedBytes,
  publicKey: KeyObject,
): boolean {
  const row = signatureAlgorithms.find(({ oid }) => oid === signatureAlgorithm.oid)
  if (!row || row.keyType !== publicKey.asymmetricKeyType || !parametersFit(row, signatureAlgorithm))
    return false
  try {
    return verify(row.hash, tbs, publicKey, signature)
  } catch {
    return false
  }
}

/** RFC 4055 section 5: RSA writes NULL, and readers take its absence too; the others have no parameters. */
const parametersFit = (row: SignatureAlgorithm, { parameters }: Algorithm): boolean =>
  parameters === undefined || (row.parameters === 'null' && parameters.equals(Buffer.from([0x05, 0x00])))
