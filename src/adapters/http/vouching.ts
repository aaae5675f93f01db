import { parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { type Anchor, validatePath } from '../../crypto/path/index.ts'

/**
 * Whether these authorities vouch for the client certificate of a connection, at `now` (milliseconds), by what OpenSSL
 * would look at in the handshake. `leaf` and `others`: DER, as they were sent.
 */
export function vouchFor(
  anchors: readonly Anchor[],
  leaf: Buffer,
  others: readonly Buffer[],
  now: number,
): boolean {
  try {
    return validatePath({
      leaf: parseCertificate(leaf),
      intermediates: others.map(der => parseCertificate(der)),
      anchors,
      now,
      purpose: 'clientAuth',
      policy: { strict: false },
    }).ok
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}
