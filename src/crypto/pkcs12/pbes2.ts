import { createCipheriv, pbkdf2Sync } from 'node:crypto'
import { encodeAlgorithm } from '../algorithm-identifier.ts'
import { integer, octetString, oid, sequence } from '../der.ts'
import { OID } from './oids.ts'

export interface Encrypted {
  /** DER of the AlgorithmIdentifier: scheme, salt, iterations and initialization vector. */
  readonly algorithm: Buffer
  readonly content: Buffer
}

/**
 * PBES2 (RFC 8018 section 6.2) with PBKDF2-HMAC-SHA-256 and AES-256-CBC. The passphrase counts as UTF-8, unlike in
 * PKCS#12's own key derivation. `random` is cryptographic.
 */
export function encryptPbes2(
  plain: Uint8Array,
  options: {
    readonly passphrase: string
    readonly iterations: number
    readonly random: (bytes: number) => Uint8Array
  },
): Encrypted {
  const salt = Buffer.from(options.random(16))
  const iv = Buffer.from(options.random(16))
  const key = pbkdf2Sync(Buffer.from(options.passphrase, 'utf8'), salt, options.iterations, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const derivation = sequence([
    octetString(salt),
    integer(options.iterations),
    encodeAlgorithm(OID.hmacWithSHA256, 'null'),
  ])
  return {
    algorithm: sequence([
      oid(OID.pbes2),
      sequence([sequence([oid(OID.pbkdf2), derivation]), sequence([oid(OID.aes256Cbc), octetString(iv)])]),
    ]),
    content: Buffer.concat([cipher.update(plain), cipher.final()]),
  }
}
