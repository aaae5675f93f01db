import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Client secrets that we make: 256 random bits behind a prefix that leak scanners can look for. The alphabet
 * needs no escaping in a form, a header, a shell or a URL.
 */
export const secretPrefix = 'csec_'

/** A new secret from 32 random bytes. */
export function formatSecret(random: Buffer): string {
  if (random.length !== 32) throw new RangeError('a secret is made from 32 random bytes')
  return secretPrefix + random.toString('base64url')
}

/**
 * What is stored of a generated secret: HMAC-SHA-256 under the pepper. A slow hash would add nothing to 256
 * random bits and cost 10,000 times as much on every request.
 */
export function secretDigest(pepper: Buffer, secret: string): Buffer {
  return createHmac('sha256', pepper).update(secret, 'utf8').digest()
}

/** Compares two digests in constant time; digests of different length differ. */
export function sameDigest(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
