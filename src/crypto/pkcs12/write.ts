import { createHash, type KeyObject } from 'node:crypto'
import { encodeAlgorithm } from '../algorithm-identifier.ts'
import { parseCertificate } from '../certificate.ts'
import { DerError, explicit, implicit, integer, octetString, oid, sequence, setOf } from '../der.ts'
import { spkiOf } from '../spki.ts'
import { bmpString } from './bmp-string.ts'
import { macOf } from './kdf.ts'
import { OID } from './oids.ts'
import { type Encrypted, encryptPbes2 } from './pbes2.ts'

/** What goes into a PKCS#12 file: one private key with its certificate and those above it. */
export interface Pkcs12Input {
  readonly key: KeyObject
  /** DER of the certificate of the key. */
  readonly certificate: Buffer
  /** DER of the certificates above it, in any order; may be empty. */
  readonly chain: readonly Buffer[]
  /** The alias; Java turns it into small letters. */
  readonly friendlyName: string
  /** Not empty. Programs in Java (17 was tried) read the file only when it is ASCII. */
  readonly passphrase: string
  /**
   * Of each of the three key derivations: 1000 to 1 000 000. The default of 10 000, as keytool has it, suits a random
   * passphrase; one that a person thought of deserves 100 000, which take some tenths of a second.
   */
  readonly iterations?: number
  /** Bytes from a cryptographic random generator. */
  readonly random: (bytes: number) => Uint8Array
}

const usualIterations = 10_000
const longestName = 256

/**
 * A PKCS#12 file (RFC 7292) as programs of today read it: key and certificates encrypted with PBES2 (PBKDF2 with
 * HMAC-SHA-256, AES-256-CBC), the whole under an HMAC-SHA-256. Synchronous. Throws a DerError for a certificate that
 * is not the key's, and for what no program would read.
 */
export function writePkcs12(input: Pkcs12Input): Buffer {
  const iterations = input.iterations ?? usualIterations
  checkInput(input, iterations)
  const { passphrase, random } = input
  const encrypt = (plain: Buffer) => encryptPbes2(plain, { passphrase, iterations, random })
  const attributes = [
    attribute(OID.friendlyName, bmpString(input.friendlyName)),
    attribute(OID.localKeyId, octetString(createHash('sha1').update(input.certificate).digest())),
  ]
  const { algorithm, content } = encrypt(input.key.export({ type: 'pkcs8', format: 'der' }))
  const keys = sequence([
    bag(OID.pkcs8ShroudedKeyBag, sequence([algorithm, octetString(content)]), attributes),
  ])
  const certificates = sequence([
    bag(OID.certBag, certBag(input.certificate), attributes),
    ...input.chain.map(der => bag(OID.certBag, certBag(der), [])),
  ])
  const authenticatedSafe = sequence([
    encryptedContent(encrypt(certificates)),
    contentInfo(OID.data, octetString(keys)),
  ])
  return sequence([
    integer(3),
    contentInfo(OID.data, octetString(authenticatedSafe)),
    macData(authenticatedSafe, { passphrase, iterations, salt: Buffer.from(random(16)) }),
  ])
}

function checkInput({ key, certificate, chain, friendlyName, passphrase }: Pkcs12Input, iterations: number) {
  if (key.type !== 'private') throw new DerError(`a ${key.type} key does not go into a PKCS#12 file`)
  if (!parseCertificate(certificate).spki.raw.equals(spkiOf(key)))
    throw new DerError('the certificate is not that of the key')
  for (const der of chain) parseCertificate(der)
  if (passphrase === '' || passphrase.includes('\0') || !passphrase.isWellFormed())
    throw new DerError('a passphrase is needed, of characters other than zero')
  if (friendlyName === '' || friendlyName.length > longestName)
    throw new DerError(`a friendly name has 1 to ${longestName} characters`)
  if (!(Number.isInteger(iterations) && iterations >= 1000 && iterations <= 1_000_000))
    throw new DerError(`${iterations} iterations: 1000 to 1 000 000 are possible`)
}

const contentInfo = (type: string, content: Buffer): Buffer => sequence([oid(type), explicit(0, content)])

/** EncryptedData of RFC 5652 section 8. */
const encryptedContent = ({ algorithm, content }: Encrypted): Buffer =>
  contentInfo(
    OID.encryptedData,
    sequence([integer(0), sequence([oid(OID.data), algorithm, implicit(0, octetString(content))])]),
  )

const attribute = (type: string, value: Buffer): Buffer => sequence([oid(type), setOf([value])])

/** A SafeBag (RFC 7292 section 4.2). */
const bag = (type: string, value: Buffer, attributes: readonly Buffer[]): Buffer =>
  sequence([oid(type), explicit(0, value), ...(attributes.length > 0 ? [setOf(attributes)] : [])])

const certBag = (der: Buffer): Buffer => sequence([oid(OID.x509Certificate), explicit(0, octetString(der))])

/** MacData (RFC 7292 section 4). */
const macData = (
  content: Buffer,
  derivation: { readonly passphrase: string; readonly iterations: number; readonly salt: Buffer },
): Buffer =>
  sequence([
    sequence([
      encodeAlgorithm(OID.sha256, 'null'),
      octetString(macOf(content, { ...derivation, digest: 'sha256' })),
    ]),
    octetString(derivation.salt),
    integer(derivation.iterations),
  ])
