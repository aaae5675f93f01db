import { createHmac, hash } from 'node:crypto'
import { bmpOctets } from './bmp-string.ts'

/** What a key is derived for (RFC 7292 appendix B.3). */
export const purpose = { encryption: 1, initializationVector: 2, mac: 3 } as const

export type Purpose = (typeof purpose)[keyof typeof purpose]

/** Octets of a block of each digest, which appendix B.1 calls v/8. */
const blockLength = {
  sha1: 64,
  sha224: 64,
  sha256: 64,
  sha384: 128,
  sha512: 128,
  'sha512-224': 128,
  'sha512-256': 128,
} as const

export type Digest = keyof typeof blockLength

/** Octets of what each digest computes. */
export const digestLength = (digest: Digest): number => hash(digest, '', 'buffer').length

/**
 * The key derivation of PKCS#12 (RFC 7292 appendix B.2), for `length` octets. The passphrase counts as UTF-16 with a
 * zero at the end (appendix B.1), unlike in PBES2; undefined is none, for which some write not even the zero.
 * Slow on purpose, and synchronous: callers bound the iterations.
 */
export function deriveKey(input: {
  readonly passphrase: string | undefined
  readonly salt: Uint8Array
  readonly iterations: number
  readonly purpose: Purpose
  readonly digest: Digest
  readonly length: number
}): Buffer {
  const v = blockLength[input.digest]
  const diversifier = Buffer.alloc(v, input.purpose)
  const passphrase =
    input.passphrase === undefined
      ? Buffer.alloc(0)
      : Buffer.concat([bmpOctets(input.passphrase), Buffer.alloc(2)])
  const blocks = Buffer.concat([filled(Buffer.from(input.salt), v), filled(passphrase, v)])
  const key: Buffer[] = []
  for (let left = input.length; left > 0; left -= key.at(-1)!.length) {
    let a = hash(input.digest, Buffer.concat([diversifier, blocks]), 'buffer')
    for (let round = 1; round < input.iterations; round++) a = hash(input.digest, a, 'buffer')
    key.push(a)
    addToBlocks(blocks, filled(a, v))
  }
  return Buffer.concat(key).subarray(0, input.length)
}

/** Copies of the octets, the last one cut off, that fill whole blocks; nothing for nothing. */
const filled = (octets: Buffer, v: number): Buffer =>
  octets.length === 0 ? Buffer.alloc(0) : Buffer.alloc(v * Math.ceil(octets.length / v), octets)

/** Each block plus `b` plus one, modulo 2 to the length of a block. */
function addToBlocks(blocks: Buffer, b: Buffer): void {
  for (let block = 0; block < blocks.length; block += b.length) {
    let carry = 1
    for (let i = b.length - 1; i >= 0; i--) {
      carry += blocks[block + i]! + b[i]!
      blocks[block + i] = carry & 0xff
      carry >>= 8
    }
  }
}

/** The MAC of the content (RFC 7292 section 5.1, step 8). */
export function macOf(
  content: Uint8Array,
  derivation: Pick<Parameters<typeof deriveKey>[0], 'passphrase' | 'salt' | 'iterations' | 'digest'>,
): Buffer {
  const key = deriveKey({ ...derivation, purpose: purpose.mac, length: digestLength(derivation.digest) })
  return createHmac(derivation.digest, key).update(content).digest()
}
