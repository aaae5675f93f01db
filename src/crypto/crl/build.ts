import type { KeyObject } from 'node:crypto'
import { DerError, encodeTlv, explicit, integer, sequence, TAG, time } from '../der.ts'
import { authorityKeyIdentifier } from '../extensions/authority-key-identifier.ts'
import { issuingDistributionPoint } from '../extensions/issuing-distribution-point.ts'
import { parseName } from '../names.ts'
import { encodeSignatureAlgorithm, signatureAlgorithmFor, signDer } from '../signed.ts'
import { keyIdentifier, spkiOf } from '../spki.ts'
import { type RevokedCertificate, writeEntries } from './entry-writer.ts'
import { crlNumber } from './extensions.ts'

export interface CrlInput {
  /** DER of the issuer's name, exactly as the subject of its certificate has it. */
  readonly issuer: Uint8Array
  /** The private key to sign with: its type chooses the algorithm. */
  readonly issuerKey: KeyObject
  /** The subject key identifier of the issuer's certificate, where it is not the SHA-1 of its key. */
  readonly issuerKeyId?: Uint8Array
  /** Larger than that of every list before it (RFC 5280 section 5.2.3); below 2^159. */
  readonly number: bigint | number
  /** Milliseconds since 1970, stored in whole seconds: when it is made, and by when the next one will be. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  /** In any order; fastest in ascending order of serial numbers. */
  readonly revoked: Iterable<RevokedCertificate>
  /** URI of the list as the certificates it is about have it; those that name another one are then not covered. */
  readonly distributionPoint?: string
  /** Only of certificates of one kind; absent: of all. */
  readonly scope?: 'user' | 'ca'
}

const greatestNumber = 1n << 159n

/**
 * DER of a signed revocation list, complete and direct, version 2 (RFC 5280 section 5.1). Throws a DerError for
 * what it may not say, such as a serial number that is revoked twice.
 */
export function buildCrl(input: CrlInput): Buffer {
  const { issuerKey, number, thisUpdate, nextUpdate, distributionPoint, scope } = input
  if (parseName(input.issuer).rdns.length === 0) throw new DerError('the issuer has no name')
  if (!(nextUpdate > thisUpdate)) throw new DerError('nextUpdate is not after thisUpdate')
  const isExact = typeof number === 'bigint' || Number.isSafeInteger(number)
  if (!(isExact && number >= 0 && number < greatestNumber))
    throw new DerError(`the CRL number ${number} is not in 0 to 2^159`)
  const issuerKeyId = input.issuerKeyId ?? keyIdentifier(spkiOf(issuerKey))
  const entries = writeEntries(input.revoked)
  const point = {
    ...(distributionPoint !== undefined && {
      fullName: [{ kind: 'uri' as const, value: distributionPoint }],
    }),
    ...(scope && { scope }),
  }
  const tbs = sequence([
    integer(1),
    encodeSignatureAlgorithm(signatureAlgorithmFor(issuerKey)),
    input.issuer,
    time(thisUpdate),
    time(nextUpdate),
    // RFC 5280 section 5.1.2.6: no list where there is nothing to list.
    ...(entries.length > 0 ? [encodeTlv(TAG.sequence, entries)] : []),
    explicit(
      0,
      sequence([
        authorityKeyIdentifier.build({ keyId: Buffer.from(issuerKeyId) }),
        crlNumber.build(BigInt(number)),
        ...(Object.keys(point).length > 0 ? [issuingDistributionPoint.build(point)] : []),
      ]),
    ),
  ])
  return signDer(tbs, issuerKey)
}
