import type { KeyObject } from 'node:crypto'
import type { Problem } from '../../problem.ts'

/** What opens a file, and which of its entries is meant. */
export interface Opening {
  readonly passphrase: string | undefined
  /** Its name in the file; undefined: the only one. */
  readonly entry: string | undefined
  /** Read a PKCS#12 file without a MAC, which anybody could have changed. */
  readonly allowNoMac?: boolean | undefined
}

/** What is taken from a file: a private key with its certificates, or certificates alone. */
export interface KeyFileContents {
  readonly privateKey: KeyObject | undefined
  /** DER, in any order. */
  readonly certificates: readonly Buffer[]
  /** For the operator, where the choice was not the obvious one. */
  readonly note?: string | undefined
}

/** Reads a file that somebody gave, without holding up others: passphrases take their time. */
export type KeyFileReading = (given: string, opening: Opening) => Promise<KeyFileContents | Problem>

/** A form of file that keys are imported from. To add one: a file here, and a line in the list of `index.ts`. */
export interface KeyFileReader {
  /** Is it of this form? The first that says so reads it. */
  claims(file: Buffer): boolean
  /** Throws a PemError, a DerError or a Pkcs12Error in words for a person, which repeat no key and no passphrase. */
  read(file: Buffer, opening: Opening): KeyFileContents
}
