import {
  type Bits,
  contentRules,
  decodeBitString,
  decodeBoolean,
  decodeGeneralizedTime,
  decodeInteger,
  decodeOid,
  decodeText,
  decodeUtcTime,
} from './der-content.ts'
import { CONSTRUCTED, DerError, TAG } from './der-tag.ts'

export type TagClass = 'universal' | 'application' | 'context' | 'private'

/** One encoding inside a buffer that `readDer` has found to be valid DER; nothing is copied. */
export interface DerNode {
  /** The identifier octet: class, form and number in one, to compare with `TAG` and the `context…` functions. */
  readonly identifier: number
  readonly tagClass: TagClass
  readonly constructed: boolean
  readonly number: number
  /** Bytes from the start of the buffer given to `readDer`. */
  readonly offset: number
  readonly content: Buffer
  /** Identifier, length and content. */
  readonly raw: Buffer
  /** The encodings inside, made at the first call; none of a primitive. */
  children(): readonly DerNode[]
}

export interface DerLimits {
  /** Longest input accepted, in bytes; default 64 KiB. */
  readonly maxBytes?: number
}

const deepest = 32
const tagClasses = ['universal', 'application', 'context', 'private'] as const
const constructedUniversals: ReadonlySet<number> = new Set([TAG.sequence, TAG.set])

/**
 * Reads exactly one DER encoding (ITU-T X.690). The whole tree is checked before this returns: lengths definite
 * and minimal, nothing left over, at most 32 levels, and the content of every universal type canonical.
 * Two rules of DER are left to people who issue, because certificates in use break them: an explicit DEFAULT
 * value and an unsorted SET OF. Anything else throws a DerError.
 */
export function readDer(input: Uint8Array, { maxBytes = 64 * 1024 }: DerLimits = {}): DerNode {
  if (input.length > maxBytes) throw new DerError(`${input.length} bytes, more than the ${maxBytes} allowed`)
  const buffer = Buffer.from(input.buffer, input.byteOffset, input.length)
  const end = checkEncoding(buffer, 0, buffer.length, 1)
  if (end !== buffer.length) throw new DerError(`${buffer.length - end} bytes after the end`, end)
  return nodeAt(buffer, 0, buffer.length)
}

interface Header {
  readonly identifier: number
  readonly start: number
  readonly end: number
}

/** Identifier and length octets at `offset`; the encoding must end by `limit`. */
function headerAt(buffer: Buffer, offset: number, limit: number): Header {
  if (limit - offset < 2) throw new DerError('cut off', offset)
  const identifier = buffer[offset]!
  if ((identifier & 0x1f) === 0x1f)
    throw new DerError('tag number above 30, which no certificate uses', offset)
  const first = buffer[offset + 1]!
  const extra = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80) throw new DerError('indefinite length', offset)
  if (extra > 4) throw new DerError('length of more than four octets', offset)
  const start = offset + 2 + extra
  if (start > limit) throw new DerError('cut off', offset)
  const length = extra === 0 ? first : buffer.readUIntBE(offset + 2, extra)
  const minimal = extra === 0 || (length >= 0x80 && buffer[offset + 2] !== 0)
  if (!minimal) throw new DerError('length not in its shortest form', offset)
  if (length > limit - start) throw new DerError(`length ${length} reaches beyond the end`, offset)
  return { identifier, start, end: start + length }
}

function checkEncoding(buffer: Buffer, offset: number, limit: number, depth: number): number {
  if (depth > deepest) throw new DerError(`nested more than ${deepest} levels deep`, offset)
  const { identifier, start, end } = headerAt(buffer, offset, limit)
  const constructed = (identifier & CONSTRUCTED) !== 0
  if (identifier < 0x40) {
    checkUniversal(identifier, constructed, offset)
    contentRules.get(identifier)?.(buffer.subarray(start, end), offset)
  }
  if (constructed) for (let next = start; next < end; ) next = checkEncoding(buffer, next, end, depth + 1)
  return end
}

function checkUniversal(identifier: number, constructed: boolean, offset: number): void {
  const mustBeConstructed = constructedUniversals.has(identifier | CONSTRUCTED)
  if (constructed !== mustBeConstructed)
    throw new DerError(
      mustBeConstructed ? 'SEQUENCE or SET in primitive form' : 'primitive type in constructed form',
      offset,
    )
  if (identifier === 0) throw new DerError('end-of-contents octets', offset)
}

function nodeAt(buffer: Buffer, offset: number, limit: number): DerNode {
  const { identifier, start, end } = headerAt(buffer, offset, limit)
  const constructed = (identifier & CONSTRUCTED) !== 0
  let children: readonly DerNode[] | undefined
  return {
    identifier,
    tagClass: tagClasses[identifier >> 6]!,
    constructed,
    number: identifier & 0x1f,
    offset,
    content: buffer.subarray(start, end),
    raw: buffer.subarray(offset, end),
    children: () => {
      children ??= constructed ? nodesBetween(buffer, start, end) : []
      return children
    },
  }
}

function nodesBetween(buffer: Buffer, start: number, end: number): readonly DerNode[] {
  const nodes: DerNode[] = []
  for (let next = start; next < end; ) {
    const node = nodeAt(buffer, next, end)
    nodes.push(node)
    next += node.raw.length
  }
  return nodes
}

function expectTag(node: DerNode, identifier: number, type: string): Buffer {
  if (node.identifier !== identifier)
    throw new DerError(`${type} expected, found ${tagName(node.identifier)}`, node.offset)
  return node.content
}

/** For error messages: `sequence`, or the octet itself. */
export function tagName(identifier: number): string {
  const known = Object.entries(TAG).find(([, octet]) => octet === identifier)
  return known ? known[0] : `tag 0x${identifier.toString(16).padStart(2, '0')}`
}

// Typed reads. Those that take a type allow an IMPLICIT context tag in place of the universal one.

export const readBoolean = (node: DerNode, identifier: number = TAG.boolean): boolean =>
  decodeBoolean(expectTag(node, identifier, 'BOOLEAN'), node.offset)

export const readInteger = (node: DerNode, identifier: number = TAG.integer): bigint =>
  decodeInteger(expectTag(node, identifier, 'INTEGER'), node.offset)

/** An INTEGER or ENUMERATED that must lie within 0 to `max`, such as a version or a path length. */
export function readSmallInteger(node: DerNode, max: number, identifier: number = TAG.integer): number {
  const content = expectTag(node, identifier, 'INTEGER')
  const value = content.length <= 6 ? Number(decodeInteger(content, node.offset)) : Number.NaN
  if (!(value >= 0 && value <= max)) throw new DerError(`integer outside 0 to ${max}`, node.offset)
  return value
}

export const readOid = (node: DerNode): string =>
  decodeOid(expectTag(node, TAG.oid, 'OBJECT IDENTIFIER'), node.offset)

export const readOctetString = (node: DerNode, identifier: number = TAG.octetString): Buffer =>
  expectTag(node, identifier, 'OCTET STRING')

export const readBitString = (node: DerNode, identifier: number = TAG.bitString): Bits =>
  decodeBitString(expectTag(node, identifier, 'BIT STRING'), node.offset)

/** Positions of the bits that are set, lowest first; in DER the last octet of a named bit list is never zero. */
export function readNamedBits(node: DerNode, identifier: number = TAG.bitString): readonly number[] {
  const { bytes, unusedBits } = readBitString(node, identifier)
  const bits = 8 * bytes.length - unusedBits
  const set = (position: number) => ((bytes[position >> 3]! << (position & 7)) & 0x80) !== 0
  if (bits > 32) throw new DerError('more than 32 named bits', node.offset)
  if (bits > 0 && !set(bits - 1)) throw new DerError('named bits with trailing zeros', node.offset)
  return Array.from({ length: bits }, (_, position) => position).filter(set)
}

/** Milliseconds since 1970 from a UTCTime or a GeneralizedTime. */
export function readTime(node: DerNode): number {
  if (node.identifier === TAG.utcTime) return decodeUtcTime(node.content, node.offset)
  return decodeGeneralizedTime(expectTag(node, TAG.generalizedTime, 'time'), node.offset)
}

/** Text of any string type; `as` names the type where a context tag hides it. */
export const readText = (node: DerNode, as: number = node.identifier): string =>
  decodeText(as, node.content, node.offset)
