/**
 * Base64url without padding (RFC 4648 section 5), canonical only: a text that another text would decode to as
 * well is refused, so that one token has exactly one spelling (RFC 8725 section 3.11 in spirit).
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** Bytes or UTF-8 text to base64url without padding. */
export function encodeBase64url(input: Buffer | string): string {
  return (typeof input === 'string' ? Buffer.from(input, 'utf8') : input).toString('base64url')
}
