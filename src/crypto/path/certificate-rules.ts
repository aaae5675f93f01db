import type { KeyUsage } from '../extensions/key-usage.ts'
import { OID } from '../oids.ts'
import type { PathCertificate } from './path-certificate.ts'
import type { PathRule } from './problem.ts'
import { type KeyStrength, keyFinding, keyOf } from './strength.ts'

/** For what the leaf's key is to be used (RFC 5280 section 4.2.1.12). */
export type PathPurpose = 'clientAuth' | 'serverAuth' | 'any'

/** Where a certificate stands, and what is asked of it. */
export interface Place {
  readonly role: 'leaf' | 'ca'
  /** Is it the trusted certificate itself, at the end? */
  readonly last: boolean
  /** Is the leaf itself the trusted certificate? */
  readonly alone: boolean
  /** Milliseconds since 1970. */
  readonly now: number
  readonly purpose: PathPurpose
  readonly requireEku: boolean
  readonly strict: boolean
  readonly strength: KeyStrength
}

type CertificateRule = (subject: PathCertificate, place: Place) => readonly [PathRule, string] | undefined

/** Of the usages of a leaf's key, one is needed where keyUsage is there (RFC 5280 section 4.2.1.12, RFC 8446 section 4.4.2). */
const purposes: Readonly<
  Record<Exclude<PathPurpose, 'any'>, { readonly oid: string; readonly usages: readonly KeyUsage[] }>
> = {
  clientAuth: { oid: OID.clientAuth, usages: ['digitalSignature', 'keyAgreement'] },
  serverAuth: { oid: OID.serverAuth, usages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'] },
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')

/** What every certificate of a path must be, whatever the others are; the first that is broken is reported. */
const rules: readonly CertificateRule[] = [
  ({ malformed }) =>
    malformed === undefined
      ? undefined
      : ['malformed extension', `an extension cannot be read (${malformed}): have it issued again`],

  ({ unknownCritical }) =>
    unknownCritical.length === 0
      ? undefined
      : [
          'unknown critical extension',
          `it demands that the extension ${unknownCritical.join(', ').slice(0, 256)} be understood, which it is not here: have it issued without, or not critical`,
        ],

  function keyStrength({ certificate }, { strength }) {
    const finding = keyFinding(keyOf(certificate.spki), strength)
    return finding && [finding[0], `${finding[1]}: have it issued for a stronger key`]
  },

  ({ certificate: { notBefore } }, { now }) =>
    now >= notBefore
      ? undefined
      : ['not yet valid', `it is valid from ${day(notBefore)} UTC: wait, or correct the clock`],

  // notAfter is the last second of validity, and all of that second counts (RFC 5280 section 4.1.2.5).
  ({ certificate: { notAfter } }, { now }) =>
    now < notAfter + 1000
      ? undefined
      : ['expired', `it was valid until ${day(notAfter)} UTC: have it renewed`],

  function authority({ certificate: { version }, extensions: { basicConstraints, keyUsage } }, { role }) {
    if (role === 'leaf') return undefined
    if (version !== 3)
      return ['version', `it is of version ${version}: an authority's certificate must be of version 3`]
    if (!basicConstraints?.ca)
      return [
        'not a CA',
        'it is not an authority’s (no basicConstraints with CA), but has issued a certificate',
      ]
    if (keyUsage && !keyUsage.includes('keyCertSign'))
      return ['key usage', 'its keyUsage does not allow to issue certificates (no keyCertSign)']
    return undefined
  },

  function purposeOfLeaf({ extensions: { keyUsage } }, { role, purpose }) {
    if (role === 'ca' || purpose === 'any' || !keyUsage) return undefined
    const { usages } = purposes[purpose]
    return usages.some(usage => keyUsage.includes(usage))
      ? undefined
      : ['key usage', `its keyUsage has none of ${usages.join(', ')}, of which ${purpose} needs one`]
  },

  // In an authority's certificate it limits what all below it are good for: not in RFC 5280, but in every validator.
  function extendedKeyUsage({ extensions: { extendedKeyUsage: purposesOf } }, place) {
    const { purpose, role, requireEku } = place
    if (purpose === 'any') return undefined
    if (!purposesOf)
      return requireEku && role === 'leaf'
        ? ['extended key usage', `it has no extKeyUsage, and ${purpose} is required here`]
        : undefined
    return purposesOf.includes(purposes[purpose].oid)
      ? undefined
      : ['extended key usage', `its extKeyUsage does not allow ${purpose}: have it issued with ${purpose}`]
  },

  function profile(subject, place) {
    const found = place.strict && !place.alone && profileRules.find(rule => rule.broken(subject, place))
    return found ? ['profile', `${found.says}, against RFC 5280 section ${found.section}`] : undefined
  },
]

interface ProfileRule {
  readonly section: string
  readonly says: string
  readonly broken: (subject: PathCertificate, place: Place) => boolean
}

const isCa = ({ extensions }: PathCertificate): boolean => extensions.basicConstraints?.ca === true

/** What RFC 5280 section 4 demands of issuers, as far as `openssl verify -x509_strict` insists on it. */
const profileRules: readonly ProfileRule[] = [
  {
    section: '4.2.1.9',
    says: 'it is an authority’s, but basicConstraints is not critical',
    broken: subject => isCa(subject) && !subject.critical.has(OID.basicConstraints),
  },
  {
    section: '4.2.1.3',
    says: 'it is an authority’s, but has no keyUsage',
    broken: subject => isCa(subject) && !subject.extensions.keyUsage,
  },
  {
    section: '4.2.1.9',
    says: 'it limits the path length, but its keyUsage has no keyCertSign',
    broken: ({ extensions: { basicConstraints, keyUsage } }) =>
      basicConstraints?.pathLength !== undefined && !keyUsage?.includes('keyCertSign'),
  },
  {
    section: '4.2.1.3',
    says: 'its keyUsage has keyCertSign, but it is not an authority’s',
    broken: subject => !isCa(subject) && subject.extensions.keyUsage?.includes('keyCertSign') === true,
  },
  {
    section: '4.1.2.4',
    says: 'it names no issuer',
    broken: ({ certificate: { issuer } }) => issuer.rdns.length === 0,
  },
  {
    section: '4.1.2.6',
    says: 'it names no subject',
    broken: subject =>
      subject.certificate.subject.rdns.length === 0 &&
      (isCa(subject) ||
        subject.extensions.keyUsage?.includes('cRLSign') === true ||
        !subject.extensions.subjectAltName),
  },
  {
    section: '4.2.1.6',
    says: 'it has subjectAltName only, but that is not critical',
    broken: ({ certificate: { subject }, extensions: { subjectAltName }, critical }) =>
      subject.rdns.length === 0 && subjectAltName !== undefined && !critical.has(OID.subjectAltName),
  },
  {
    section: '4.2.1.1',
    says: 'its authorityKeyIdentifier is critical',
    broken: ({ critical }) => critical.has(OID.authorityKeyIdentifier),
  },
  {
    section: '4.2.1.2',
    says: 'its subjectKeyIdentifier is critical',
    broken: ({ critical }) => critical.has(OID.subjectKeyIdentifier),
  },
  {
    section: '4.2.1.1',
    says: 'it does not identify the key of its issuer (authorityKeyIdentifier with keyIdentifier)',
    broken: ({ certificate, extensions: { authorityKeyIdentifier } }, { last }) =>
      certificate.version === 3 && !last && !authorityKeyIdentifier?.keyId,
  },
  {
    section: '4.2.1.2',
    says: 'it is an authority’s, but has no subjectKeyIdentifier',
    broken: subject =>
      subject.certificate.version === 3 && isCa(subject) && !subject.extensions.subjectKeyIdentifier,
  },
]

/** The first rule that a certificate breaks by itself, and what to do about it; undefined when it breaks none. */
export function certificateProblem(
  subject: PathCertificate,
  place: Place,
): readonly [rule: PathRule, message: string] | undefined {
  for (const rule of rules) {
    const found = rule(subject, place)
    if (found) return found
  }
  return undefined
}
