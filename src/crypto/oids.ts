/** Object identifiers by the names of the specifications that define them. */
export const OID = {
  // Public keys and signatures: RFC 3279, RFC 4055, RFC 5480, RFC 5758, RFC 8410
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256WithRSAEncryption: '1.2.840.113549.1.1.11',
  sha384WithRSAEncryption: '1.2.840.113549.1.1.12',
  sha512WithRSAEncryption: '1.2.840.113549.1.1.13',
  ecPublicKey: '1.2.840.10045.2.1',
  ecdsaWithSHA256: '1.2.840.10045.4.3.2',
  ecdsaWithSHA384: '1.2.840.10045.4.3.3',
  ecdsaWithSHA512: '1.2.840.10045.4.3.4',
  ed25519: '1.3.101.112',

  // Certificate extensions: RFC 5280 section 4.2
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  cRLDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',

  // Extensions of revocation lists and of their entries: RFC 5280 sections 5.2 and 5.3
  cRLNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaCRLIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',

  // Purposes in extKeyUsage: RFC 5280 section 4.2.1.12
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',

  // Access methods in authorityInfoAccess: RFC 5280 section 4.2.2.1
  ocsp: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',

  // OCSP: RFC 6960 sections 4.2.1 and 4.4.1
  ocspBasic: '1.3.6.1.5.5.7.48.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
} as const

/**
 * Attributes of distinguished names: short name as in RFC 4514 section 3 and RFC 4519, the identifier,
 * how the value is written and its upper bound in characters (RFC 5280 appendix A.1).
 */
export interface NameAttributeType {
  readonly type: string
  readonly oid: string
  readonly string: 'utf8' | 'printable' | 'ia5'
  readonly longest: number
}

export const nameAttributeTypes: readonly NameAttributeType[] = [
  { type: 'CN', oid: '2.5.4.3', string: 'utf8', longest: 64 },
  { type: 'SN', oid: '2.5.4.4', string: 'utf8', longest: 32768 },
  { type: 'serialNumber', oid: '2.5.4.5', string: 'printable', longest: 64 },
  { type: 'C', oid: '2.5.4.6', string: 'printable', longest: 2 },
  { type: 'L', oid: '2.5.4.7', string: 'utf8', longest: 128 },
  { type: 'ST', oid: '2.5.4.8', string: 'utf8', longest: 128 },
  { type: 'STREET', oid: '2.5.4.9', string: 'utf8', longest: 128 },
  { type: 'O', oid: '2.5.4.10', string: 'utf8', longest: 64 },
  { type: 'OU', oid: '2.5.4.11', string: 'utf8', longest: 64 },
  { type: 'title', oid: '2.5.4.12', string: 'utf8', longest: 64 },
  { type: 'givenName', oid: '2.5.4.42', string: 'utf8', longest: 32768 },
  { type: 'initials', oid: '2.5.4.43', string: 'utf8', longest: 32768 },
  { type: 'generationQualifier', oid: '2.5.4.44', string: 'utf8', longest: 32768 },
  { type: 'dnQualifier', oid: '2.5.4.46', string: 'printable', longest: 64 },
  { type: 'UID', oid: '0.9.2342.19200300.100.1.1', string: 'utf8', longest: 256 },
  { type: 'DC', oid: '0.9.2342.19200300.100.1.25', string: 'ia5', longest: 63 },
  { type: 'emailAddress', oid: '1.2.840.113549.1.9.1', string: 'ia5', longest: 255 },
]
