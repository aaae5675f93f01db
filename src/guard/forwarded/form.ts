/** A certificate and what came with it, in DER, as far as a header tells them apart; not yet known to be certificates. */
export interface Forwarded {
  readonly leaf: Buffer
  readonly chain: readonly Buffer[]
}

/** One way in which proxies write a client certificate into a header. */
export interface ForwardedForm {
  /** For people. */
  readonly name: string
  /** Is a value of this form? Decided by its shape alone; no value is of two forms. */
  recognises(value: string): boolean
  /** Throws Unreadable. */
  read(value: string): Forwarded
  /**
   * The values of the header that the same proxies write the other certificates into, where there is one. Throws
   * Unreadable.
   */
  readChain?(values: readonly string[]): readonly Buffer[]
}

/** Says what is wrong with a value, as the end of a sentence about it; never repeats any of it. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** Exact base64 (RFC 4648 section 4): padded, no white space, no stray bits, not empty. Throws Unreadable. */
export function readBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.toString('base64') !== text) throw new Unreadable('is not exact base64')
  return bytes
}
