/** The substitution table of RFC 2268 section 2, made of the digits of pi. */
const pitable = Buffer.from(
  [
    'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2',
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82',
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626',
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7',
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec',
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731',
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9',
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  ].join(''),
  'hex',
)

/** Key expansion (RFC 2268 section 2): 64 words of 16 bits from 1 to 128 octets, of which so many bits count. */
function expandKey(key: Buffer, effectiveBits: number): Uint16Array {
  const octets = Buffer.alloc(128)
  key.copy(octets)
  for (let i = key.length; i < 128; i++)
    octets[i] = pitable[(octets[i - 1]! + octets[i - key.length]!) & 0xff]!
  const effectiveOctets = Math.ceil(effectiveBits / 8)
  const mask = 0xff >> (8 * effectiveOctets - effectiveBits)
  octets[128 - effectiveOctets] = pitable[octets[128 - effectiveOctets]! & mask]!
  for (let i = 127 - effectiveOctets; i >= 0; i--)
    octets[i] = pitable[octets[i + 1]! ^ octets[i + effectiveOctets]!]!
  return Uint16Array.from({ length: 64 }, (_, i) => octets.readUInt16LE(2 * i))
}

const rotations = [1, 2, 3, 5] as const
/** The rounds of mixing before which, from the last on, the words are mashed (RFC 2268 section 4.2). */
const mashedAfter: ReadonlySet<number> = new Set([11, 5])

/** Decrypts one block (RFC 2268 section 4) in place: four words of 16 bits. */
function decryptWords(r: Uint16Array, k: Uint16Array): void {
  for (let round = 15; round >= 0; round--) {
    for (let i = 3; i >= 0; i--) {
      const [a, b, c] = [r[(i + 3) & 3]!, r[(i + 2) & 3]!, r[(i + 1) & 3]!]
      const rotated = (r[i]! >> rotations[i]!) | (r[i]! << (16 - rotations[i]!))
      r[i] = rotated - k[4 * round + i]! - (a & b) - (~a & c)
    }
    if (mashedAfter.has(round)) for (let i = 3; i >= 0; i--) r[i]! -= k[r[(i + 3) & 3]! & 63]!
  }
}

/**
 * RC2 in CBC mode, decryption alone and without removing the padding: what `openssl pkcs12 -legacy` and Java before
 * 16 encrypt certificates with, and OpenSSL inside Node no longer has. Protects nothing today. Whole blocks only.
 */
export function decryptRc2Cbc(
  content: Uint8Array,
  { key, iv, effectiveBits }: { readonly key: Buffer; readonly iv: Buffer; readonly effectiveBits: number },
): Buffer {
  const words = expandKey(key, effectiveBits)
  const plain = Buffer.from(content)
  const block = new Uint16Array(4)
  for (let at = 0; at < plain.length; at += 8) {
    for (let i = 0; i < 4; i++) block[i] = plain.readUInt16LE(at + 2 * i)
    decryptWords(block, words)
    for (let i = 0; i < 4; i++) plain.writeUInt16LE(block[i]!, at + 2 * i)
    for (let i = 0; i < 8; i++) plain[at + i]! ^= at === 0 ? iv[i]! : content[at - 8 + i]!
  }
  return plain
}
