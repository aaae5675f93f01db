import { hash } from 'node:crypto'

const requiredMembers: Record<string, readonly string[]> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

/** JWK thumbprint with SHA-256 (RFC 7638 section 3, RFC 8037 section 2), base64url. */
export function jwkThumbprint(jwk: Readonly<Record<string, unknown>>): string {
  const members = requiredMembers[String(jwk.kty)]
  if (!members) throw new TypeError(`no thumbprint for key type ${String(jwk.kty)}`)
  const canonical = JSON.stringify(Object.fromEntries(members.map(name => [name, jwk[name]])))
  return hash('sha256', canonical, 'base64url')
}

/** `x5t#S256` of a certificate: SHA-256 of its DER, base64url (RFC 8705 section 3.1). */
export function certificateThumbprint(der: Buffer): string {
  return hash('sha256', der, 'base64url')
}

/** The same digest as people compare it: hexadecimal, lower case. */
export function certificateFingerprint(der: Buffer): string {
  return hash('sha256', der, 'hex')
}
