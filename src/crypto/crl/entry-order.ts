/**
 * Entries of a revocation list where they lie in a buffer, in the order of their serial numbers. Each is
 * SEQUENCE { INTEGER, Time, … } that has been checked before, with an INTEGER of at most 127 octets. Numbers
 * instead of objects: there may be 100,000 of them.
 */

/** Where the content of the encoding at `offset` begins. */
export function contentStart(buffer: Buffer, offset: number): number {
  const first = buffer[offset + 1]!
  return offset + 2 + (first < 0x80 ? 0 : first & 0x7f)
}

/** Where the encoding at `offset` ends. */
export function encodingEnd(buffer: Buffer, offset: number): number {
  const first = buffer[offset + 1]!
  if (first < 0x80) return offset + 2 + first
  const extra = first & 0x7f
  return offset + 2 + extra + buffer.readUIntBE(offset + 2, extra)
}

/**
 * Compares the encoded serial number at `start` with another one: DER sorts by length, then by value. Nearly always
 * decided by the first few octets, for which a call of `Buffer.compare` takes longer than the loop.
 */
export function compareSerialAt(buffer: Buffer, start: number, other: Buffer, otherStart: number): number {
  const octets = 1 + buffer[start + 1]!
  for (let i = 1; i <= octets; i++) {
    const difference = buffer[start + i]! - other[otherStart + i]!
    if (difference !== 0) return difference
  }
  return 0
}

/** The offsets of entries by ascending serial number; equal ones in no particular order. Costs n log n whatever they are. */
export function orderBySerial(buffer: Buffer, entries: Uint32Array): Uint32Array {
  const serials = entries.map(entry => contentStart(buffer, entry))
  const compare = (a: number, b: number) => compareSerialAt(buffer, serials[a]!, buffer, serials[b]!)
  const inOrder = serials.every((_, i) => i === 0 || compare(i - 1, i) <= 0)
  if (inOrder) return entries
  // Length and five octets decide nearly always; what follows a short serial number is its time.
  const prefixes = Float64Array.from(serials, serial => buffer.readUIntBE(serial + 1, 6))
  return Uint32Array.from(entries.keys())
    .sort((a, b) => prefixes[a]! - prefixes[b]! || compare(a, b))
    .map(position => entries[position]!)
}
