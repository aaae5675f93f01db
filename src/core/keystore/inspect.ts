import type { KeyObject } from 'node:crypto'
import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { formatName } from '../../crypto/names.ts'
import { OID } from '../../crypto/oids.ts'
import { importSpki } from '../../crypto/spki.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import { serialHex } from '../authority/index.ts'
import { iso } from '../context.ts'
import { type ExpiryStateName, expiryStateOf } from '../expiry.ts'
import type { KeystoreEntry } from './store.ts'

/** A certificate as people compare it. */
export interface CertificateInfo {
  readonly subject: string
  readonly issuer: string
  /** Hexadecimal, lower case. */
  readonly serialNumber: string
  /** Type and size: `RSA 2048`, `P-256`. */
  readonly algorithm: string
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string
  readonly notBefore: number
  readonly notAfter: number
}

/** An entry as people see it: what its leaf says, and never its key. */
export interface KeystoreInfo extends CertificateInfo {
  readonly alias: string
  readonly kind: 'key-pair' | 'certificate'
  /** How near the end of the leaf is. */
  readonly state: 'not yet valid' | 'valid' | ExpiryStateName
  /** Of the chain, the leaf included. */
  readonly certificates: number
  readonly createdAt: number
  readonly updatedAt: number
}

export const kindOf = ({ sealedKey }: Pick<KeystoreEntry, 'sealedKey'>): KeystoreInfo['kind'] =>
  sealedKey ? 'key-pair' : 'certificate'

export function inspectEntry(entry: KeystoreEntry, now: number): KeystoreInfo {
  const { alias, chain, createdAt, updatedAt } = entry
  const leaf = inspectCertificate(chain[0]!)
  return {
    ...leaf,
    alias,
    kind: kindOf(entry),
    state: now < leaf.notBefore ? 'not yet valid' : (expiryStateOf(leaf.notAfter, now) ?? 'valid'),
    certificates: chain.length,
    createdAt,
    updatedAt,
  }
}

export function inspectCertificate(der: Buffer): CertificateInfo {
  const certificate = parseCertificate(der)
  const { subject, issuer, spki, notBefore, notAfter } = certificate
  return {
    subject: formatName(subject),
    issuer: formatName(issuer),
    serialNumber: serialHex(certificate),
    algorithm: algorithmOf(importSpki(spki.raw)),
    fingerprint: certificateFingerprint(der),
    notBefore,
    notAfter,
  }
}

/** What would keep servers from accepting an entry as a client certificate, and others from being trusted by it. */
export function warningsFor({ alias, chain, sealedKey }: KeystoreEntry, now: number): string[] {
  const leaf = parseCertificate(chain[0]!)
  const { notBefore, notAfter } = leaf
  const outOfDate = whyOutOfDate({ alias, notBefore, notAfter }, now)
  return [
    ...(outOfDate === undefined ? [] : [outOfDate]),
    ...(!sealedKey || allowsClientAuth(leaf)
      ? []
      : ['the certificate does not allow client authentication (extended key usage): servers may refuse it']),
  ]
}

/** That the certificate of an entry has ended, or is not good yet; undefined: its dates are in order. */
export function whyOutOfDate(
  { alias, notBefore, notAfter }: Pick<KeystoreInfo, 'alias' | 'notBefore' | 'notAfter'>,
  now: number,
): string | undefined {
  if (notBefore <= now && now <= notAfter) return undefined
  const state = now < notBefore ? 'is not good yet' : 'has ended'
  return `the certificate of keystore entry ${alias} ${state}: its dates are ${iso(notBefore)} to ${iso(notAfter)}`
}

function allowsClientAuth({ extensions }: Certificate): boolean {
  const { extendedKeyUsage: purposes } = parseCertificateExtensions(extensions)
  return !purposes || purposes.includes(OID.clientAuth) || purposes.includes(OID.anyExtendedKeyUsage)
}

const curves: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {}
  if (namedCurve !== undefined) return curves[namedCurve] ?? namedCurve
  const name = names[asymmetricKeyType!] ?? asymmetricKeyType!
  return modulusLength === undefined ? name : `${name} ${modulusLength}`
}

const names: Readonly<Record<string, string>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA-PSS',
  dsa: 'DSA',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
}
