import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DerError, readDer, sequence } from '../der.ts'
import { buildName, parseName } from '../names.ts'
import { OID } from '../oids.ts'
import { authorityInformationAccess } from './authority-information-access.ts'
import { authorityKeyIdentifier } from './authority-key-identifier.ts'
import { basicConstraints } from './basic-constraints.ts'
import { crlDistributionPoints } from './crl-distribution-points.ts'
import { extendedKeyUsage } from './extended-key-usage.ts'
import { type ExtensionKind, encodeExtension, parseExtensionList } from './extension.ts'
import type { GeneralName } from './general-name.ts'
import { certificateExtensions, parseCertificateExtensions } from './index.ts'
import { type KeyUsage, keyUsage, keyUsages } from './key-usage.ts'
import { nameConstraints } from './name-constraints.ts'
import { subjectAltName } from './subject-alt-name.ts'
import { subjectKeyIdentifier } from './subject-key-identifier.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')
const opened = (extension: Buffer) => parseExtensionList(readDer(sequence([extension])))[0]!
const dn: GeneralName = { kind: 'dn', name: parseName(buildName([{ type: 'CN', value: 'a' }])) }

/** Written, read, and both compared. */
function roundTrip<T>(kind: ExtensionKind<T>, value: T, encoding: string): void {
  const { value: written } = opened(kind.build(value))
  assert.equal(written.toString('hex'), encoding.replace(/\s/g, ''))
  assert.deepEqual(kind.parse(written), value)
}

describe('an extension is written and read back', () => {
  test('basicConstraints', () => {
    roundTrip(basicConstraints, { ca: false }, '3000')
    roundTrip(basicConstraints, { ca: true }, '3003 0101ff')
    roundTrip(basicConstraints, { ca: true, pathLength: 0 }, '3006 0101ff 020100')
  })
  test('keyUsage', () => {
    roundTrip(keyUsage, ['digitalSignature'], '03020780')
    roundTrip(keyUsage, ['keyCertSign', 'cRLSign'], '03020106')
    roundTrip(keyUsage, ['keyAgreement', 'decipherOnly'], '0303070880')
  })
  test('extKeyUsage', () => roundTrip(extendedKeyUsage, [OID.clientAuth], '300a 06082b06010505070302'))
  test('subjectKeyIdentifier', () => roundTrip(subjectKeyIdentifier, hex('0102'), '04020102'))
  test('authorityKeyIdentifier', () => {
    roundTrip(authorityKeyIdentifier, { keyId: hex('0102') }, '3004 80020102')
    roundTrip(
      authorityKeyIdentifier,
      { certificate: { issuer: [{ kind: 'dns', value: 'a' }], serial: 5n } },
      '3008 a103 820161 820105',
    )
  })
  test('subjectAltName of every kind', () => {
    roundTrip(
      subjectAltName,
      [{ kind: 'dns', value: '*.example.com' }],
      `300f 820d ${Buffer.from('*.example.com').toString('hex')}`,
    )
    roundTrip(subjectAltName, [{ kind: 'email', value: 'a@b.c' }], '3007 8105 6140622e63')
    roundTrip(subjectAltName, [{ kind: 'uri', value: 'urn:a' }], '3007 8605 75726e3a61')
    roundTrip(subjectAltName, [{ kind: 'ip', value: '127.0.0.1' }], '3006 87047f000001')
    roundTrip(subjectAltName, [{ kind: 'ip', value: '::1' }], `3012 8710 ${'00'.repeat(15)}01`)
    roundTrip(subjectAltName, [dn], '3010 a40e 300c 310a 3008 0603550403 0c0161')
    roundTrip(subjectAltName, [{ kind: 'other', number: 8, raw: hex('88022a03') }], '3004 88022a03')
  })
  test('cRLDistributionPoints', () => {
    const name = { kind: 'uri', value: 'http://a' } as const
    roundTrip(crlDistributionPoints, [{ fullName: [name] }], '3010 300e a00c a00a 8608 687474703a2f2f61')
    roundTrip(
      crlDistributionPoints,
      [{ reasons: ['keyCompromise'], crlIssuer: [dn] }],
      '3018 3016 81020640 a210 a40e 300c 310a 3008 0603550403 0c0161',
    )
    roundTrip(crlDistributionPoints, [{ relativeName: hex('a100') }], '3006 3004 a002 a100')
  })
  test('authorityInfoAccess', () => {
    roundTrip(
      authorityInformationAccess,
      [{ method: OID.ocsp, location: { kind: 'uri', value: 'urn:a' } }],
      '3013 3011 06082b06010505073001 8605 75726e3a61',
    )
  })
  test('nameConstraints', () => {
    roundTrip(nameConstraints, { permitted: [{ kind: 'dns', value: '.a' }] }, '3008 a006 3004 82022e61')
    roundTrip(
      nameConstraints,
      { excluded: [{ kind: 'ip', value: '10.0.0.0/8' }] },
      '300e a10c 300a 8708 0a000000 ff000000',
    )
    roundTrip(
      nameConstraints,
      { excluded: [{ kind: 'ip', value: '::/0' }] },
      `3026 a124 3022 8720 ${'00'.repeat(32)}`,
    )
  })

  test('key usages of every combination', () => {
    fc.assert(
      fc.property(fc.subarray([...keyUsages], { minLength: 1 }), usages => {
        assert.deepEqual(keyUsage.parse(opened(keyUsage.build(usages)).value), usages)
      }),
    )
  })

  test('IPv4 ranges of every prefix, with the bits behind it cleared', () => {
    for (let prefix = 0; prefix <= 32; prefix++) {
      const value = opened(
        nameConstraints.build({ permitted: [{ kind: 'ip', value: `255.255.255.255/${prefix}` }] }),
      ).value
      const [range] = nameConstraints.parse(value).permitted!
      assert.ok(range!.kind === 'ip' && range!.value.endsWith(`/${prefix}`))
      assert.equal(value.subarray(-8, -4).compare(value.subarray(-4)), 0)
    }
  })
})

describe('criticality', () => {
  for (const [title, extension, critical] of [
    ['basicConstraints are critical', basicConstraints.build({ ca: true }), true],
    ['keyUsage is critical', keyUsage.build(['cRLSign']), true],
    ['nameConstraints are critical', nameConstraints.build({ permitted: [dn] }), true],
    ['subjectAltName is not', subjectAltName.build([dn]), false],
    ['subjectAltName is, when told so', subjectAltName.build([dn], { critical: true }), true],
    ['an explicit FALSE, as some certificates have it, is read', hex('300a 0603551d0e 010100 0400'), false],
  ] as const)
    test(title, () => assert.equal(opened(extension).critical, critical))
})

describe('it is refused to build', () => {
  const cases: readonly (readonly [string, () => Buffer])[] = [
    ['a path length without CA', () => basicConstraints.build({ ca: false, pathLength: 0 })],
    ['a negative path length', () => basicConstraints.build({ ca: true, pathLength: -1 })],
    ['no key usage', () => keyUsage.build([])],
    ['a key usage that does not exist', () => keyUsage.build(['sign' as KeyUsage])],
    ['no purpose', () => extendedKeyUsage.build([])],
    ['no alternative name', () => subjectAltName.build([])],
    ['no distribution point', () => crlDistributionPoints.build([])],
    ['an empty distribution point', () => crlDistributionPoints.build([{}])],
    ['no access description', () => authorityInformationAccess.build([])],
    ['no constraint', () => nameConstraints.build({})],
    [
      'a range without prefix',
      () => nameConstraints.build({ permitted: [{ kind: 'ip', value: '10.0.0.0' }] }),
    ],
    [
      'a range beyond 32 bits',
      () => nameConstraints.build({ permitted: [{ kind: 'ip', value: '10.0.0.0/33' }] }),
    ],
    [
      'a range with two prefixes',
      () => nameConstraints.build({ permitted: [{ kind: 'ip', value: '10.0.0.0/8/8' }] }),
    ],
  ]
  for (const [title, build] of cases) test(title, () => assert.throws(build, DerError))

  const names: readonly GeneralName[] = [
    { kind: 'dns', value: '' },
    { kind: 'dns', value: 'a..b' },
    { kind: 'dns', value: 'a.' },
    { kind: 'dns', value: '-a.example' },
    { kind: 'dns', value: 'a_b.example' },
    { kind: 'dns', value: 'bücher.example' },
    { kind: 'dns', value: 'a b' },
    { kind: 'dns', value: '*' },
    { kind: 'dns', value: '*.com' },
    { kind: 'dns', value: 'a.*.example' },
    { kind: 'dns', value: '127.0.0.1' },
    { kind: 'dns', value: `${'a'.repeat(64)}.example` },
    { kind: 'dns', value: `${'a.'.repeat(126)}ab` },
    { kind: 'ip', value: 'localhost' },
    { kind: 'ip', value: '127.0.0.1/8' },
    { kind: 'uri', value: '/path' },
    { kind: 'uri', value: 'urn:a b' },
    { kind: 'email', value: 'a' },
    { kind: 'email', value: 'a@b@c' },
    { kind: 'email', value: 'a@' },
    { kind: 'dns', value: 'good.example\0.evil.example' },
  ]
  for (const name of names)
    test(`the ${name.kind} name ${JSON.stringify('value' in name && name.value)}`, () =>
      assert.throws(() => subjectAltName.build([name]), DerError))
})

describe('it is refused to read', () => {
  const cases: readonly (readonly [string, ExtensionKind<unknown>, string])[] = [
    ['basicConstraints with a path length alone', basicConstraints, '3003 020100'],
    ['basicConstraints with a path length of FALSE', basicConstraints, '3006 010100 020100'],
    ['basicConstraints with a negative path length', basicConstraints, '3006 0101ff 0201ff'],
    ['basicConstraints with something behind', basicConstraints, '3008 0101ff 020100 0500'],
    ['basicConstraints that are a SET', basicConstraints, '3100'],
    ['a keyUsage without a bit', keyUsage, '030100'],
    ['a keyUsage with trailing zeros', keyUsage, '03020080'],
    ['a keyUsage with a tenth bit', keyUsage, '0303060040'],
    ['an empty extKeyUsage', extendedKeyUsage, '3000'],
    ['an extKeyUsage of text', extendedKeyUsage, '3003 0c0161'],
    ['a subjectKeyIdentifier that is bits', subjectKeyIdentifier, '03020102'],
    ['an authorityKeyIdentifier with an issuer and no serial', authorityKeyIdentifier, '3005 a103 820161'],
    ['an authorityKeyIdentifier in the wrong order', authorityKeyIdentifier, '3008 820105 a103 820161'],
    ['an empty subjectAltName', subjectAltName, '3000'],
    ['a DNS name with a zero byte', subjectAltName, '3005 8203 610062'],
    ['a DNS name with an umlaut', subjectAltName, '3004 8202 c3bc'],
    ['an IP address of five octets', subjectAltName, '3007 8705 0102030405'],
    ['an IP address with a mask', subjectAltName, '300a 8708 0a000000ff000000'],
    ['a DNS name in constructed form', subjectAltName, '3002 a200'],
    ['a directory name without its explicit tag', subjectAltName, '3002 a400'],
    ['a general name of tag 9', subjectAltName, '3003 890161'],
    ['a general name of a universal tag', subjectAltName, '3003 0c0161'],
    ['a distribution point without content', crlDistributionPoints, '3002 3000'],
    ['an access description without location', authorityInformationAccess, '300c 300a 06082b06010505073001'],
    ['nameConstraints without content', nameConstraints, '3000'],
    ['nameConstraints with an empty list', nameConstraints, '3002 a000'],
    ['nameConstraints with a minimum', nameConstraints, '300b a009 3007 82022e61 800101'],
    ['an IP range whose mask has a hole', nameConstraints, '300e a00c 300a 8708 0a000000 ff00ff00'],
    ['an IP range without mask', nameConstraints, '300a a008 3006 8704 0a000000'],
  ]
  for (const [title, kind, encoding] of cases)
    test(title, () => assert.throws(() => kind.parse(hex(encoding)), DerError))

  test('a list with the same extension twice', () => {
    const twice = sequence([keyUsage.build(['cRLSign']), keyUsage.build(['cRLSign'])])
    assert.throws(() => parseExtensionList(readDer(twice)), /2\.5\.29\.15 occurs twice/)
  })
  test('an empty list', () => assert.throws(() => parseExtensionList(readDer(sequence([]))), DerError))
})

test('the extensions of a certificate are found by their identifiers, unknown critical ones are named', () => {
  const list = parseExtensionList(
    readDer(
      sequence([
        basicConstraints.build({ ca: true }),
        encodeExtension('1.2.3', true, hex('0500')),
        encodeExtension('1.2.4', false, hex('0500')),
      ]),
    ),
  )
  assert.deepEqual(parseCertificateExtensions(list), {
    basicConstraints: { ca: true },
    unknownCritical: ['1.2.3'],
  })
})

test('random values are read, or refused with a DerError', () => {
  const kinds: readonly ExtensionKind<unknown>[] = Object.values(certificateExtensions)
  const members = fc.array(
    fc.constantFrom(
      '0101ff',
      '020100',
      '820161',
      'a100',
      '8000',
      '0500',
      '06012a',
      '3000',
      'a002a000',
      '87047f000001',
    ),
    { maxLength: 4 },
  )
  const value = members.map(parts => sequence(parts.map(hex)))
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.oneof(value, fc.uint8Array({ maxLength: 60 })),
      (kind, bytes) => {
        try {
          kind.parse(bytes)
        } catch (error) {
          assert.ok(error instanceof DerError, String(error))
        }
      },
    ),
    { numRuns: 2000 },
  )
})
