/**
 * Link-local addresses (RFC 3927, RFC 4291 section 2.5.6), also IPv4-mapped: where clouds keep instance
 * credentials. They are never called. `address` is an IP address as text; names are never link-local.
 */
export function isLinkLocal(address: string): boolean {
  const plain = address.toLowerCase().replace(/^\[|\]$/g, '')
  return (
    /^(::ffff:)?169\.254\./.test(plain) || /^::ffff:a9fe:/.test(plain) || /^fe[89ab][0-9a-f]:/.test(plain)
  )
}

/** An IPv4 or IPv6 loopback address, also IPv4-mapped. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address)
}
