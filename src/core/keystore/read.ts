import type { KeyObject } from 'node:crypto'
import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { keyWeakness } from '../../crypto/key-quality.ts'
import { importSpki, spkiOf } from '../../crypto/spki.ts'
import { Problem } from '../problem.ts'
import { leafOf, orderChain } from './chain.ts'
import type { KeyFileReading, Opening } from './readers/reader.ts'
import { keystoreLimits, refuse } from './rules.ts'

/** What an entry is made of. */
export interface KeyPair {
  /** undefined: certificates alone. */
  readonly privateKey: KeyObject | undefined
  /** The leaf first: of the private key, where there is one. */
  readonly chain: readonly Certificate[]
  readonly note: string | undefined
}

/** Reads a key pair, or certificates alone, from a file. */
export async function readKeyPair(
  file: string,
  opening: Opening,
  readKeyFile: KeyFileReading,
): Promise<KeyPair | Problem> {
  const contents = await readKeyFile(file, opening)
  if (contents instanceof Problem) return contents
  const { privateKey, note } = contents
  const certificates = readCertificates(contents.certificates)
  if (certificates instanceof Problem) return certificates
  const weakness = privateKey && keyWeakness(privateKey)
  if (weakness !== undefined) return refuse(`the private key is not accepted: ${weakness}`)
  if (certificates.length === 0) return refuse('the file holds no certificate of that name')
  if (certificates.length > keystoreLimits.chainCertificates)
    return refuse(
      `the file holds ${certificates.length} certificates: an entry has up to ${keystoreLimits.chainCertificates}`,
      'Import those that do not belong together under aliases of their own.',
    )
  const weak = certificates
    .map(({ spki }) => keyWeakness(importSpki(spki.raw)))
    .find(found => found !== undefined)
  if (weak !== undefined) return refuse(`a certificate of the chain is not accepted: ${weak}`)
  const leaf = privateKey ? newestOf(spkiOf(privateKey), certificates) : leafOf(certificates)
  if (!leaf)
    return privateKey
      ? refuse('the file holds no certificate of its private key')
      : refuse(
          'the file holds certificates that do not belong together',
          'Import each under an alias of its own.',
        )
  const chain = orderChain(leaf, certificates)
  if (chain instanceof Problem) return chain
  return checkSize(chain, privateKey) ?? { privateKey, chain, note }
}

/** Those that can be read whole: what follows may rely on it. */
export function readCertificates(ders: readonly Buffer[]): Certificate[] | Problem {
  try {
    return ders.map(der => {
      const certificate = parseCertificate(der)
      parseCertificateExtensions(certificate.extensions)
      importSpki(certificate.spki.raw)
      return certificate
    })
  } catch (error) {
    if (error instanceof DerError) return refuse(`a certificate cannot be read: ${error.message}`)
    throw error
  }
}

/** Of the certificates of one public key, the one that begins last. */
export const newestOf = (spki: Buffer, certificates: readonly Certificate[]): Certificate | undefined =>
  certificates.filter(one => one.spki.raw.equals(spki)).toSorted((a, b) => b.notBefore - a.notBefore)[0]

/** What would not fit the described keystore. */
export function checkSize(chain: readonly Certificate[], privateKey?: KeyObject): Problem | undefined {
  const { keyPairBytes, certificateBytes } = keystoreLimits
  const large = chain.find(({ raw }) => raw.length > certificateBytes)
  if (large) return refuse(`a certificate has ${large.raw.length} bytes: the limit is ${certificateBytes}`)
  const key = privateKey?.export({ format: 'der', type: 'pkcs8' }).length ?? 0
  const bytes = chain.reduce((sum, { raw }) => sum + raw.length, key)
  return bytes > keyPairBytes
    ? refuse(`the certificates have ${bytes} bytes with the key: the limit is ${keyPairBytes}`)
    : undefined
}
