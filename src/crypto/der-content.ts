import { DerError, TAG } from './der-tag.ts'

/**
 * Content octets of the primitive types: one rule of DER each (X.690 sections 8 and 11).
 * `at` is the offset named in errors.
 */

// No registered identifier comes near it, and decoding costs the square of the length.
const longestOid = 128

type ContentRule = (content: Buffer, at: number) => void

/** What the content of each universal primitive type must satisfy before anybody reads it. */
export const contentRules: ReadonlyMap<number, ContentRule> = new Map<number, ContentRule>([
  [TAG.boolean, (content, at) => void decodeBoolean(content, at)],
  [TAG.integer, checkInteger],
  [TAG.enumerated, checkInteger],
  [TAG.bitString, (content, at) => void decodeBitString(content, at)],
  [
    TAG.null,
    (content, at) => {
      if (content.length > 0) throw new DerError('NULL with content', at)
    },
  ],
  [TAG.oid, checkOid],
  [TAG.utcTime, (content, at) => void decodeUtcTime(content, at)],
  [TAG.generalizedTime, (content, at) => void decodeGeneralizedTime(content, at)],
])

export function decodeBoolean(content: Buffer, at: number): boolean {
  if (content.length !== 1) throw new DerError('BOOLEAN that is not one octet', at)
  if (content[0] === 0xff) return true
  if (content[0] === 0x00) return false
  throw new DerError('BOOLEAN that is neither 00 nor ff', at)
}

function checkInteger(content: Buffer, at: number): void {
  if (content.length === 0) throw new DerError('INTEGER without content', at)
  if (content.length === 1) return
  const second = content[1]!
  const redundant = (content[0] === 0x00 && second < 0x80) || (content[0] === 0xff && second >= 0x80)
  if (redundant) throw new DerError('INTEGER with a redundant first octet', at)
}

export function decodeInteger(content: Buffer, at: number): bigint {
  checkInteger(content, at)
  return BigInt.asIntN(8 * content.length, BigInt(`0x${content.toString('hex')}`))
}

export interface Bits {
  readonly bytes: Buffer
  readonly unusedBits: number
}

export function decodeBitString(content: Buffer, at: number): Bits {
  const unusedBits = content[0]
  if (unusedBits === undefined) throw new DerError('BIT STRING without content', at)
  if (unusedBits > 7 || (unusedBits > 0 && content.length === 1))
    throw new DerError(`BIT STRING with ${unusedBits} unused bits`, at)
  const bytes = content.subarray(1)
  if ((bytes.at(-1) ?? 0) & ((1 << unusedBits) - 1))
    throw new DerError('BIT STRING whose unused bits are not zero', at)
  return { bytes, unusedBits }
}

function checkOid(content: Buffer, at: number): void {
  if (content.length === 0) throw new DerError('OBJECT IDENTIFIER without content', at)
  if (content.length > longestOid)
    throw new DerError(`OBJECT IDENTIFIER longer than ${longestOid} octets`, at)
  if (content.at(-1)! >= 0x80) throw new DerError('OBJECT IDENTIFIER that ends inside an arc', at)
  let arcStarts = true
  for (const octet of content) {
    if (arcStarts && octet === 0x80)
      throw new DerError('OBJECT IDENTIFIER with a redundant octet in an arc', at)
    arcStarts = octet < 0x80
  }
}

/** Dotted decimals; arcs of any size. */
export function decodeOid(content: Buffer, at: number): string {
  checkOid(content, at)
  const arcs: bigint[] = []
  let arc = 0n
  for (const octet of content) {
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    if (octet >= 0x80) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first = 0n, ...rest] = arcs
  const root = first < 40n ? 0n : first < 80n ? 1n : 2n
  return [root, first - root * 40n, ...rest].join('.')
}

/** YYMMDDHHMMSSZ, the only form of RFC 5280 section 4.1.2.5.1; 50 to 99 are of the last century. */
export function decodeUtcTime(content: Buffer, at: number): number {
  checkTimeForm(content, 13, 'UTCTime', at)
  const year = twoDigits(content, 0)
  return instant(year + (year >= 50 ? 1900 : 2000), content, 2, 'UTCTime', at)
}

/** YYYYMMDDHHMMSSZ, the only form of RFC 5280 section 4.1.2.5.2. */
export function decodeGeneralizedTime(content: Buffer, at: number): number {
  checkTimeForm(content, 15, 'GeneralizedTime', at)
  return instant(100 * twoDigits(content, 0) + twoDigits(content, 2), content, 4, 'GeneralizedTime', at)
}

// A revocation list has a time in each of its entries: octets instead of text, which takes several times as long.

function checkTimeForm(content: Buffer, length: number, type: string, at: number): void {
  let isTime = content.length === length && content[length - 1] === 0x5a
  for (let i = 0; isTime && i < length - 1; i++) isTime = content[i]! >= 0x30 && content[i]! <= 0x39
  if (!isTime) throw new DerError(`${type} that is not of the form ${'YYYYMMDDHHMMSSZ'.slice(-length)}`, at)
}

const twoDigits = (content: Buffer, i: number): number => 10 * (content[i]! - 0x30) + content[i + 1]! - 0x30

const daysOfMonths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
/** The calendar repeats after 400 years; Date.UTC takes years below 100 for those of the last century. */
const cycleYears = 400
const cycleMs = 146_097 * 86_400_000

/** Milliseconds since 1970; month, day, hour, minute and second begin at `from`. */
function instant(year: number, content: Buffer, from: number, type: string, at: number): number {
  const [month, day] = [twoDigits(content, from), twoDigits(content, from + 2)]
  const [hour, minute] = [twoDigits(content, from + 4), twoDigits(content, from + 6)]
  const second = twoDigits(content, from + 8)
  const days = month === 2 && isLeap(year) ? 29 : (daysOfMonths[month - 1] ?? 0)
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59)
    throw new DerError(`${type} with a date that does not exist`, at)
  return Date.UTC(year + cycleYears, month - 1, day, hour, minute, second) - cycleMs
}

/** Text of the string types found in names and general names, by identifier octet. */
const textDecoders: ReadonlyMap<number, (content: Buffer) => string> = new Map([
  [TAG.utf8String, strictText('utf-8')],
  [TAG.numericString, ascii],
  [TAG.printableString, ascii],
  [TAG.ia5String, ascii],
  [TAG.visibleString, ascii],
  // What issuers of the last century wrote into a TeletexString was Latin-1, and so do all readers take it.
  [TAG.teletexString, content => content.toString('latin1')],
  [TAG.bmpString, content => strictText('utf-16le')(Buffer.from(content).swap16())],
  [TAG.universalString, utf32],
])

export const isTextTag = (identifier: number): boolean => textDecoders.has(identifier)

export function decodeText(identifier: number, content: Buffer, at: number): string {
  const decode = textDecoders.get(identifier)
  if (!decode) throw new DerError('not a string type', at)
  try {
    return decode(content)
  } catch {
    throw new DerError('string with octets that its type does not allow', at)
  }
}

function strictText(encoding: string): (content: Buffer) => string {
  return content => new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content)
}

function ascii(content: Buffer): string {
  if (content.some(octet => octet >= 0x80)) throw new RangeError('not ASCII')
  return content.toString('latin1')
}

function utf32(content: Buffer): string {
  if (content.length % 4) throw new RangeError('not a multiple of four octets')
  let text = ''
  for (let i = 0; i < content.length; i += 4) text += String.fromCodePoint(content.readUInt32BE(i))
  if (!text.isWellFormed()) throw new RangeError('a surrogate')
  return text
}
