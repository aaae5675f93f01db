import { CONSTRUCTED, contextConstructed, contextPrimitive, DerError, TAG } from './der-tag.ts'

/**
 * DER writer (ITU-T X.690): each function returns one complete encoding.
 * A value that has no valid encoding throws a DerError.
 */

/** One encoding from its identifier octet and its content octets. */
export function encodeTlv(identifier: number, content: Uint8Array): Buffer {
  const length = content.length
  if (length < 0x80) return Buffer.concat([Buffer.from([identifier, length]), content])
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Buffer.concat([Buffer.from([identifier, 0x80 | octets.length, ...octets]), content])
}

export const sequence = (parts: readonly Uint8Array[]): Buffer =>
  encodeTlv(TAG.sequence, Buffer.concat(parts))

/** SET OF: the encodings are put in ascending order, as X.690 section 11.6 demands. */
export const setOf = (parts: readonly Uint8Array[]): Buffer =>
  encodeTlv(TAG.set, Buffer.concat(parts.toSorted(Buffer.compare)))

/** INTEGER from a number or bigint (any sign), or from bytes taken as an unsigned big-endian magnitude. */
export const integer = (value: number | bigint | Uint8Array): Buffer =>
  encodeTlv(TAG.integer, integerContent(value))

export const enumerated = (value: number): Buffer => encodeTlv(TAG.enumerated, integerContent(value))

function integerContent(value: number | bigint | Uint8Array): Buffer {
  if (typeof value === 'object') return unsignedContent(Buffer.from(value))
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new DerError(`${value} is no safe integer`)
  const number = BigInt(value)
  if (number >= 0n) return unsignedContent(magnitude(number))
  let bytes = 1
  while (number < -(1n << BigInt(8 * bytes - 1))) bytes++
  return magnitude((1n << BigInt(8 * bytes)) + number)
}

function magnitude(number: bigint): Buffer {
  const hex = number.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function unsignedContent(bytes: Buffer): Buffer {
  const first = bytes.findIndex(byte => byte !== 0)
  if (first === -1) return Buffer.from([0])
  const trimmed = bytes.subarray(first)
  return trimmed[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed
}

/** BIT STRING of whole octets, or with 1 to 7 unused bits (zero in DER) at the end. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  const last = bytes.at(-1) ?? 0
  const fits = unusedBits >= 0 && unusedBits <= 7 && (unusedBits === 0 || bytes.length > 0)
  if (!fits || last & ((1 << unusedBits) - 1))
    throw new DerError(`a bit string cannot have ${unusedBits} unused bits here`)
  return encodeTlv(TAG.bitString, Buffer.concat([Buffer.from([unusedBits]), bytes]))
}

/** BIT STRING with named bits, such as KeyUsage: trailing zero bits are dropped (X.690 section 11.2.2). */
export function namedBitString(positions: readonly number[]): Buffer {
  if (positions.length === 0) return bitString(Buffer.alloc(0))
  if (positions.some(position => !Number.isInteger(position) || position < 0))
    throw new DerError('no such named bit')
  const highest = Math.max(...positions)
  const bytes = Buffer.alloc(Math.floor(highest / 8) + 1)
  for (const position of positions) bytes[position >> 3]! |= 0x80 >> (position & 7)
  return bitString(bytes, 7 - (highest & 7))
}

export const octetString = (bytes: Uint8Array): Buffer => encodeTlv(TAG.octetString, bytes)

export const boolean = (value: boolean): Buffer => encodeTlv(TAG.boolean, Buffer.from([value ? 0xff : 0]))

export const nullValue = (): Buffer => encodeTlv(TAG.null, Buffer.alloc(0))

/** OBJECT IDENTIFIER from dotted decimals, for example `2.5.29.15`. */
export function oid(dotted: string): Buffer {
  if (!/^[012](\.(0|[1-9]\d*))+$/.test(dotted)) throw new DerError(`"${dotted}" is no object identifier`)
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  if (root < 2n && second > 39n)
    throw new DerError(`"${dotted}" is no object identifier: second arc above 39`)
  return encodeTlv(TAG.oid, Buffer.concat([root * 40n + second, ...rest].map(base128)))
}

function base128(arc: bigint): Buffer {
  const octets = [Number(arc & 0x7fn)]
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80)
  return Buffer.from(octets)
}

export function utf8String(text: string): Buffer {
  if (!text.isWellFormed()) throw new DerError('the text holds half of a surrogate pair')
  return encodeTlv(TAG.utf8String, Buffer.from(text, 'utf8'))
}

export const isPrintable = (text: string): boolean => /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)

export function printableString(text: string): Buffer {
  if (!isPrintable(text)) throw new DerError(`"${text}" holds characters that a PrintableString cannot`)
  return encodeTlv(TAG.printableString, Buffer.from(text, 'latin1'))
}

export function ia5String(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.some(byte => byte >= 0x80)) throw new DerError(`"${text}" is not ASCII`)
  return encodeTlv(TAG.ia5String, bytes)
}

/** UTCTime from milliseconds since 1970; years 1950 to 2049; the part below a second is dropped. */
export const utcTime = (ms: number): Buffer =>
  encodeTlv(TAG.utcTime, Buffer.from(timeDigits(ms, 1950, 2049).slice(2), 'latin1'))

/** GeneralizedTime from milliseconds since 1970; years 0000 to 9999; the part below a second is dropped. */
export const generalizedTime = (ms: number): Buffer =>
  encodeTlv(TAG.generalizedTime, Buffer.from(timeDigits(ms, 0, 9999), 'latin1'))

/** Time as certificates want it: UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
export function time(ms: number): Buffer {
  const year = new Date(ms).getUTCFullYear()
  return year >= 1950 && year <= 2049 ? utcTime(ms) : generalizedTime(ms)
}

function timeDigits(ms: number, firstYear: number, lastYear: number): string {
  const date = new Date(ms)
  const year = date.getUTCFullYear()
  if (!(year >= firstYear && year <= lastYear))
    throw new DerError(`the time ${ms} is outside the years ${firstYear} to ${lastYear}`)
  const parts = [
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
  return `${String(year).padStart(4, '0')}${parts.map(part => String(part).padStart(2, '0')).join('')}Z`
}

/** EXPLICIT context tag [n]: the encoding inside another one. */
export const explicit = (n: number, encoding: Uint8Array): Buffer =>
  encodeTlv(contextConstructed(n), encoding)

/** IMPLICIT context tag [n]: the encoding with its own tag replaced (never for a CHOICE: X.680 section 31.2.7). */
export function implicit(n: number, encoding: Uint8Array): Buffer {
  const copy = Buffer.from(encoding)
  if (copy.length < 2) throw new DerError('nothing to tag')
  copy[0] = copy[0]! & CONSTRUCTED ? contextConstructed(n) : contextPrimitive(n)
  return copy
}
