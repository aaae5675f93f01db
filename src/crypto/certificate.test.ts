import assert from 'node:assert/strict'
import {
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { describe, test } from 'node:test'
import { rootCertificates } from 'node:tls'
import fc from 'fast-check'
import { openssl } from '../../test/support/openssl.ts'
import { buildCertificate, type CertificateInput, parseCertificate, randomSerial } from './certificate.ts'
import {
  bitString,
  boolean,
  DerError,
  encodeTlv,
  explicit,
  generalizedTime,
  implicit,
  integer,
  octetString,
  oid,
  readDer,
  sequence,
  utcTime,
} from './der.ts'
import { encodeExtension } from './extensions/extension.ts'
import { certificateExtensions as kinds, parseCertificateExtensions } from './extensions/index.ts'
import { buildName, formatName, parseName } from './names.ts'
import { OID } from './oids.ts'
import { decodePem, encodePem } from './pem.ts'
import { assembleSigned, encodeSignatureAlgorithm, signatureAlgorithms, verifySigned } from './signed.ts'
import { importSpki, keyIdentifier, parseSpki, spkiOf } from './spki.ts'

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const keys: Readonly<Record<string, Pair>> = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
  'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: generateKeyPairSync('ed25519'),
}
const p256 = keys['P-256']!
const subject = buildName([
  { type: 'C', value: 'DE' },
  [
    { type: 'O', value: 'Example, Inc.' },
    { type: 'OU', value: 'Müller + Söhne' },
  ],
  { type: 'CN', value: '#1 "sender"' },
])
const now = Date.UTC(2026, 5, 1)
const dn = { kind: 'dn', name: parseName(subject) } as const
const uri = (value: string) => ({ kind: 'uri', value }) as const

const selfSigned = (pair: Pair, more: Partial<CertificateInput> = {}) =>
  buildCertificate({
    serial: Buffer.from('0102030405060708', 'hex'),
    issuer: subject,
    subject,
    notBefore: now,
    notAfter: new Date(Date.UTC(2051, 0, 1)),
    publicKey: pair.publicKey,
    issuerKey: pair.privateKey,
    extensions: [
      kinds.basicConstraints.build({ ca: true }),
      kinds.keyUsage.build(['keyCertSign', 'cRLSign']),
    ],
    ...more,
  })

describe('a certificate signed with', () => {
  for (const [title, pair] of Object.entries(keys))
    test(`${title} is accepted by Node and by openssl, and read back as it was said`, () => {
      const der = selfSigned(pair)
      const theirs = new X509Certificate(der)
      const ours = parseCertificate(der)
      assert.ok(theirs.verify(pair.publicKey))
      assert.ok(verifySigned(ours, importSpki(ours.spki.raw)))
      assert.deepEqual(der, ours.raw)
      assert.equal(ours.version, 3)
      assert.equal(ours.serial, 0x0102030405060708n)
      assert.deepEqual([ours.notBefore, ours.notAfter], [now, Date.UTC(2051, 0, 1)])
      assert.equal(theirs.validToDate.getTime(), ours.notAfter)
      assert.deepEqual(ours.spki.raw, theirs.publicKey.export({ type: 'spki', format: 'der' }))
      openssl(
        [
          'verify',
          '-x509_strict',
          '-check_ss_sig',
          '-attime',
          String(now / 1000),
          '-CAfile',
          'c.pem',
          'c.pem',
        ],
        {
          'c.pem': encodePem('CERTIFICATE', der),
        },
      )
    })
})

describe('openssl reads', () => {
  const der = selfSigned(p256, {
    extensions: [
      kinds.basicConstraints.build({ ca: true, pathLength: 1 }),
      kinds.keyUsage.build(['digitalSignature', 'keyAgreement', 'keyCertSign', 'decipherOnly']),
      kinds.extendedKeyUsage.build([OID.clientAuth, OID.ocspSigning]),
      kinds.subjectAltName.build([
        { kind: 'dns', value: '*.example.com' },
        { kind: 'ip', value: '192.0.2.1' },
        { kind: 'ip', value: '2001:db8::1' },
        { kind: 'email', value: 'a@example.com' },
        uri('urn:example:sender'),
        dn,
      ]),
      kinds.crlDistributionPoints.build([{ fullName: [uri('http://localhost:8480/pki/crl/a.crl')] }]),
      kinds.authorityInformationAccess.build([
        { method: OID.ocsp, location: uri('http://localhost:8480/pki/ocsp') },
        { method: OID.caIssuers, location: uri('http://localhost:8480/pki/ca.pem') },
      ]),
      kinds.nameConstraints.build({
        permitted: [
          { kind: 'dns', value: '.example.com' },
          { kind: 'ip', value: '192.0.2.0/24' },
        ],
        excluded: [
          { kind: 'ip', value: '2001:db8::/33' },
          { kind: 'email', value: 'example.net' },
        ],
      }),
    ],
  })
  const text = openssl(['x509', '-text', '-noout', '-nameopt', 'RFC2253,utf8,-esc_msb', '-in', 'c.pem'], {
    'c.pem': encodePem('CERTIFICATE', der),
  })

  for (const expected of [
    /Serial Number: 72623859790382856/,
    /Signature Algorithm: ecdsa-with-SHA256/,
    /Not Before: Jun {2}1 00:00:00 2026 GMT/,
    /Not After : Jan {2}1 00:00:00 2051 GMT/,
    /Basic Constraints: critical\s+CA:TRUE, pathlen:1/,
    /Key Usage: critical\s+Digital Signature, Key Agreement, Certificate Sign, Decipher Only/,
    /Extended Key Usage: \s+TLS Web Client Authentication, OCSP Signing/,
    /DNS:\*\.example\.com, IP Address:192\.0\.2\.1, IP Address:2001:DB8:0:0:0:0:0:1, email:a@example\.com, URI:urn:example:sender, DirName:/,
    /Full Name:\s+URI:http:\/\/localhost:8480\/pki\/crl\/a\.crl/,
    /OCSP - URI:http:\/\/localhost:8480\/pki\/ocsp\s+CA Issuers - URI:http:\/\/localhost:8480\/pki\/ca\.pem/,
    /Permitted:\s+DNS:\.example\.com\s+IP:192\.0\.2\.0\/255\.255\.255\.0/,
    /Excluded:\s+IP:2001:DB8:0:0:0:0:0:0\/FFFF:FFFF:8000:0:0:0:0:0\s+email:example\.net/,
  ])
    test(expected.source, () => assert.match(text, expected))

  test('the names as we show them', () => {
    assert.ok(text.includes(`Subject: ${formatName(parseCertificate(der).subject)}\n`), text)
  })

  test('both key identifiers', () => {
    const id = keyIdentifier(spkiOf(p256.publicKey))
      .toString('hex')
      .toUpperCase()
      .replace(/..(?=.)/g, '$&:')
    assert.match(text, new RegExp(`Subject Key Identifier: \\s+${id}`))
    assert.match(text, new RegExp(`Authority Key Identifier: \\s+(keyid:)?${id}`))
  })
})

describe('certificates made by others are read', () => {
  const spki = (pem: string) => new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })

  test('every root that Node ships, with its extensions, names, numbers and dates', () => {
    for (const pem of rootCertificates) {
      const theirs = new X509Certificate(pem)
      const ours = parseCertificate(decodePem(pem)[0]!.der)
      assert.equal(ours.serial, BigInt(`0x${theirs.serialNumber}`))
      assert.equal(ours.notBefore, theirs.validFromDate.getTime())
      assert.equal(ours.notAfter, theirs.validToDate.getTime())
      assert.deepEqual(ours.spki.raw, spki(pem))
      assert.equal(
        parseCertificateExtensions(ours.extensions).basicConstraints?.ca,
        ours.version === 3 ? theirs.ca : undefined,
      )
      assert.ok(formatName(ours.subject).length > 0)
    }
  })

  test('what openssl makes: an RSA-PSS signature, a BMPString, a second attribute in an RDN, all extensions', () => {
    const configuration = [
      '[req]',
      'prompt = no',
      'distinguished_name = dn',
      'x509_extensions = ext',
      'string_mask = MASK:0x800',
      'utf8 = yes',
      '[dn]',
      'C = DE',
      'O = Müller',
      '+CN = b',
      '[ext]',
      'subjectKeyIdentifier = hash',
      'basicConstraints = critical, CA:true, pathlen:3',
      'keyUsage = critical, keyCertSign, encipherOnly, keyAgreement',
      'extendedKeyUsage = clientAuth, 1.2.3.4',
      'subjectAltName = DNS:a.example, IP:::1, URI:urn:a, email:a@b.example, otherName:1.2.3;UTF8:x, RID:1.2.3, dirName:crl',
      'crlDistributionPoints = point',
      'authorityInfoAccess = OCSP;URI:http://a.example/',
      'nameConstraints = permitted;IP:10.0.0.0/255.0.0.0, excluded;DNS:.bad.example',
      'certificatePolicies = 1.2.3.4',
      '[crl]',
      'CN = crl',
      '[point]',
      'fullname = URI:http://a.example/crl',
      'CRLissuer = dirName:crl',
      'reasons = keyCompromise, CACompromise',
    ].join('\n')
    const key = keys['RSA 2048']!.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const pem = openssl(
      [
        'req',
        '-x509',
        '-new',
        '-config',
        'c',
        '-key',
        'k',
        '-days',
        '9',
        '-set_serial',
        '-5',
        '-sigopt',
        'rsa_padding_mode:pss',
      ],
      { c: configuration, k: key },
    )
    const certificate = parseCertificate(decodePem(pem)[0]!.der)
    const { subjectAltName, crlDistributionPoints, ...extensions } = parseCertificateExtensions(
      certificate.extensions,
    )
    assert.equal(certificate.serial, -5n)
    assert.equal(formatName(certificate.subject), 'O=Müller+CN=b,C=DE')
    assert.deepEqual(extensions, {
      subjectKeyIdentifier: keyIdentifier(certificate.spki.raw),
      basicConstraints: { ca: true, pathLength: 3 },
      keyUsage: ['keyAgreement', 'keyCertSign', 'encipherOnly'],
      extendedKeyUsage: [OID.clientAuth, '1.2.3.4'],
      authorityInformationAccess: [{ method: OID.ocsp, location: uri('http://a.example/') }],
      nameConstraints: {
        permitted: [{ kind: 'ip', value: '10.0.0.0/8' }],
        excluded: [{ kind: 'dns', value: '.bad.example' }],
      },
      unknownCritical: [],
    })
    const { crlIssuer: [crlIssuer] = [], ...point } = crlDistributionPoints![0]!
    assert.deepEqual(point, {
      fullName: [uri('http://a.example/crl')],
      reasons: ['keyCompromise', 'cACompromise'],
    })
    assert.equal(crlIssuer?.kind === 'dn' && formatName(parseName(crlIssuer.name.raw)), 'CN=crl')
    assert.deepEqual(
      subjectAltName?.map(({ kind }) => kind),
      ['dns', 'ip', 'uri', 'email', 'other', 'other', 'dn'],
    )
  })

  test('version 1, which has no extensions', () => {
    const key = p256.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const request = openssl(['req', '-new', '-key', 'k', '-subj', '/CN=old'], { k: key })
    const pem = openssl(['x509', '-req', '-in', 'r', '-signkey', 'k', '-days', '1'], { k: key, r: request })
    const certificate = parseCertificate(decodePem(pem)[0]!.der)
    assert.deepEqual([certificate.version, certificate.extensions], [1, []])
  })
})

describe('a certificate is refused that', () => {
  const algorithm = signatureAlgorithms[0]!
  const otherAlgorithm = signatureAlgorithms[1]!
  const name = buildName([{ type: 'CN', value: 'a' }])
  const good = {
    version: explicit(0, integer(2)),
    serial: integer(1),
    algorithm: encodeSignatureAlgorithm(algorithm),
    issuer: name,
    validity: sequence([utcTime(now), utcTime(now)]),
    subject: name,
    spki: spkiOf(p256.publicKey),
    extensions: explicit(3, sequence([kinds.basicConstraints.build({ ca: true })])),
  }
  const none = Buffer.alloc(0)
  const made = (more: Partial<typeof good>) =>
    assembleSigned(sequence(Object.values({ ...good, ...more })), algorithm, Buffer.from([0]))
  const usage = kinds.keyUsage.build(['cRLSign'])

  test('(the unchanged one is read)', () => void parseCertificate(made({})))

  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['is followed by something', Buffer.concat([made({}), none, Buffer.from([0])]), /after the end/],
    ['is cut off', made({}).subarray(0, -1), /beyond the end/],
    [
      'is larger than 64 KiB',
      made({ subject: buildName(Array(1100).fill({ type: 'CN', value: 'a'.repeat(64) })) }),
      /65536 allowed/,
    ],
    ['has version 4', made({ version: explicit(0, integer(3)) }), /outside 0 to 2/],
    [
      'has two versions',
      made({ version: explicit(0, Buffer.concat([integer(2), integer(2)])) }),
      /one value/,
    ],
    ['has extensions in version 1', made({ version: none }), /extensions in version 1/],
    ['has extensions in version 2', made({ version: explicit(0, integer(1)) }), /extensions in version 2/],
    [
      'has a unique identifier in version 1',
      made({ version: none, extensions: implicit(1, bitString(Buffer.from([1]))) }),
      /unique identifier in version 1/,
    ],
    ['has no serial number', made({ serial: none }), /sequence, not|INTEGER expected/],
    [
      'names two signature algorithms',
      made({ algorithm: encodeSignatureAlgorithm(otherAlgorithm) }),
      /two different/,
    ],
    ['has an issuer that is text', made({ issuer: octetString(name) }), /name: sequence expected/],
    ['has one date', made({ validity: sequence([utcTime(now)]) }), /notAfter is missing/],
    [
      'has three dates',
      made({ validity: sequence([utcTime(now), utcTime(now), utcTime(now)]) }),
      /validity: unexpected/,
    ],
    [
      'has a date that does not exist',
      made({ validity: sequence([utcTime(now), encodeTlv(0x17, Buffer.from('260230000000Z'))]) }),
      /does not exist/,
    ],
    ['has no key', made({ spki: none }), /SubjectPublicKeyInfo|subjectPublicKeyInfo/],
    [
      'has a key with bits left over',
      made({ spki: sequence([sequence([oid('1.2.3')]), bitString(Buffer.from([0]), 1)]) }),
      /whole octets/,
    ],
    ['has no extension in its list', made({ extensions: explicit(3, sequence([])) }), /extensions is empty/],
    ['has an extension twice', made({ extensions: explicit(3, sequence([usage, usage])) }), /occurs twice/],
    [
      'has an extension without value',
      made({ extensions: explicit(3, sequence([sequence([oid('1.2.3')])])) }),
      /extnValue is missing/,
    ],
    [
      'has an extension with criticality last',
      made({
        extensions: explicit(3, sequence([sequence([oid('1.2.3'), octetString(none), boolean(true)])])),
      }),
      /unexpected boolean/,
    ],
    [
      'has something after the extensions',
      made({ extensions: Buffer.concat([good.extensions, integer(1)]) }),
      /unexpected integer/,
    ],
    ['is a list of nothing', sequence([]), /content is missing/],
    ['is a public key', good.spki, /AlgorithmIdentifier/],
  ]
  for (const [title, der, message] of cases)
    test(title, () => assert.throws(() => parseCertificate(der), { name: 'DerError', message }))

  test('but unique identifiers in version 2 are skipped, as old as they are', () => {
    const identifier = bitString(Buffer.from([1]))
    const extensions = Buffer.concat([implicit(1, identifier), implicit(2, identifier)])
    assert.equal(parseCertificate(made({ version: explicit(0, integer(1)), extensions })).version, 2)
  })

  test('but GeneralizedTime before 2050 is read, as some authorities write it', () => {
    const time = generalizedTime(now)
    assert.equal(parseCertificate(made({ validity: sequence([time, time]) })).notBefore, now)
  })
})

describe('it is refused to build a certificate', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const cases: readonly (readonly [string, Partial<CertificateInput>])[] = [
    ['with serial number zero', { serial: Buffer.alloc(16) }],
    ['without serial number', { serial: Buffer.alloc(0) }],
    ['with a negative serial number', { serial: Buffer.from([0x80]) }],
    ['with a serial number of 21 octets', { serial: Buffer.alloc(21, 1) }],
    ['that ends before it begins', { notAfter: now - 1 }],
    ['without a date', { notBefore: Number.NaN }],
    ['with an extension twice', { extensions: [kinds.subjectKeyIdentifier.build(Buffer.from([1]))] }],
    ['signed with RSA of 1024 bits', { issuerKey: weak.privateKey }],
    [
      'signed with a curve we do not use',
      { issuerKey: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey },
    ],
    ['signed with a key that cannot sign', { issuerKey: generateKeyPairSync('x25519').privateKey }],
    ['signed with a public key', { issuerKey: p256.publicKey }],
    ['with a name that is not DER', { subject: Buffer.from('CN=a') }],
    ['without an issuer', { issuer: buildName([]) }],
    ['for a secret key', { publicKey: createSecretKey(Buffer.alloc(32)) }],
    ['with an extension that is not DER', { extensions: [Buffer.from('a')] }],
  ]
  for (const [title, more] of cases) test(title, () => assert.throws(() => selfSigned(p256, more), DerError))
})

describe('a signature is not accepted', () => {
  const certificate = parseCertificate(selfSigned(p256))
  const signedBy = (more: object) => verifySigned({ ...certificate, ...more }, p256.publicKey)

  test('(the unchanged one is)', () => assert.ok(signedBy({})))
  test('of another key', () =>
    assert.ok(!verifySigned(certificate, generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey)))
  test('of a key of another type', () => assert.ok(!verifySigned(certificate, keys['RSA 2048']!.publicKey)))
  test('when a bit of the content is changed', () => {
    const tbs = Buffer.from(certificate.tbs)
    tbs[tbs.length - 1]! ^= 1
    assert.ok(!signedBy({ tbs }))
  })
  test('that is empty or garbage', () => {
    for (const signature of [Buffer.alloc(0), randomBytes(70)]) assert.ok(!signedBy({ signature }))
  })
  test('with an algorithm that is not in the table, such as SHA-1', () => {
    assert.ok(
      !signedBy({ signatureAlgorithm: { ...certificate.signatureAlgorithm, oid: '1.2.840.10045.4.1' } }),
    )
  })
  test('with parameters that the algorithm does not have', () => {
    assert.ok(
      !signedBy({
        signatureAlgorithm: { ...certificate.signatureAlgorithm, parameters: Buffer.from([5, 0]) },
      }),
    )
  })
})

test('a serial number is positive, of 20 octets, whatever the random bytes', () => {
  for (const fill of [0x00, 0xff]) {
    const serial = randomSerial(bytes => Buffer.alloc(bytes, fill))
    assert.equal(serial.length, 20)
    assert.equal(serial[0]! & 0xc0, 0x40)
  }
})

test('a public key of no known type is an error of ours', () => {
  const spki = sequence([sequence([oid('1.2.3')]), bitString(Buffer.from([0]))])
  assert.equal(parseSpki(spki).algorithm.oid, '1.2.3')
  assert.throws(() => importSpki(spki), DerError)
})

test('a good certificate with octets changed, put in or taken out is read, or refused with a DerError', () => {
  const good = selfSigned(p256, {
    extensions: [
      kinds.basicConstraints.build({ ca: true, pathLength: 1 }),
      kinds.subjectAltName.build([{ kind: 'dns', value: 'a.example' }, { kind: 'ip', value: '::1' }, dn]),
      kinds.nameConstraints.build({ permitted: [{ kind: 'ip', value: '10.0.0.0/8' }] }),
      kinds.crlDistributionPoints.build([{ fullName: [uri('http://a')], reasons: ['keyCompromise'] }]),
      kinds.authorityInformationAccess.build([{ method: OID.ocsp, location: uri('http://a') }]),
      encodeExtension('1.2.3.4', false, Buffer.from([0xff])),
    ],
  })
  const change = fc.record({
    at: fc.nat(good.length - 1),
    kind: fc.constantFrom('set', 'insert', 'delete'),
    octet: fc.nat(255),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), changes => {
      const octets = [...good]
      for (const { at, kind, octet } of changes)
        octets.splice(at, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [octet]))
      try {
        const certificate = parseCertificate(Buffer.from(octets))
        formatName(certificate.subject)
        parseCertificateExtensions(certificate.extensions)
        importSpki(certificate.spki.raw)
      } catch (error) {
        assert.ok(error instanceof DerError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
  readDer(good)
})
