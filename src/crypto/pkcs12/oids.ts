/** Object identifiers of PKCS#12 files by the names of the specifications that define them. */
export const OID = {
  // Content types: RFC 5652 sections 4 to 8
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  encryptedData: '1.2.840.113549.1.7.6',

  // Bags and their attributes: RFC 7292 section 4.2, RFC 2985 section 5.5
  keyBag: '1.2.840.113549.1.12.10.1.1',
  pkcs8ShroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  crlBag: '1.2.840.113549.1.12.10.1.4',
  secretBag: '1.2.840.113549.1.12.10.1.5',
  safeContentsBag: '1.2.840.113549.1.12.10.1.6',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** Of Oracle: Java marks a certificate as trusted with it, and takes no other for a trusted one. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',

  // Encryption of PKCS#12's own: RFC 7292 appendix C
  pbeWithSHAAnd128BitRC4: '1.2.840.113549.1.12.1.1',
  pbeWithSHAAnd40BitRC4: '1.2.840.113549.1.12.1.2',
  pbeWithSHAAnd3KeyTripleDesCbc: '1.2.840.113549.1.12.1.3',
  pbeWithSHAAnd2KeyTripleDesCbc: '1.2.840.113549.1.12.1.4',
  pbeWithSHAAnd128BitRC2Cbc: '1.2.840.113549.1.12.1.5',
  pbeWithSHAAnd40BitRC2Cbc: '1.2.840.113549.1.12.1.6',

  // Encryption and MACs of PKCS#5: RFC 8018 appendices A to C
  pbeWithMD5AndDesCbc: '1.2.840.113549.1.5.3',
  pbeWithSHA1AndDesCbc: '1.2.840.113549.1.5.10',
  pbkdf2: '1.2.840.113549.1.5.12',
  pbes2: '1.2.840.113549.1.5.13',
  pbmac1: '1.2.840.113549.1.5.14',
  hmacWithSHA1: '1.2.840.113549.2.7',
  hmacWithSHA224: '1.2.840.113549.2.8',
  hmacWithSHA256: '1.2.840.113549.2.9',
  hmacWithSHA384: '1.2.840.113549.2.10',
  hmacWithSHA512: '1.2.840.113549.2.11',
  hmacWithSHA512x224: '1.2.840.113549.2.12',
  hmacWithSHA512x256: '1.2.840.113549.2.13',
  rc2Cbc: '1.2.840.113549.3.2',
  desEde3Cbc: '1.2.840.113549.3.7',
  desCbc: '1.3.14.3.2.7',
  /** RFC 7914 section 7. */
  scrypt: '1.3.6.1.4.1.11591.4.11',

  // AES: RFC 3565 section 4.1, RFC 5084 section 3.2
  aes128Cbc: '2.16.840.1.101.3.4.1.2',
  aes128Gcm: '2.16.840.1.101.3.4.1.6',
  aes192Cbc: '2.16.840.1.101.3.4.1.22',
  aes192Gcm: '2.16.840.1.101.3.4.1.26',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  aes256Gcm: '2.16.840.1.101.3.4.1.46',

  // Digests: RFC 3279, RFC 3370, RFC 5754, RFC 8017
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha512x224: '2.16.840.1.101.3.4.2.5',
  sha512x256: '2.16.840.1.101.3.4.2.6',
} as const

/** An identifier for people: its name where we know it. */
export const algorithmName = (oid: string): string =>
  Object.entries(OID).find(([, known]) => known === oid)?.[0] ?? oid
