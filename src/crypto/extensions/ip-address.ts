/** IP addresses as text and as octets (RFC 4291 section 2.2, RFC 5952), without node:net: this ring opens no sockets. */

/** 4 or 16 octets, or undefined when the text is no address. No zone, no leading zeros in IPv4, no brackets. */
export const parseIpAddress = (text: string): Buffer | undefined =>
  text.includes(':') ? parseIpv6(text) : parseIpv4(text)

function parseIpv4(text: string): Buffer | undefined {
  const parts = text.split('.')
  const valid =
    parts.length === 4 && parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  return valid ? Buffer.from(parts.map(Number)) : undefined
}

function parseIpv6(text: string): Buffer | undefined {
  if (text.length > 45) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, i) => ipv6Groups(half, i === halves.length - 1))
  if (!head || (halves.length === 2 && !tail)) return undefined
  const missing = 16 - head.length - (tail?.length ?? 0)
  // "::" stands for one group at least.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  return Buffer.from([...head, ...Array<number>(missing).fill(0), ...(tail ?? [])])
}

/** Octets of groups between colons; only the last group of an address may be in IPv4 form. */
function ipv6Groups(text: string, atEnd: boolean): number[] | undefined {
  if (text === '') return []
  const octets: number[] = []
  const groups = text.split(':')
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16)
      octets.push(value >> 8, value & 0xff)
    } else {
      const ipv4 = atEnd && i === groups.length - 1 ? parseIpv4(group) : undefined
      if (!ipv4) return undefined
      octets.push(...ipv4)
    }
  }
  return octets
}

/** Canonical text of 4 or 16 octets (RFC 5952: lower case, the first longest run of zero groups as `::`). */
export function formatIpAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((octets[2 * i]! << 8) | octets[2 * i + 1]!).toString(16),
  )
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`
}
