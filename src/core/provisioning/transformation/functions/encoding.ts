import { Unmappable } from '../work.ts'
import { flag, mappingFunction, oneOf, optional, textFrom, type Value } from './function.ts'

const parameters = {
  algorithm: oneOf(['base32', 'base64']),
  skipPadding: optional(flag, false),
}

/** Bytes, or the UTF-8 of a text, in an alphabet of RFC 4648 (sections 4 and 6). */
export const encode = mappingFunction({
  name: 'encode',
  parameters,
  apply: (value, { algorithm, skipPadding }) => {
    const bytes = bytesOf(value)
    const encoded = algorithm === 'base64' ? Buffer.from(bytes).toString('base64') : base32(bytes)
    return skipPadding ? withoutPadding(encoded) : encoded
  },
})

/** The bytes that a text encodes, with or without padding. */
export const decode = mappingFunction({
  name: 'decode',
  parameters,
  apply: (value, { algorithm }) => {
    const encoded = withoutPadding(textFrom(value))
    const bytes = algorithm === 'base64' ? Buffer.from(encoded, 'base64') : fromBase32(encoded)
    const again = algorithm === 'base64' ? Buffer.from(bytes).toString('base64') : base32(bytes)
    if (withoutPadding(again) !== encoded) throw new Unmappable(`the text is not in ${algorithm}`)
    return bytes
  },
})

function bytesOf(value: Value | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new TextEncoder().encode(textFrom(value))
}

function withoutPadding(encoded: string): string {
  let end = encoded.length
  while (encoded[end - 1] === '=') end--
  return encoded.slice(0, end)
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function base32(bytes: Uint8Array): string {
  let encoded = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) encoded += alphabet[(held >>> (bits - 5)) & 31]
    held &= 0xff
  }
  if (bits > 0) encoded += alphabet[(held << (5 - bits)) & 31]
  return encoded + '='.repeat((8 - (encoded.length % 8)) % 8)
}

function fromBase32(encoded: string): Uint8Array {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of encoded) {
    held = ((held << 5) | Math.max(0, alphabet.indexOf(letter))) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >>> bits) & 0xff)
  }
  return Uint8Array.from(bytes)
}
