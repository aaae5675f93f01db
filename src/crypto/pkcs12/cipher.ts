import { createDecipheriv } from 'node:crypto'
import { decryptRc2Cbc } from './rc2.ts'

/** A block cipher in CBC mode, with the padding of PKCS#7. */
export interface Cipher {
  readonly keyLength: number
  readonly blockLength: number
  /** Throws when the padding is not as it should be: mostly, when the key is another one. */
  decrypt(content: Buffer, key: Buffer, iv: Buffer): Buffer
}

const ofNode = (name: string, keyLength: number, blockLength: number): Cipher => ({
  keyLength,
  blockLength,
  decrypt(content, key, iv) {
    const decipher = createDecipheriv(name, key, iv)
    return Buffer.concat([decipher.update(content), decipher.final()])
  },
})

const rc2 = (bits: number): Cipher => ({
  keyLength: bits / 8,
  blockLength: 8,
  decrypt: (content, key, iv) => unpadded(decryptRc2Cbc(content, { key, iv, effectiveBits: bits }), 8),
})

function unpadded(plain: Buffer, blockLength: number): Buffer {
  const length = plain.at(-1) ?? 0
  const fits =
    length >= 1 && length <= blockLength && plain.subarray(-length).every(octet => octet === length)
  if (!fits) throw new RangeError('no padding')
  return plain.subarray(0, -length)
}

export const ciphers = {
  aes128: ofNode('aes-128-cbc', 16, 16),
  aes192: ofNode('aes-192-cbc', 24, 16),
  aes256: ofNode('aes-256-cbc', 32, 16),
  tripleDes: ofNode('des-ede3-cbc', 24, 8),
  tripleDesOf2Keys: ofNode('des-ede-cbc', 16, 8),
  rc2Of128Bits: rc2(128),
  rc2Of40Bits: rc2(40),
} as const
