import { DerError, type DerNode, fieldsOf, integer, readDer, readInteger, readTime, TAG } from '../der.ts'
import { type Extension, parseExtensionList } from '../extensions/extension.ts'
import { OID } from '../oids.ts'
import { type RevocationReason, readReason } from '../revocation-reason.ts'
import { compareSerialAt, contentStart, encodingEnd, orderBySerial } from './entry-order.ts'

/** One entry as read. */
export interface CrlEntry {
  readonly serial: bigint
  /** Milliseconds since 1970. */
  readonly revokedAt: number
  readonly reason: RevocationReason
}

/** The entries of a list, kept as they are encoded: four octets each beside the list itself. */
export interface CrlEntries {
  readonly size: number
  find(serial: bigint): CrlEntry | undefined
  /** Identifiers of critical extensions of entries that we do not understand. */
  readonly unknownCritical: readonly string[]
  /** Is there an entry of a certificate that somebody else has issued (certificateIssuer)? */
  readonly indirect: boolean
}

export const noEntries: CrlEntries = {
  size: 0,
  find: () => undefined,
  unknownCritical: [],
  indirect: false,
}

/**
 * Reads `revokedCertificates` (RFC 5280 section 5.1.2.6) in whole; throws a DerError for an entry that is not one,
 * or has extensions in a list of version 1.
 */
export function readEntries(list: DerNode, version: 1 | 2): CrlEntries {
  const { content } = list
  const entries: number[] = []
  const told = extensionReader()
  for (let at = 0; at < content.length; at = encodingEnd(content, at)) {
    const offset = () => list.offset + list.raw.length - content.length + at
    const extensions = extensionsAt(content, at, offset)
    if (extensions && version === 1) throw new DerError('list of version 1: entry with extensions', offset())
    if (extensions) told.read(extensions)
    entries.push(at)
  }
  const order = orderBySerial(content, Uint32Array.from(entries))
  return {
    size: order.length,
    find(serial) {
      const at = search(content, order, integer(serial))
      return at === undefined ? undefined : entryAt(content, at)
    },
    unknownCritical: [...told.unknownCritical],
    indirect: told.indirect(),
  }
}

const longestSerial = 0x7f

/** Checks an entry, and returns the encoding of its extensions, if there are any. */
function extensionsAt(content: Buffer, at: number, offset: () => number): Buffer | undefined {
  const end = encodingEnd(content, at)
  const serial = contentStart(content, at)
  const isEntry = content[at] === TAG.sequence && serial < end && content[serial] === TAG.integer
  if (!isEntry) throw new DerError('revoked certificate without serial number', offset())
  if (content[serial + 1]! > longestSerial)
    throw new DerError(`serial number of more than ${longestSerial} octets`, offset())
  const date = encodingEnd(content, serial)
  if (date === end || (content[date] !== TAG.utcTime && content[date] !== TAG.generalizedTime))
    throw new DerError('revoked certificate without date', offset())
  const extensions = encodingEnd(content, date)
  if (extensions === end) return undefined
  if (content[extensions] !== TAG.sequence || encodingEnd(content, extensions) !== end)
    throw new DerError('revoked certificate with something behind its date', offset())
  return content.subarray(extensions, end)
}

const knownExtensions: ReadonlySet<string> = new Set([
  OID.reasonCode,
  OID.invalidityDate,
  OID.certificateIssuer,
])
const mostRemembered = 64
const longestRemembered = 64

/** Reads the extensions of many entries, most of which say the same. */
function extensionReader() {
  const seen = new Set<string>()
  const unknownCritical = new Set<string>()
  let indirect = false
  const note = ({ oid, critical, value }: Extension): void => {
    if (critical && !knownExtensions.has(oid)) unknownCritical.add(oid)
    if (oid === OID.certificateIssuer) indirect = true
    if (oid === OID.reasonCode) readReason(readDer(value))
  }
  return {
    unknownCritical,
    indirect: () => indirect,
    read(encoding: Buffer): void {
      const id = encoding.length <= longestRemembered ? encoding.toString('latin1') : undefined
      if (id !== undefined && seen.has(id)) return
      parseExtensionList(readDer(encoding)).forEach(note)
      if (id !== undefined && seen.size < mostRemembered) seen.add(id)
    },
  }
}

/** Binary search for an encoded serial number; where it occurs several times, any of them. */
function search(content: Buffer, order: Uint32Array, serial: Buffer): number | undefined {
  if (serial[1]! > longestSerial) return undefined
  let [low, high] = [0, order.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = order[middle]!
    const compared = compareSerialAt(content, contentStart(content, at), serial, 0)
    if (compared === 0) return at
    if (compared < 0) low = middle + 1
    else high = middle
  }
  return undefined
}

function entryAt(content: Buffer, at: number): CrlEntry {
  const fields = fieldsOf(readDer(content.subarray(at, encodingEnd(content, at))), 'revoked certificate')
  const serial = readInteger(fields.required('serial number'))
  const revokedAt = readTime(fields.required('date'))
  const extensions = fields.optional(TAG.sequence)
  const reason = extensions && parseExtensionList(extensions).find(({ oid }) => oid === OID.reasonCode)
  return { serial, revokedAt, reason: reason ? readReason(readDer(reason.value)) : 'unspecified' }
}
