import type { KeyObject } from 'node:crypto'
import { type Algorithm, parseAlgorithm } from './algorithm-identifier.ts'
import {
  contextConstructed,
  contextPrimitive,
  DerError,
  type DerFields,
  type DerLimits,
  explicit,
  explicitContent,
  fieldsOf,
  integer,
  readDer,
  readInteger,
  readSmallInteger,
  readTime,
  sequence,
  time,
} from './der.ts'
import { authorityKeyIdentifier } from './extensions/authority-key-identifier.ts'
import { type Extension, parseExtensionList } from './extensions/extension.ts'
import { subjectKeyIdentifier } from './extensions/subject-key-identifier.ts'
import { type Name, parseName } from './names.ts'
import {
  encodeSignatureAlgorithm,
  parseSigned,
  type SignedBytes,
  signatureAlgorithmFor,
  signDer,
} from './signed.ts'
import { keyIdentifier, parseSpki, type Spki, spkiOf } from './spki.ts'

/** What a certificate is to say. Both key identifiers are added; nothing else is. */
export interface CertificateInput {
  /** Unsigned big-endian, 1 to 20 octets, not zero, top bit clear (RFC 5280 section 4.1.2.2): `randomSerial`. */
  readonly serial: Uint8Array
  /** DER of the names (`buildName`); the issuer exactly as the subject of its own certificate has it. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** First and last moment of validity, milliseconds since 1970 or a Date; stored in whole seconds. */
  readonly notBefore: number | Date
  readonly notAfter: number | Date
  /** The key to certify. */
  readonly publicKey: KeyObject
  /** The private key to sign with: its type chooses the algorithm. */
  readonly issuerKey: KeyObject
  /** The subject key identifier of the issuer's certificate, where it is not the SHA-1 of its key. */
  readonly issuerKeyId?: Uint8Array
  /** Complete extensions, as the `build` of each kind in `extensions/` returns them. */
  readonly extensions: readonly Buffer[]
}

/** DER of a signed X.509 version 3 certificate (RFC 5280 section 4.1); throws a DerError for what it may not say. */
export function buildCertificate(input: CertificateInput): Buffer {
  const spki = spkiOf(input.publicKey)
  const [notBefore, notAfter] = [Number(input.notBefore), Number(input.notAfter)]
  if (notAfter < notBefore) throw new DerError('notAfter is before notBefore')
  const issuerKeyId = input.issuerKeyId ?? keyIdentifier(spkiOf(input.issuerKey))
  const extensions = [
    subjectKeyIdentifier.build(keyIdentifier(spki)),
    authorityKeyIdentifier.build({ keyId: Buffer.from(issuerKeyId) }),
    ...input.extensions,
  ]
  // Raw parts are read once, so that nothing malformed is ever signed.
  parseExtensionList(readDer(sequence(extensions)))
  parseName(input.subject)
  if (parseName(input.issuer).rdns.length === 0) throw new DerError('the issuer has no name')
  const tbs = sequence([
    explicit(0, integer(2)),
    integer(checkedSerial(input.serial)),
    encodeSignatureAlgorithm(signatureAlgorithmFor(input.issuerKey)),
    input.issuer,
    sequence([time(notBefore), time(notAfter)]),
    input.subject,
    spki,
    explicit(3, sequence(extensions)),
  ])
  return signDer(tbs, input.issuerKey)
}

function checkedSerial(serial: Uint8Array): Uint8Array {
  const fits =
    serial.length >= 1 && serial.length <= 20 && serial[0]! < 0x80 && serial.some(octet => octet !== 0)
  if (!fits) throw new DerError('serial number that is not positive and of 1 to 20 octets')
  return serial
}

/** A serial number of 20 octets, of which 158 bits are random: positive, and always of the same length. */
export function randomSerial(random: (bytes: number) => Uint8Array): Buffer {
  const serial = Buffer.from(random(20))
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return serial
}

/** A certificate as read (RFC 5280 section 4.1): well formed, and nothing more; nobody has verified it. */
export interface Certificate extends SignedBytes {
  readonly raw: Buffer
  readonly version: 1 | 2 | 3
  /** As it is written: other issuers' may be zero or negative. */
  readonly serial: bigint
  readonly signatureAlgorithm: Algorithm
  readonly issuer: Name
  readonly subject: Name
  /** Milliseconds since 1970; valid from the first through the last. */
  readonly notBefore: number
  readonly notAfter: number
  readonly spki: Spki
  readonly extensions: readonly Extension[]
}

/**
 * Reads a certificate, strictly: throws a DerError for anything that is not one, for a signature algorithm that
 * differs inside and outside, an extension that occurs twice, and extensions in a version that has none.
 */
export function parseCertificate(der: Uint8Array, limits: DerLimits = {}): Certificate {
  const node = readDer(der, limits)
  const signed = parseSigned(node, 'certificate')
  const fields = fieldsOf(signed.tbs, 'certificate')
  const version = readVersion(fields)
  const serial = readInteger(fields.required('serialNumber'))
  const innerAlgorithm = parseAlgorithm(fields.required('signature'))
  const issuer = parseName(fields.required('issuer'))
  const validity = fieldsOf(fields.required('validity'), 'validity')
  const notBefore = readTime(validity.required('notBefore'))
  const notAfter = readTime(validity.required('notAfter'))
  validity.end()
  const subject = parseName(fields.required('subject'))
  const spki = parseSpki(fields.required('subjectPublicKeyInfo'))
  skipUniqueIdentifiers(fields, version)
  const extensions = readExtensions(fields, version)
  fields.end()
  if (!innerAlgorithm.raw.equals(signed.signatureAlgorithm.raw))
    throw new DerError('certificate: two different signature algorithms', signed.tbs.offset)
  return {
    raw: node.raw,
    tbs: signed.tbs.raw,
    signatureAlgorithm: signed.signatureAlgorithm,
    signature: signed.signature,
    version,
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    spki,
    extensions,
  }
}

function readVersion(fields: DerFields): 1 | 2 | 3 {
  const tagged = fields.optional(contextConstructed(0))
  if (!tagged) return 1
  return ([1, 2, 3] as const)[readSmallInteger(explicitContent(tagged, 'version'), 2)]!
}

/** issuerUniqueID and subjectUniqueID: nobody has used them since the last century (RFC 5280 section 4.1.2.8). */
function skipUniqueIdentifiers(fields: DerFields, version: number): void {
  for (const n of [1, 2]) {
    const found = fields.optional(contextPrimitive(n))
    if (found && version === 1)
      throw new DerError('certificate: unique identifier in version 1', found.offset)
  }
}

function readExtensions(fields: DerFields, version: number): readonly Extension[] {
  const tagged = fields.optional(contextConstructed(3))
  if (!tagged) return []
  if (version !== 3) throw new DerError(`certificate: extensions in version ${version}`, tagged.offset)
  return parseExtensionList(explicitContent(tagged, 'extensions'))
}
