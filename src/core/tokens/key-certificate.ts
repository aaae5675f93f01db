import { hash, type KeyObject } from 'node:crypto'
import { buildCertificate } from '../../crypto/certificate.ts'
import { basicConstraints } from '../../crypto/extensions/basic-constraints.ts'
import { keyUsage } from '../../crypto/extensions/key-usage.ts'
import { buildName } from '../../crypto/names.ts'
import { day } from '../context.ts'

/**
 * A certificate of an RSA key that signs tokens, signed by itself: some libraries read keys from `x5c` alone, and names
 * of keys from `x5t`. It is the same on every node and after every start, because nothing in it is random.
 */
export function keyCertificate(
  { id, createdAt }: { readonly id: string; readonly createdAt: number },
  privateKey: KeyObject,
  publicKey: KeyObject,
): Buffer {
  const name = buildName([{ type: 'CN', value: 'Countersign token signing' }])
  const serial = hash('sha256', `token signing ${id}`, 'buffer').subarray(0, 16)
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return buildCertificate({
    serial,
    issuer: name,
    subject: name,
    notBefore: createdAt - day,
    notAfter: createdAt + 5 * 365 * day,
    publicKey,
    issuerKey: privateKey,
    extensions: [basicConstraints.build({ ca: false }), keyUsage.build(['digitalSignature'])],
  })
}
