/** Identifier octets (X.690 section 8.1.2) of what X.509 and its relatives use; class and form included. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

export const CONSTRUCTED = 0x20

/** Identifier octet of the context-specific tag [n] on a primitive value. */
export const contextPrimitive = (n: number): number => 0x80 | tagNumber(n)

/** Identifier octet of the context-specific tag [n] on a constructed value, which EXPLICIT always is. */
export const contextConstructed = (n: number): number => 0xa0 | tagNumber(n)

function tagNumber(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 30) throw new DerError(`tag number ${n} is outside 0 to 30`)
  return n
}

/**
 * The one error of everything that reads or writes DER: the message says what is wrong,
 * `offset` where (bytes from the start of the buffer given to `readDer`; absent when writing).
 */
export class DerError extends Error {
  override readonly name = 'DerError'
  readonly offset: number | undefined

  constructor(message: string, offset?: number) {
    super(offset === undefined ? message : `${message} (at byte ${offset})`)
    this.offset = offset
  }
}
