import {
  contextConstructed,
  contextPrimitive,
  DerError,
  type DerNode,
  encodeTlv,
  readDer,
  readOctetString,
  TAG,
} from '../der.ts'

/**
 * PKCS#12 may be BER (RFC 7292 section 4), and NSS, Bouncy Castle and Windows make use of it: indefinite lengths,
 * and octet strings in pieces. Both are turned into DER first, so that all else reads DER only.
 */

const deepest = 32
/** Each costs memory; a file of 256 certificates has some 5000. */
const mostElements = 50_000
const constructed = 0x20
const constructedOctetString = TAG.octetString | constructed

interface Converted {
  readonly der: Buffer
  /** Where the next encoding begins. */
  readonly end: number
}

/** Reads exactly one BER encoding; throws a DerError, as for anything in it that DER does not allow otherwise. */
export function readBer(input: Buffer): DerNode {
  let elements = 0
  const convert = (offset: number, limit: number, depth: number): Converted => {
    if (depth > deepest) throw new DerError(`nested more than ${deepest} levels deep`, offset)
    if (++elements > mostElements) throw new DerError(`more than ${mostElements} elements`, offset)
    const { identifier, start, end } = headerAt(input, offset, limit)
    if ((identifier & constructed) === 0) {
      if (end === undefined) throw new DerError('primitive type of indefinite length', offset)
      return { der: encodeTlv(identifier, input.subarray(start, end)), end }
    }
    const parts: Buffer[] = []
    let next = start
    while (end === undefined ? !isEndOfContents(input, next, limit) : next < end) {
      const part = convert(next, end ?? limit, depth + 1)
      parts.push(part.der)
      next = part.end
    }
    const der =
      identifier === constructedOctetString
        ? encodeTlv(TAG.octetString, joined(parts.map(readWhole)))
        : encodeTlv(identifier, Buffer.concat(parts))
    return { der, end: end ?? next + 2 }
  }
  const { der, end } = convert(0, input.length, 1)
  if (end !== input.length) throw new DerError(`${input.length - end} bytes after the end`, end)
  return readWhole(der)
}

const readWhole = (der: Buffer): DerNode => readDer(der, { maxBytes: der.length })

const joined = (pieces: readonly DerNode[]): Buffer =>
  Buffer.concat(pieces.map(piece => readOctetString(piece)))

const isEndOfContents = (input: Buffer, at: number, limit: number): boolean =>
  at + 2 <= limit && input.readUInt16BE(at) === 0

/** Identifier and length (X.690 section 8.1); no end when the length is indefinite. */
function headerAt(input: Buffer, offset: number, limit: number) {
  if (limit - offset < 2) throw new DerError('cut off', offset)
  const first = input[offset + 1]!
  if (first === 0x80) return { identifier: input[offset]!, start: offset + 2, end: undefined }
  const extra = first < 0x80 ? 0 : first & 0x7f
  if (extra > 4) throw new DerError('length of more than four octets', offset)
  const start = offset + 2 + extra
  if (start > limit) throw new DerError('cut off', offset)
  const length = extra === 0 ? first : input.readUIntBE(offset + 2, extra)
  if (length > limit - start) throw new DerError(`length ${length} reaches beyond the end`, offset)
  return { identifier: input[offset]!, start, end: start + length }
}

/** `[n] IMPLICIT OCTET STRING`, in one piece or, which only its tag told, in several. */
export const implicitOctets = (node: DerNode, n: number): Buffer =>
  node.identifier === contextConstructed(n)
    ? joined(node.children())
    : readOctetString(node, contextPrimitive(n))
