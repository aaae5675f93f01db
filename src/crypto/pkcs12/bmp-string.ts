import { DerError, encodeTlv, TAG } from '../der.ts'

/** UTF-16, high octet first: how PKCS#12 writes names and, for its own key derivation, passphrases. */
export function bmpOctets(text: string): Buffer {
  if (!text.isWellFormed()) throw new DerError('the text holds half of a surrogate pair')
  return Buffer.from(text, 'utf16le').swap16()
}

/** A BMPString with characters beyond the first 65536 as pairs, which is no BMP but what everybody reads and writes. */
export const bmpString = (text: string): Buffer => encodeTlv(TAG.bmpString, bmpOctets(text))
