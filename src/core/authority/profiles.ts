import type { KeyObject } from 'node:crypto'
import {
  buildCertificate,
  type Certificate,
  parseCertificate,
  randomSerial,
} from '../../crypto/certificate.ts'
import { authorityInformationAccess } from '../../crypto/extensions/authority-information-access.ts'
import { basicConstraints } from '../../crypto/extensions/basic-constraints.ts'
import { crlDistributionPoints } from '../../crypto/extensions/crl-distribution-points.ts'
import { extendedKeyUsage } from '../../crypto/extensions/extended-key-usage.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { type KeyUsage, keyUsage } from '../../crypto/extensions/key-usage.ts'
import { ocspNoCheck } from '../../crypto/extensions/ocsp-no-check.ts'
import { subjectAltName } from '../../crypto/extensions/subject-alt-name.ts'
import { buildName, type NameInput } from '../../crypto/names.ts'
import { OID } from '../../crypto/oids.ts'
import { type Context, day, minute } from '../context.ts'

/** What a certificate of a kind may contain: nothing else gets into one, whatever was asked for. */
interface Profile {
  readonly longestDays: number
  /** undefined: a certificate of no authority. */
  readonly authority: { readonly pathLength: number } | undefined
  readonly keyUsage: readonly KeyUsage[]
  readonly extendedKeyUsage: readonly string[]
  /** Where its revocation is published, as it says itself. */
  readonly revocation: readonly ('crl' | 'ocsp')[]
}

/** THE LIST of profiles. */
export const profiles = {
  /** Kept for signing the intermediates. */
  root: {
    longestDays: 20 * 365,
    authority: { pathLength: 1 },
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
    revocation: [],
  },
  /** Signs what senders hold; no authority can be below it. */
  issuing: {
    longestDays: 10 * 365,
    authority: { pathLength: 0 },
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
    revocation: ['crl'],
  },
  /** Answers about revocation for the issuing one, and is not asked about itself (RFC 6960 section 4.2.2.2.1). */
  ocsp: {
    longestDays: 30,
    authority: undefined,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [OID.ocspSigning],
    revocation: [],
  },
  /** What a sender shows in a TLS handshake. */
  sender: {
    longestDays: 365,
    authority: undefined,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [OID.clientAuth],
    revocation: ['crl', 'ocsp'],
  },
  /** What Countersign shows to others as a client, until somebody else has signed it. */
  own: {
    longestDays: 10 * 365,
    authority: undefined,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [OID.clientAuth],
    revocation: [],
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles

/** Where relying parties find what belongs to a certificate: its issuer, and its revocation. */
export interface IssuerAddresses {
  readonly certificate: string
  readonly crl: string
  readonly ocsp: string
}

export interface Issuer {
  readonly certificate: Certificate
  readonly key: KeyObject
  readonly addresses: IssuerAddresses
  /** Nobody trusts it any more from then on. */
  readonly trustedUntil?: number | undefined
}

export interface Wanted {
  readonly subject: readonly (NameInput | readonly NameInput[])[]
  /** URIs in the subjectAltName. */
  readonly uris?: readonly string[]
  readonly publicKey: KeyObject
  readonly days: number
}

const backdatedMs = 5 * minute

/**
 * Makes a certificate of a profile; without `issuer` one that signs itself, with `selfKey`. It never outlives its
 * issuer, nor the trust in it.
 */
export function issueFrom(
  name: ProfileName,
  wanted: Wanted,
  issuer: Issuer | { readonly selfKey: KeyObject },
  { now, random }: Pick<Context, 'now' | 'random'>,
): Certificate {
  const profile: Profile = profiles[name]
  const subject = buildName(wanted.subject)
  const signer = 'selfKey' in issuer ? undefined : issuer
  const start = now()
  const end = start + Math.min(wanted.days, profile.longestDays) * day
  return parseCertificate(
    buildCertificate({
      serial: randomSerial(random),
      issuer: signer?.certificate.subject.raw ?? subject,
      subject,
      notBefore: start - backdatedMs,
      notAfter: Math.min(end, signer?.certificate.notAfter ?? end, signer?.trustedUntil ?? end),
      publicKey: wanted.publicKey,
      issuerKey: signer?.key ?? (issuer as { selfKey: KeyObject }).selfKey,
      ...(signer && issuerKeyIdOf(signer.certificate)),
      extensions: [
        basicConstraints.build(profile.authority ? { ca: true, ...profile.authority } : { ca: false }),
        keyUsage.build(profile.keyUsage),
        ...(profile.extendedKeyUsage.length > 0 ? [extendedKeyUsage.build(profile.extendedKeyUsage)] : []),
        ...(wanted.uris ? [subjectAltName.build(wanted.uris.map(value => ({ kind: 'uri', value })))] : []),
        ...(name === 'ocsp' ? [ocspNoCheck.build(true)] : []),
        ...(signer ? whereToAsk(profile, signer.addresses) : []),
      ],
    }),
  )
}

/** The identifier that an imported authority gives its key need not be the usual digest. */
export function issuerKeyIdOf(issuer: Certificate): { issuerKeyId?: Buffer } {
  const { subjectKeyIdentifier } = parseCertificateExtensions(issuer.extensions)
  return subjectKeyIdentifier ? { issuerKeyId: subjectKeyIdentifier } : {}
}

function whereToAsk({ revocation }: Profile, { certificate, crl, ocsp }: IssuerAddresses): Buffer[] {
  const uri = (value: string) => ({ kind: 'uri', value }) as const
  if (revocation.length === 0) return []
  return [
    ...(revocation.includes('crl') ? [crlDistributionPoints.build([{ fullName: [uri(crl)] }])] : []),
    authorityInformationAccess.build([
      ...(revocation.includes('ocsp') ? [{ method: OID.ocsp, location: uri(ocsp) }] : []),
      { method: OID.caIssuers, location: uri(certificate) },
    ]),
  ]
}
