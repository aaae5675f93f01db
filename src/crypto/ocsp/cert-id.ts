import { createHash } from 'node:crypto'
import { encodeAlgorithm, parseAlgorithm } from '../algorithm-identifier.ts'
import type { Certificate } from '../certificate.ts'
import {
  type DerNode,
  fieldsOf,
  integer,
  octetString,
  readInteger,
  readOctetString,
  sequence,
} from '../der.ts'

/** Digests in which issuers are named; SHA-1 is as good as any, for a name protects nothing. */
export const certIdHashes = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1' } as const

export type CertIdHash = keyof typeof certIdHashes

/** How OCSP names a certificate: CertID of RFC 6960 section 4.1.1. */
export interface CertId {
  /** As it was asked, to be repeated in the answer. */
  readonly raw: Buffer
  /** Undefined for a digest that we do not know: nobody's certificates match then. */
  readonly hash: CertIdHash | undefined
  /** The identifier of the digest. */
  readonly hashOid: string
  readonly issuerNameHash: Buffer
  readonly issuerKeyHash: Buffer
  readonly serial: bigint
}

/** Whose certificates are meant: a certificate of the issuer fits, and so does an anchor. */
export type IssuerIdentity = Pick<Certificate, 'subject' | 'spki'>

export function parseCertId(node: DerNode): CertId {
  const fields = fieldsOf(node, 'CertID')
  const { oid, parameters } = parseAlgorithm(fields.required('hashAlgorithm'))
  const issuerNameHash = readOctetString(fields.required('issuerNameHash'))
  const issuerKeyHash = readOctetString(fields.required('issuerKeyHash'))
  const serial = readInteger(fields.required('serialNumber'))
  fields.end()
  const isPlain = parameters === undefined || parameters.equals(derNull)
  const hash = isPlain ? hashByOid.get(oid) : undefined
  return { raw: node.raw, hash, hashOid: oid, issuerNameHash, issuerKeyHash, serial }
}

const derNull = Buffer.from([0x05, 0x00])
const hashByOid: ReadonlyMap<string, CertIdHash> = new Map(
  Object.entries(certIdHashes).map(([hash, oid]) => [oid, hash as CertIdHash]),
)

const digest = (hash: CertIdHash, bytes: Buffer): Buffer => createHash(hash).update(bytes).digest()

/** DER of the CertID of a certificate. */
export const encodeCertId = (
  hash: CertIdHash,
  { issuer, serial }: Pick<Certificate, 'issuer' | 'serial'>,
  { spki }: Pick<IssuerIdentity, 'spki'>,
): Buffer =>
  sequence([
    encodeAlgorithm(certIdHashes[hash], 'null'),
    octetString(digest(hash, issuer.raw)),
    octetString(digest(hash, spki.keyBits)),
    integer(serial),
  ])

/** Is it a certificate of this issuer? By the exact bytes of its name: issuers write it so. */
export const certIdMatches = (certId: CertId, { subject, spki }: IssuerIdentity): boolean =>
  isNamed(certId, subject.raw) && isKeyed(certId, spki.keyBits)

/** Is it this certificate of this issuer? The name may be written as in either. */
export const certIdIsOf = (
  certId: CertId,
  { issuer: name, serial }: Pick<Certificate, 'issuer' | 'serial'>,
  { subject, spki }: IssuerIdentity,
): boolean =>
  certId.serial === serial &&
  isKeyed(certId, spki.keyBits) &&
  (isNamed(certId, name.raw) || isNamed(certId, subject.raw))

const isNamed = ({ hash, issuerNameHash }: CertId, name: Buffer): boolean =>
  hash !== undefined && digest(hash, name).equals(issuerNameHash)

const isKeyed = ({ hash, issuerKeyHash }: CertId, key: Buffer): boolean =>
  hash !== undefined && digest(hash, key).equals(issuerKeyHash)
