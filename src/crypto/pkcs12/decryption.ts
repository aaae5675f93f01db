import { type Algorithm, parseAlgorithm } from '../algorithm-identifier.ts'
import { DerError, fieldsOf, readDer, readOctetString } from '../der.ts'
import { type Cipher, ciphers } from './cipher.ts'
import { Pkcs12Error } from './error.ts'
import { deriveKey, purpose } from './kdf.ts'
import { algorithmName, OID } from './oids.ts'
import { readPbkdf2 } from './pbkdf2.ts'
import { type Password, readIterations, roundCost, type Work } from './work.ts'

/** The keys that a password makes: those of the scheme and its parameters. */
interface Scheme {
  readonly cipher: Cipher
  keys(password: Password): { readonly key: Buffer; readonly iv: Buffer }
}

/** RFC 7292 appendix C; RC4 is left out, with which nothing writes unless told to. */
const pkcs12Ciphers: ReadonlyMap<string, Cipher> = new Map([
  [OID.pbeWithSHAAnd3KeyTripleDesCbc, ciphers.tripleDes],
  [OID.pbeWithSHAAnd2KeyTripleDesCbc, ciphers.tripleDesOf2Keys],
  [OID.pbeWithSHAAnd128BitRC2Cbc, ciphers.rc2Of128Bits],
  [OID.pbeWithSHAAnd40BitRC2Cbc, ciphers.rc2Of40Bits],
])

/** RFC 8018 appendix B.2. */
const pbes2Ciphers: ReadonlyMap<string, Cipher> = new Map([
  [OID.aes128Cbc, ciphers.aes128],
  [OID.aes192Cbc, ciphers.aes192],
  [OID.aes256Cbc, ciphers.aes256],
  [OID.desEde3Cbc, ciphers.tripleDes],
])

/**
 * Decrypts with the first of the passwords that opens the content, which is a SEQUENCE; undefined when none does.
 * Throws a Pkcs12Error for what is not supported and for too much work, a DerError for what is malformed.
 */
export function decryptWithOneOf(
  passwords: readonly Password[],
  { algorithm, content }: { readonly algorithm: Algorithm; readonly content: Buffer },
  work: Work,
): Buffer | undefined {
  const { cipher, keys } = readScheme(algorithm, work)
  if (content.length === 0 || content.length % cipher.blockLength !== 0)
    throw new DerError('encrypted content that is not whole blocks')
  for (const password of passwords) {
    const { key, iv } = keys(password)
    const plain = decrypted(cipher, content, key, iv)
    if (plain && isOneSequence(plain)) return plain
  }
  return undefined
}

function decrypted(cipher: Cipher, content: Buffer, key: Buffer, iv: Buffer): Buffer | undefined {
  try {
    return cipher.decrypt(content, key, iv)
  } catch {
    return undefined
  }
}

/** What another key decrypts to ends in a padding once in 256 times, but has no length that fits. */
function isOneSequence(plain: Buffer): boolean {
  const [identifier, first = 0] = plain
  if (identifier !== 0x30) return false
  if (first === 0x80) return plain.length >= 4 && plain.readUInt16BE(plain.length - 2) === 0
  const extra = first < 0x80 ? 0 : first & 0x7f
  if (extra > 4 || plain.length < 2 + extra) return false
  return 2 + extra + (extra === 0 ? first : plain.readUIntBE(2, extra)) === plain.length
}

function readScheme(algorithm: Algorithm, work: Work): Scheme {
  const parameters = algorithm.parameters ?? Buffer.alloc(0)
  if (algorithm.oid === OID.pbes2) return readPbes2(parameters, work)
  const cipher = pkcs12Ciphers.get(algorithm.oid)
  if (!cipher) throw notSupported(algorithm.oid)
  return readPkcs12Scheme(parameters, cipher, work)
}

const notSupported = (oid: string): Pkcs12Error =>
  new Pkcs12Error(
    'unsupported',
    `the file is encrypted with ${algorithmName(oid)}, which is not supported: write it again with AES, as openssl pkcs12 -export (3.0 and newer) and keytool (Java 16 and newer) do by themselves`,
  )

/** pkcs-12PbeParams (RFC 7292 appendix C): key and initialization vector are both derived. */
function readPkcs12Scheme(parameters: Buffer, cipher: Cipher, work: Work): Scheme {
  const fields = fieldsOf(readDer(parameters), 'pkcs-12PbeParams')
  const salt = readOctetString(fields.required('salt'))
  const iterations = readIterations(fields.required('iterations'))
  fields.end()
  return {
    cipher,
    keys(passphrase) {
      const derivation = { passphrase, salt, iterations, digest: 'sha1' } as const
      const { keyLength, blockLength } = cipher
      work.spend(roundCost * iterations * (Math.ceil(keyLength / 20) + 1))
      return {
        key: deriveKey({ ...derivation, purpose: purpose.encryption, length: keyLength }),
        iv: deriveKey({ ...derivation, purpose: purpose.initializationVector, length: blockLength }),
      }
    },
  }
}

/** PBES2-params (RFC 8018 appendix A.4): the initialization vector is a parameter. */
function readPbes2(parameters: Buffer, work: Work): Scheme {
  const fields = fieldsOf(readDer(parameters), 'PBES2-params')
  const derivation = readPbkdf2(parseAlgorithm(fields.required('keyDerivationFunc')), work)
  const encryption = parseAlgorithm(fields.required('encryptionScheme'))
  fields.end()
  const cipher = pbes2Ciphers.get(encryption.oid)
  if (!cipher) throw notSupported(encryption.oid)
  const { keyLength = cipher.keyLength } = derivation
  if (keyLength !== cipher.keyLength) throw new DerError(`key of ${keyLength} octets for ${encryption.oid}`)
  const iv = readOctetString(readDer(encryption.parameters ?? Buffer.alloc(0)))
  if (iv.length !== cipher.blockLength)
    throw new DerError(`initialization vector of ${iv.length} octets for ${encryption.oid}`)
  return { cipher, keys: password => ({ key: derivation.derive(password, cipher.keyLength), iv }) }
}
