import { DerError, integer, sequence, time } from '../der.ts'
import { encodeExtension } from '../extensions/extension.ts'
import { OID } from '../oids.ts'
import { encodeReason, type RevocationReason } from '../revocation-reason.ts'
import { compareSerialAt, contentStart, encodingEnd, orderBySerial } from './entry-order.ts'

/** One entry to write. */
export interface RevokedCertificate {
  /** Unsigned big-endian, 1 to 20 octets, as in its certificate. */
  readonly serial: Uint8Array
  /** Milliseconds since 1970. */
  readonly revokedAt: number
  /** Absent: unspecified. */
  readonly reason?: RevocationReason | undefined
}

// SEQUENCE, serial number, GeneralizedTime and reason: well below, so that every length is one octet.
const longestEntry = 80
const longestSerial = 20

/** Writes the entries of a list that grows: a long one need not be written at a stretch. */
export interface EntryWriter {
  /** In any order; fastest in ascending order of serial numbers. Throws a DerError for what is no serial number. */
  add(entry: RevokedCertificate): void
  /**
   * The content of `revokedCertificates` (RFC 5280 section 5.1.2.6), in the order of serial numbers; the end of it.
   * Throws a DerError when one was revoked twice.
   */
  finish(): Buffer
}

export function entryWriter(): EntryWriter {
  let buffer = Buffer.allocUnsafe(64 * 1024)
  let length = 0
  const starts: number[] = []
  const times = timeWriter()
  return {
    add({ serial, revokedAt, reason }) {
      if (buffer.length - length < longestEntry) buffer = Buffer.concat([buffer], 2 * buffer.length)
      const end = times(buffer, writeSerial(buffer, length + 2, serial), revokedAt)
      const extensions = extensionsOf(reason)
      put(extensions, buffer, end)
      buffer[length] = 0x30
      buffer[length + 1] = end + extensions.length - length - 2
      starts.push(length)
      length = end + extensions.length
    },
    finish: () => inOrder(buffer.subarray(0, length), Uint32Array.from(starts)),
  }
}

/** As `buffer.set`, which for so few octets takes several times as long. */
function put(octets: Uint8Array, buffer: Buffer, at: number): void {
  for (let i = 0; i < octets.length; i++) buffer[at + i] = octets[i]!
}

function writeSerial(buffer: Buffer, at: number, serial: Uint8Array): number {
  if (serial.length === 0 || serial.length > longestSerial)
    throw new DerError(`serial number of ${serial.length} octets`)
  const first = serial[0]!
  if (first === 0 || first >= 0x80) {
    const encoded = integer(serial)
    put(encoded, buffer, at)
    return at + encoded.length
  }
  buffer[at] = 0x02
  buffer[at + 1] = serial.length
  put(serial, buffer, at + 2)
  return at + 2 + serial.length
}

const dayMs = 86_400_000
/** How far each digit of HHMMSS counts, from the last, which stands before the "Z". */
const timeDigits = [10, 6, 10, 6, 10, 10] as const

/** Writes `time(ms)`; the part of the day is computed, because formatting dates would be most of the work. */
function timeWriter(): (buffer: Buffer, at: number, ms: number) => number {
  const days = new Map<number, Buffer>()
  return (buffer, at, ms) => {
    const day = Math.floor(ms / dayMs)
    let encoded = days.get(day)
    if (!encoded) {
      encoded = time(day * dayMs)
      days.set(day, encoded)
    }
    put(encoded, buffer, at)
    const end = at + encoded.length
    let rest = Math.floor((ms - day * dayMs) / 1000)
    for (const [i, base] of timeDigits.entries()) {
      buffer[end - 2 - i] = 0x30 + (rest % base)
      rest = Math.floor(rest / base)
    }
    return end
  }
}

const encodedExtensions = new Map<RevocationReason | undefined, Buffer>()

function extensionsOf(reason: RevocationReason | undefined): Buffer {
  let encoded = encodedExtensions.get(reason)
  if (!encoded) {
    const code = encodeReason(reason)
    encoded = code ? sequence([encodeExtension(OID.reasonCode, false, code)]) : Buffer.alloc(0)
    encodedExtensions.set(reason, encoded)
  }
  return encoded
}

function inOrder(entries: Buffer, starts: Uint32Array): Buffer {
  const order = orderBySerial(entries, starts)
  for (let i = 1; i < order.length; i++) {
    const [a, b] = [contentStart(entries, order[i - 1]!), contentStart(entries, order[i]!)]
    if (compareSerialAt(entries, a, entries, b) === 0)
      throw new DerError(
        `serial number ${entries.toString('hex', a + 2, a + 2 + entries[a + 1]!)} is revoked twice`,
      )
  }
  if (order === starts) return entries
  const sorted = Buffer.allocUnsafe(entries.length)
  let length = 0
  for (const start of order) length += entries.copy(sorted, length, start, encodingEnd(entries, start))
  return sorted
}
