import type { KeyObject } from 'node:crypto'
import { DerError, encodeTlv, explicit, integer, sequence, TAG, time } from '../der.ts'
import { authorityKeyIdentifier } from '../extensions/authority-key-identifier.ts'
import { issuingDistributionPoint } from '../extensions/issuing-distribution-point.ts'
import { parseName } from '../names.ts'
import { encodeSignatureAlgorithm, signatureAlgorithmFor, signDer, signDerElsewhere } from '../signed.ts'
import { keyIdentifier, spkiOf } from '../spki.ts'
import { entryWriter, type RevokedCertificate } from './entry-writer.ts'
import { crlNumber } from './extensions.ts'

/** What a list says beside its entries. */
export interface CrlHead {
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
  /** URI of the list as the certificates it is about have it; those that name another one are then not covered. */
  readonly distributionPoint?: string
  /** Only of certificates of one kind; absent: of all. */
  readonly scope?: 'user' | 'ca'
}

export interface CrlInput extends CrlHead {
  /** In any order; fastest in ascending order of serial numbers. */
  readonly revoked: Iterable<RevokedCertificate>
}

const greatestNumber = 1n << 159n

/**
 * DER of a signed revocation list, complete and direct, version 2 (RFC 5280 section 5.1). Throws a DerError for
 * what it may not say, such as a serial number that is revoked twice.
 */
export function buildCrl({ revoked, ...head }: CrlInput): Buffer {
  const entries = entryWriter()
  for (const entry of revoked) entries.add(entry)
  return signDer(tbsOf(head, entries.finish()), head.issuerKey)
}

/** The same of entries that were written before (`entryWriter`), and signed on another thread: for long lists. */
export const buildLongCrl = async (head: CrlHead, entries: Buffer): Promise<Buffer> =>
  signDerElsewhere(tbsOf(head, entries), head.issuerKey)

function tbsOf(head: CrlHead, entries: Buffer): Buffer {
  const { issuerKey, number, thisUpdate, nextUpdate, distributionPoint, scope } = head
  if (parseName(head.issuer).rdns.length === 0) throw new DerError('the issuer has no name')
  if (!(nextUpdate > thisUpdate)) throw new DerError('nextUpdate is not after thisUpdate')
  const isExact = typeof number === 'bigint' || Number.isSafeInteger(number)
  if (!(isExact && number >= 0 && number < greatestNumber))
    throw new DerError(`the CRL number ${number} is not in 0 to 2^159`)
  const issuerKeyId = head.issuerKeyId ?? keyIdentifier(spkiOf(issuerKey))
  const point = {
    ...(distributionPoint !== undefined && {
      fullName: [{ kind: 'uri' as const, value: distributionPoint }],
    }),
    ...(scope && { scope }),
  }
  return sequence([
    integer(1),
    encodeSignatureAlgorithm(signatureAlgorithmFor(issuerKey)),
    head.issuer,
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
}
