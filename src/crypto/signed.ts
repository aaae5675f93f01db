import { type KeyObject, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { type Algorithm, encodeAlgorithm, parseAlgorithm } from './algorithm-identifier.ts'
import {
  bitString,
  contextConstructed,
  DerError,
  type DerNode,
  explicitContent,
  fieldsOf,
  readBitString,
  readDer,
  readSmallInteger,
  sequence,
} from './der.ts'
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

/** All that we sign with. Of the rows that fit a key, the first is the one to sign with. */
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

const signElsewhere = promisify(sign)

/** The same on another thread: the digest of megabytes takes its time. Rejects where `signDer` throws. */
export async function signDerElsewhere(tbs: Buffer, privateKey: KeyObject): Promise<Buffer> {
  if (privateKey.type !== 'private') throw new DerError(`a ${privateKey.type} key cannot sign`)
  const algorithm = signatureAlgorithmFor(privateKey)
  return assembleSigned(tbs, algorithm, await signElsewhere(algorithm.hash, tbs, privateKey))
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

/** How to verify: the digest, the types of key that may have signed, and what else node:crypto wants to know. */
export interface Verification {
  readonly hash: SignatureAlgorithm['hash']
  readonly keyTypes: readonly string[]
  readonly padding?: { readonly padding: number; readonly saltLength: number }
}

const ed448: Verification = { hash: null, keyTypes: ['ed448'] }
const verifyOnly: ReadonlyMap<string, (algorithm: Algorithm) => Verification | undefined> = new Map([
  ['1.2.840.113549.1.1.10', readPss],
  ['1.3.101.113', ({ parameters }: Algorithm) => (parameters ? undefined : ed448)],
])

/**
 * How to verify a signature of this algorithm: those that we sign with, RSASSA-PSS (RFC 4055 section 3) and Ed448
 * (RFC 8410). Undefined for any other (MD5 and SHA-1 among them) and for parameters that an algorithm does not have.
 */
export function verificationOf(algorithm: Algorithm): Verification | undefined {
  const read = verifyOnly.get(algorithm.oid)
  if (read) return read(algorithm)
  const row = signatureAlgorithms.find(({ oid }) => oid === algorithm.oid)
  return row && parametersFit(row, algorithm) ? { hash: row.hash, keyTypes: [row.keyType] } : undefined
}

/** Did this key sign this? False also where `verificationOf` is undefined, and for a key of another type. Never throws. */
export function verifySigned(
  { tbs, signatureAlgorithm, signature }: SignedBytes,
  publicKey: KeyObject,
): boolean {
  const how = verificationOf(signatureAlgorithm)
  if (!how?.keyTypes.includes(publicKey.asymmetricKeyType ?? '')) return false
  try {
    return verify(how.hash, tbs, { key: publicKey, ...how.padding }, signature)
  } catch {
    return false
  }
}

/** RFC 4055 section 5: RSA writes NULL, and readers take its absence too; the others have no parameters. */
const parametersFit = (row: SignatureAlgorithm, { parameters }: Algorithm): boolean =>
  parameters === undefined || (row.parameters === 'null' && parameters.equals(derNull))

const derNull = Buffer.from([0x05, 0x00])
const mgf1 = '1.2.840.113549.1.1.8'
const pssPadding = 6
const pssHashes: ReadonlyMap<string, Verification['hash']> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

/**
 * RSASSA-PSS-params (RFC 4055 section 3.1). The defaults are SHA-1, so that absent members are refused, as is a mask
 * generation with another digest than the signature's.
 */
function readPss({ parameters }: Algorithm): Verification | undefined {
  try {
    const fields = fieldsOf(readDer(parameters ?? Buffer.alloc(0)), 'RSASSA-PSS-params')
    const member = (n: number) => explicitContent(fields.required('parameter', contextConstructed(n)), 'PSS')
    const hash = pssHash(parseAlgorithm(member(0)))
    const mask = parseAlgorithm(member(1))
    const maskHash = mask.parameters && pssHash(parseAlgorithm(readDer(mask.parameters)))
    const salt = fields.optional(contextConstructed(2))
    const saltLength = salt ? readSmallInteger(explicitContent(salt, 'PSS'), 512) : 20
    const trailer = fields.optional(contextConstructed(3))
    fields.end()
    const fits =
      hash && mask.oid === mgf1 && maskHash === hash && (!trailer || readTrailer(trailer) === trailerBc)
    return fits
      ? { hash, keyTypes: ['rsa', 'rsa-pss'], padding: { padding: pssPadding, saltLength } }
      : undefined
  } catch {
    return undefined
  }
}

const trailerBc = 1
const readTrailer = (node: DerNode): number => readSmallInteger(explicitContent(node, 'PSS'), trailerBc)

const pssHash = ({ oid, parameters }: Algorithm): Verification['hash'] | undefined =>
  parameters && !parameters.equals(derNull) ? undefined : pssHashes.get(oid)
