import { createPublicKey } from 'node:crypto'
import { DerError } from '../../crypto/der.ts'
import { type KeyLength, newPrivateKey } from '../../crypto/key-pair.ts'
import { readDn } from '../../crypto/names.ts'
import { issueFrom } from '../authority/index.ts'
import type { Context } from '../context.ts'
import type { Problem } from '../problem.ts'
import type { KeyPair } from './read.ts'
import { refuse } from './rules.ts'

/** What a new key pair is to be. */
export interface NewKeyPair {
  /** As in RFC 4514; undefined: the alias as common name. */
  readonly subject?: string | undefined
  /** In bits: RSA, P-256 or P-384. */
  readonly keyLength?: KeyLength | undefined
  /** Of its certificate. */
  readonly validityDays?: number | undefined
}

/** The described keystore's, but for the leap day. */
const defaultDays = 3 * 365
/** RFC 5280, appendix A.1. */
const longestCommonName = 64

/** A new key with a certificate that it signs itself. */
export async function generateKeyPair(
  alias: string,
  { subject, keyLength = 2048, validityDays = defaultDays }: NewKeyPair,
  context: Pick<Context, 'now' | 'random'>,
): Promise<KeyPair | Problem> {
  try {
    const names =
      subject === undefined
        ? [{ type: 'CN', value: [...alias].slice(0, longestCommonName).join('') }]
        : readDn(subject)
    const privateKey = await newPrivateKey(keyLength)
    const certificate = issueFrom(
      'own',
      { subject: names, publicKey: createPublicKey(privateKey), days: validityDays },
      { selfKey: privateKey },
      context,
    )
    return { privateKey, chain: [certificate], note: undefined }
  } catch (error) {
    if (error instanceof DerError) return refuse(`subject: ${error.message}`)
    throw error
  }
}
