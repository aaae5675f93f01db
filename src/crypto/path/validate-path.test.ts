import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  chainOf,
  keyIdOf,
  keyPair,
  named,
  nameOf,
  now,
  parsed,
  type Spec,
} from '../../../test/support/chains.ts'
import { type Certificate, parseCertificate } from '../certificate.ts'
import { DerError, encodeTlv, implicit, integer, oid, sequence, utf8String } from '../der.ts'
import { encodeExtension } from '../extensions/extension.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import { certificateExtensions as kinds } from '../extensions/index.ts'
import { buildName } from '../names.ts'
import { OID } from '../oids.ts'
import { anchorOf, type PathInput, type PathProblem, searchLimits, validatePath } from './index.ts'

/** Validates a chain given root first; the root is the anchor. */
function judge(specs: readonly Spec[], more: Partial<PathInput> = {}) {
  const [root, ...rest] = parsed(chainOf(specs))
  const leaf = rest.pop()!
  return validatePath({
    leaf,
    intermediates: rest,
    anchors: [anchorOf(root!)],
    now,
    purpose: 'clientAuth',
    ...more,
  })
}

function problemOf(result: ReturnType<typeof validatePath>): PathProblem {
  assert.ok(!result.ok, 'accepted')
  return result
}

const good: readonly Spec[] = [{}, {}, {}]
const withLeaf = (leaf: Spec): Spec[] => [{}, {}, leaf]
const withAuthority = (authority: Spec): Spec[] => [{}, authority, {}]
const san = (...names: GeneralName[]) => ({ san: kinds.subjectAltName.build(names) })
const dns = (value: string): GeneralName => ({ kind: 'dns', value })
const uri = (value: string): GeneralName => ({ kind: 'uri', value })
const constraints = (more: Parameters<typeof kinds.nameConstraints.build>[0]): Spec => ({
  extensions: { nc: kinds.nameConstraints.build(more) },
})
const pathLength = (n: number): Spec => ({
  extensions: { bc: kinds.basicConstraints.build({ ca: true, pathLength: n }) },
})
const eku = (...purposes: string[]): Spec => ({ extensions: { eku: kinds.extendedKeyUsage.build(purposes) } })

/** An authority whose issuer is told by name and serial number, too. */
const authorityIs = (issuer: string, serial: bigint): Spec => ({
  extensions: {
    aki: kinds.authorityKeyIdentifier.build({
      keyId: keyIdOf(keyPair('P-256')),
      certificate: { issuer: [{ kind: 'dn', name: { raw: named(issuer) } }], serial },
    }),
  },
})
const rsaKey = (n: Buffer, e: Buffer) => ({
  publicKey: createPublicKey({
    key: { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') },
    format: 'jwk',
  }),
  privateKey: keyPair('P-256').privateKey,
})
const modulus = (bits: number) => Buffer.alloc(bits / 8, 0xff)

describe('a path is valid', () => {
  test('and names the chain from the leaf to the anchor’s certificate', () => {
    const [root, authority, leaf] = parsed(chainOf(good))
    const anchor = anchorOf(root!)
    const result = validatePath({
      leaf: leaf!,
      intermediates: [authority!],
      anchors: [anchor],
      now,
      purpose: 'clientAuth',
    })
    assert.deepEqual(result, { ok: true, chain: [leaf, authority, root], anchor, signatureChecks: 2 })
  })

  test('with an anchor that is only a name and a key, which is not in the chain then', () => {
    const [root, authority, leaf] = parsed(chainOf(good))
    const anchors = [{ subject: root!.subject, spki: root!.spki }]
    const result = validatePath({
      leaf: leaf!,
      intermediates: [authority!],
      anchors,
      now,
      purpose: 'clientAuth',
    })
    assert.ok(result.ok)
    assert.deepEqual(result.chain, [leaf, authority])
  })

  test('with an intermediate as the anchor', () => {
    const [, authority, leaf] = parsed(chainOf(good))
    const result = validatePath({
      leaf: leaf!,
      intermediates: [],
      anchors: [anchorOf(authority!)],
      now,
      purpose: 'clientAuth',
    })
    assert.ok(result.ok)
  })

  test('with the leaf itself as the anchor, self-signed or not', () => {
    for (const leaf of [
      parsed(chainOf(good))[2]!,
      parsed(chainOf([{ extensions: { bc: undefined, ku: undefined } }]))[0]!,
    ]) {
      const result = validatePath({
        leaf,
        intermediates: [],
        anchors: [anchorOf(leaf)],
        now,
        purpose: 'clientAuth',
      })
      assert.ok(result.ok)
      assert.deepEqual(result.chain, [leaf])
    }
  })

  const cases: Readonly<Record<string, readonly [readonly Spec[], Partial<PathInput>?]>> = {
    'without intermediates': [[{}, {}]],
    'with eleven authorities': [[{}, ...Array.from({ length: 10 }, () => ({})), {}]],
    'from its first second': [withLeaf({ notBefore: now })],
    'to the end of its last second': [withLeaf({ notAfter: now }), { now: now + 999 }],
    'with a path length that is just enough': [[pathLength(1), pathLength(0), {}]],
    'with a self-issued authority, which path lengths do not count': [
      [pathLength(0), { cn: 'root', key: keyPair('P-256', 9) }, {}],
    ],
    'without extKeyUsage, where it is not required': [withLeaf({ extensions: { eku: undefined } })],
    'with extKeyUsage, where it is required': [good, { requireEku: true }],
    'for serverAuth': [withLeaf(eku(OID.serverAuth)), { purpose: 'serverAuth' }],
    'for any purpose, whatever extKeyUsage says': [withLeaf(eku(OID.codeSigning)), { purpose: 'any' }],
    'with a serial number of zero, as RFC 5280 wants users to be prepared for': [withLeaf({ serial: 0 })],
    'with a negative serial number': [withLeaf({ serial: -1 })],
    'signed with SHA-1, if it is the root that signs itself': [
      [{ key: keyPair('RSA 2048'), signing: 'RSA SHA-1' }, {}, {}],
    ],
    'with the serial number of the root': [[{ serial: 1 }, { serial: 1 }, { serial: 1 }]],
    'against the profile, where the operator admits it': [
      withAuthority({ extensions: { aki: undefined, ku: undefined } }),
      { policy: { strict: false } },
    ],
    'with RSA of 1024 bits, where the operator admits it': [
      withLeaf({ key: keyPair('RSA 1024') }),
      { policy: { leastRsaBits: 1024 } },
    ],
    'with another curve, where the operator admits it': [
      withLeaf({ key: keyPair('secp256k1') }),
      { policy: { curves: ['secp256k1', 'prime256v1'] } },
    ],
    'with a root that does not say who issued it': [[{ extensions: { aki: undefined } }, {}, {}]],
    'with an authorityKeyIdentifier that says all it can': [withAuthority(authorityIs('root', 1000n))],
    'when a policy is required two authorities further on, of which one is self-issued': [
      [
        {},
        {
          cn: 'a',
          extensions: { required: encodeExtension('2.5.29.36', true, sequence([implicit(0, integer(2))])) },
        },
        { cn: 'a', key: keyPair('P-256', 9) },
        {},
      ],
    ],
    'when its revocation is known not to be': [good, { revocation: () => 'good' }],
  }
  for (const [title, [specs, more]] of Object.entries(cases))
    test(title, () => {
      const result = judge(specs, more)
      assert.ok(result.ok, result.ok ? '' : result.message)
    })
})

describe('a path is refused by the rule', () => {
  const policy = (id: string, critical = false) => ({
    policy: encodeExtension('2.5.29.32', critical, sequence([sequence([oid(id)])])),
  })
  const mapping = (from: string, to: string) => ({
    mapping: encodeExtension('2.5.29.33', true, sequence([sequence([oid(from), oid(to)])])),
  })
  const anyPolicy = '2.5.29.32.0'
  const explicit = { certificatePolicies: { requireExplicitPolicy: true } }
  const unknown = encodeExtension('1.2.3.4', true, utf8String('?'))
  const cases: readonly (readonly [
    rule: string,
    depth: number,
    title: string,
    says: RegExp,
    specs: readonly Spec[],
    more?: Partial<PathInput>,
  ])[] = [
    [
      'weak key',
      0,
      'an RSA exponent of one',
      /exponent/,
      withLeaf({ key: rsaKey(modulus(2048), Buffer.from([1])) }),
    ],
    [
      'weak key',
      0,
      'an even RSA exponent',
      /exponent/,
      withLeaf({ key: rsaKey(modulus(2048), Buffer.from([4])) }),
    ],
    [
      'unsupported key',
      0,
      'RSA of 16384 bits',
      /larger/,
      withLeaf({ key: rsaKey(modulus(16384), Buffer.from([3])) }),
    ],
    ['unsupported key', 0, 'X25519', /of no type/, withLeaf({ key: generateKeyPairSync('x25519') })],
    [
      'unknown issuer',
      1,
      'another issuer of the issuer',
      /than is known/,
      withAuthority(authorityIs('x', 1000n)),
    ],
    [
      'unknown issuer',
      1,
      'another serial number of the issuer',
      /than is known/,
      withAuthority(authorityIs('root', 1n)),
    ],
    [
      'certificate policy',
      0,
      'anyPolicy of a self-issued leaf, where it is inhibited',
      /is required/,
      [
        {},
        {
          cn: 'a',
          extensions: { ...policy('1.2.3'), inhibit: encodeExtension('2.5.29.54', true, integer(0)) },
        },
        { cn: 'a', extensions: policy(anyPolicy) },
      ],
      { policy: explicit },
    ],
    [
      'certificate policy',
      0,
      'none in a self-issued leaf, which counts',
      /is required/,
      [
        {},
        {
          cn: 'root',
          key: keyPair('P-256', 9),
          extensions: {
            ...policy('1.2.3'),
            required: encodeExtension('2.5.29.36', true, sequence([implicit(0, integer(1))])),
          },
        },
        { cn: 'root', key: keyPair('P-256', 10) },
      ],
    ],
    [
      'expired',
      0,
      'a leaf',
      /until 2026-06-01 11:59:59 UTC: have it renewed/,
      withLeaf({ notAfter: now - 1000 }),
    ],
    [
      'expired',
      1,
      'an authority',
      /^The authority CN=authority 1: /,
      withAuthority({ notAfter: now - 1000 }),
    ],
    ['expired', 2, 'a root', /^The authority CN=root: /, [{ notAfter: now - 1000 }, {}, {}]],
    ['expired', 0, 'a second later', /until/, withLeaf({ notAfter: now }), { now: now + 1000 }],
    ['not yet valid', 0, 'a leaf', /from 2026-06-01 12:00:01/, withLeaf({ notBefore: now + 1000 })],
    ['not yet valid', 2, 'no time at all', /valid from/, good, { now: Number.NaN }],
    ['signature', 0, 'a bit', /forged/, withLeaf({ spoilt: true })],
    ['signature', 1, 'another key', /forged/, withAuthority({ signer: keyPair('P-256', 8) })],
    [
      'weak signature',
      0,
      'SHA-1',
      /1\.2\.840\.113549\.1\.1\.5/,
      [{}, { key: keyPair('RSA 2048') }, { signing: 'RSA SHA-1' }],
    ],
    [
      'weak signature',
      0,
      'MD5',
      /SHA-256 or better/,
      [{}, { key: keyPair('RSA 2048') }, { signing: 'RSA MD5' }],
    ],
    ['weak signature', 1, 'ECDSA with SHA-1', /forged/, withAuthority({ signing: 'ECDSA SHA-1' })],
    [
      'unsupported signature',
      0,
      'PSS with SHA-1',
      /parameters/,
      [{}, { key: keyPair('RSA 2048') }, { signing: 'PSS SHA-1' }],
    ],
    [
      'unsupported signature',
      0,
      'PSS with two digests',
      /parameters/,
      [{}, { key: keyPair('RSA 2048') }, { signing: 'PSS with another mask' }],
    ],
    ['weak key', 0, 'RSA of 1024 bits', /1024 bits, fewer than 2048/, withLeaf({ key: keyPair('RSA 1024') })],
    ['weak key', 0, 'P-224', /secp224r1/, withLeaf({ key: keyPair('P-224') })],
    ['weak key', 0, 'secp256k1', /secp256k1/, withLeaf({ key: keyPair('secp256k1') })],
    ['weak key', 1, 'an authority', /stronger/, withAuthority({ key: keyPair('RSA 1024') })],
    [
      'weak key',
      0,
      'what the operator wants',
      /fewer than 3072/,
      withLeaf({ key: keyPair('RSA 2048') }),
      { policy: { leastRsaBits: 3072 } },
    ],
    [
      'version',
      1,
      'an authority of version 1',
      /of version 1/,
      withAuthority({ version: 1 }),
      { policy: { strict: false } },
    ],
    ['version', 2, 'a root of version 2', /of version 2/, [{ version: 2 }, {}, {}]],
    [
      'not a CA',
      1,
      'no basicConstraints',
      /not an authority/,
      withAuthority({ extensions: { bc: undefined } }),
    ],
    [
      'not a CA',
      1,
      'CA false',
      /not an authority/,
      withAuthority({ extensions: { bc: kinds.basicConstraints.build({ ca: false }) } }),
    ],
    [
      'not a CA',
      1,
      'a leaf that issues',
      /not an authority/,
      [{}, {}, { cn: 'a leaf' }, {}].map((spec, i) =>
        i === 2 ? { ...spec, extensions: { bc: undefined, ku: undefined } } : spec,
      ),
    ],
    ['path length', 1, 'the root', /path length/, [pathLength(0), {}, {}]],
    ['path length', 1, 'an authority', /path length/, [{}, pathLength(0), {}, {}]],
    [
      'path length',
      1,
      'what a later one says more loosely',
      /path length/,
      [pathLength(1), pathLength(5), {}, {}],
    ],
    [
      'key usage',
      1,
      'an authority',
      /keyCertSign/,
      withAuthority({ extensions: { ku: kinds.keyUsage.build(['cRLSign']) } }),
    ],
    [
      'key usage',
      0,
      'a leaf',
      /digitalSignature, keyAgreement/,
      withLeaf({ extensions: { ku: kinds.keyUsage.build(['keyEncipherment']) } }),
    ],
    ['extended key usage', 0, 'a leaf', /does not allow clientAuth/, withLeaf(eku(OID.serverAuth))],
    ['extended key usage', 0, 'any purpose', /clientAuth/, withLeaf(eku(OID.anyExtendedKeyUsage))],
    [
      'extended key usage',
      0,
      'none, where one is required',
      /is required here/,
      withLeaf({ extensions: { eku: undefined } }),
      { requireEku: true },
    ],
    ['extended key usage', 1, 'an authority', /clientAuth/, withAuthority(eku(OID.serverAuth))],
    ['extended key usage', 2, 'a root', /clientAuth/, [eku(OID.emailProtection), {}, {}]],
    ['extended key usage', 0, 'a client as server', /serverAuth/, good, { purpose: 'serverAuth' }],
    ['unknown critical extension', 0, 'a leaf', /1\.2\.3\.4/, withLeaf({ extensions: { unknown } })],
    [
      'unknown critical extension',
      1,
      'an authority',
      /1\.2\.3\.4/,
      withAuthority({ extensions: { unknown } }),
    ],
    ['unknown critical extension', 2, 'a root', /1\.2\.3\.4/, [{ extensions: { unknown } }, {}, {}]],
    [
      'unknown critical extension',
      0,
      'authorityInfoAccess',
      /1\.3\.6\.1/,
      withLeaf({
        extensions: {
          aia: kinds.authorityInformationAccess.build(
            [{ method: OID.ocsp, location: uri('http://example.com') }],
            { critical: true },
          ),
        },
      }),
    ],
    [
      'malformed extension',
      0,
      'a leaf',
      /cannot be read/,
      withLeaf({ extensions: { san: encodeExtension(OID.subjectAltName, false, Buffer.from([5, 0])) } }),
    ],
    [
      'malformed extension',
      1,
      'an authority',
      /negative/,
      withAuthority({ extensions: { any: encodeExtension('2.5.29.54', true, integer(-1)) } }),
    ],
    [
      'malformed extension',
      1,
      'a negative path length',
      /cannot be read/,
      withAuthority({
        extensions: {
          bc: encodeExtension(
            OID.basicConstraints,
            true,
            sequence([encodeTlv(1, Buffer.from([0xff])), integer(-1)]),
          ),
        },
      }),
    ],
    [
      'name constraints',
      0,
      'a host',
      /the dns name "a\.example\.net" is in none/,
      [{}, constraints({ permitted: [dns('example.com')] }), { extensions: san(dns('a.example.net')) }],
    ],
    [
      'name constraints',
      0,
      'a wildcard that reaches into an excluded host',
      /excluded/,
      [{}, constraints({ excluded: [dns('a.example.com')] }), { extensions: san(dns('*.example.com')) }],
    ],
    [
      'name constraints',
      0,
      'what is no host name at all',
      /cannot be compared/,
      [
        {},
        constraints({ excluded: [dns('example.com')] }),
        {
          extensions: {
            san: encodeExtension(
              OID.subjectAltName,
              false,
              sequence([implicit(2, encodeTlv(0x16, Buffer.from('a.example.com.')))]),
            ),
          },
        },
      ],
    ],
    [
      'name constraints',
      0,
      'a root’s constraints',
      /none of the permitted/,
      [constraints({ permitted: [dns('example.com')] }), {}, { extensions: san(dns('a.example.net')) }],
    ],
    [
      'name constraints',
      1,
      'an authority’s own subject',
      /CN=authority 1/,
      [constraints({ permitted: [{ kind: 'dn', name: { raw: named('x') } }] }), {}, {}],
    ],
    [
      'name constraints',
      0,
      'a self-issued leaf',
      /excluded/,
      [
        constraints({ excluded: [{ kind: 'dn', name: { raw: named('root') } }] }),
        { cn: 'root', key: keyPair('P-256', 9) },
        { cn: 'root', key: keyPair('P-256', 10) },
      ],
    ],
    [
      'name constraints',
      0,
      'the second of two constraints',
      /none of/,
      [
        constraints({ permitted: [dns('example.com')] }),
        constraints({ permitted: [dns('b.example.com')] }),
        { extensions: san(dns('a.example.com')) },
      ],
    ],
    [
      'name constraints',
      0,
      'an e-mail address in the subject',
      /the email name "a@example\.net"/,
      [
        {},
        constraints({ permitted: [{ kind: 'email', value: 'example.com' }] }),
        { subject: buildName([{ type: 'emailAddress', value: 'a@example.net' }]) },
      ],
    ],
    [
      'name constraints',
      0,
      'an e-mail address in UTF-8',
      /cannot be compared/,
      [
        {},
        constraints({ permitted: [{ kind: 'email', value: 'example.com' }] }),
        {
          extensions: san({
            kind: 'other',
            number: 0,
            raw: implicit(0, sequence([oid('1.3.6.1.5.5.7.8.9'), utf8String('ü@example.com')])),
          }),
        },
      ],
    ],
    [
      'name constraints',
      0,
      'an e-mail address with two @, of which none is quoted',
      /cannot be compared/,
      [
        {},
        constraints({ permitted: [{ kind: 'email', value: 'example.com' }] }),
        { subject: buildName([{ type: 'emailAddress', value: 'a@example.net@example.com' }]) },
      ],
    ],
    [
      'name constraints',
      0,
      'a host name in user information',
      /cannot be compared/,
      [
        {},
        constraints({ permitted: [uri('example.com')] }),
        { extensions: san(uri('https://example.com:x@example.net/')) },
      ],
    ],
    [
      'name constraints',
      0,
      'an address where a host is wanted',
      /cannot be compared/,
      [{}, constraints({ excluded: [uri('example.com')] }), { extensions: san(uri('https://192.0.2.1/')) }],
    ],
    [
      'name constraints',
      0,
      'a form that we do not look into',
      /rare form/,
      [
        {},
        constraints({ permitted: [{ kind: 'other', number: 8, raw: encodeTlv(0x88, Buffer.from([42])) }] }),
        { extensions: san({ kind: 'other', number: 8, raw: encodeTlv(0x88, Buffer.from([42])) }) },
      ],
    ],
    [
      'certificate policy',
      0,
      'none, where one is required',
      /is required/,
      [{}, { extensions: policy('1.2.3') }, {}],
      { policy: explicit },
    ],
    [
      'certificate policy',
      0,
      'another than the authority’s',
      /is required/,
      [
        {},
        {
          extensions: {
            ...policy('1.2.3'),
            required: encodeExtension('2.5.29.36', true, sequence([implicit(0, integer(0))])),
          },
        },
        { extensions: policy('1.2.4') },
      ],
    ],
    [
      'certificate policy',
      0,
      'not the accepted one',
      /accepted/,
      [{}, { extensions: policy('1.2.3') }, { extensions: policy('1.2.3') }],
      { policy: { certificatePolicies: { requireExplicitPolicy: true, accepted: ['1.2.4'] } } },
    ],
    [
      'certificate policy',
      1,
      'a mapping of anyPolicy',
      /map anyPolicy/,
      [{}, { extensions: { ...policy('1.2.3'), ...mapping(anyPolicy, '1.2.4') } }, {}],
    ],
    [
      'certificate policy',
      1,
      'a mapping from an inhibited anyPolicy',
      /is required/,
      [
        {},
        { extensions: { ...policy(anyPolicy), ...mapping('1.2.3', '1.2.4') } },
        { extensions: policy('1.2.4') },
      ],
      { policy: { certificatePolicies: { requireExplicitPolicy: true, inhibitAnyPolicy: true } } },
    ],
    ['name chaining', 0, 'no issuer', /names no issuer/, withLeaf({ issuer: sequence([]) })],
    [
      'duplicate',
      1,
      'a serial number given twice',
      /given twice/,
      [{}, { cn: 'root', key: keyPair('P-256', 9), serial: 5 }, { serial: 5 }, {}],
    ],
    [
      'revoked',
      1,
      'an authority',
      /for another key/,
      good,
      { revocation: ({ serial }) => (serial === 1001n ? 'revoked' : 'good') },
    ],
    [
      'revocation unknown',
      0,
      'a leaf',
      /configured, and reached/,
      good,
      { revocation: ({ serial }) => (serial === 1002n ? 'unknown' : 'good') },
    ],
    [
      'too long',
      0,
      'eleven others',
      /came with 11 others/,
      [{}, ...Array.from({ length: 11 }, () => ({})), {}],
    ],
    [
      'profile',
      1,
      'keyUsage',
      /RFC 5280 section 4\.2\.1\.3/,
      withAuthority({ extensions: { ku: undefined } }),
    ],
    [
      'profile',
      1,
      'basicConstraints',
      /not critical/,
      withAuthority({ extensions: { bc: kinds.basicConstraints.build({ ca: true }, { critical: false }) } }),
    ],
    ['profile', 0, 'authorityKeyIdentifier', /4\.2\.1\.1$/, withLeaf({ extensions: { aki: undefined } })],
    ['profile', 1, 'subjectKeyIdentifier', /4\.2\.1\.2$/, withAuthority({ extensions: { ski: undefined } })],
    [
      'profile',
      0,
      'keyCertSign without CA',
      /not an authority/,
      withLeaf({ extensions: { ku: kinds.keyUsage.build(['digitalSignature', 'keyCertSign']) } }),
    ],
    ['profile', 0, 'no name', /names no subject/, withLeaf({ subject: sequence([]) })],
  ]
  for (const [rule, depth, title, says, specs, more] of cases)
    test(`${rule}: ${title}`, () => {
      const problem = problemOf(judge(specs, more))
      assert.deepEqual([problem.rule, problem.depth], [rule, depth], problem.message)
      assert.match(problem.message, says)
      assert.ok(problem.message.includes(problem.subject))
    })

  test('certificate policy: not when an accepted one was mapped from anyPolicy, and reached through another anyPolicy', () => {
    const specs = [
      {},
      { extensions: { ...policy(anyPolicy), ...mapping('1.2.3', '1.2.4') } },
      { extensions: policy(anyPolicy) },
      { extensions: policy('1.2.4') },
    ]
    for (const [accepted, ok] of [
      [['1.2.3'], true],
      [['1.2.5'], false],
    ] as const)
      assert.equal(
        judge(specs, { policy: { certificatePolicies: { accepted, requireExplicitPolicy: true } } }).ok,
        ok,
      )
  })
})

describe('an anchor without a certificate', () => {
  test('must have a strong key', () => {
    const [root, leaf] = parsed(chainOf([{ key: keyPair('RSA 1024'), signing: 'RSA SHA-256' }, {}]))
    const anchors = [{ subject: root!.subject, spki: root!.spki }]
    const problem = problemOf(validatePath({ leaf: leaf!, intermediates: [], anchors, now, purpose: 'any' }))
    assert.deepEqual([problem.rule, problem.depth, problem.subject], ['weak key', 1, 'CN=root'])
    assert.match(problem.message, /^The trusted authority CN=root: .* trust another key$/)
  })
})

describe('a leaf that is trusted itself', () => {
  const [own] = parsed(chainOf([{ cn: 'own', extensions: { bc: undefined, ski: undefined } }]))
  const judged = (more: Partial<PathInput>) =>
    validatePath({ leaf: own!, intermediates: [], anchors: [anchorOf(own!)], now, purpose: 'any', ...more })

  test('need not keep the profile, and nobody can revoke it but the operator', () =>
    assert.ok(judged({ revocation: () => 'unknown' }).ok))

  test('must still be valid, and good for the purpose', () => {
    assert.equal(problemOf(judged({ now: now + 1e10 })).rule, 'expired')
    assert.equal(problemOf(judged({ purpose: 'clientAuth' })).rule, 'key usage')
  })
})

describe('an issuer that is not known is named', () => {
  const [root, authority, leaf] = parsed(chainOf(good))
  const validate = (intermediates: Certificate[], trusted: Certificate[], subject = leaf!) =>
    problemOf(
      validatePath({
        leaf: subject,
        intermediates,
        anchors: trusted.map(anchorOf),
        now,
        purpose: 'clientAuth',
      }),
    )
  const keyId = (level: number) => keyIdOf(keyPair('P-256', level)).toString('hex')

  test('when an intermediate is missing', () => {
    const problem = validate([], [root!])
    assert.equal(problem.rule, 'unknown issuer')
    assert.deepEqual(problem.missing, { issuer: 'CN=authority 1', keyId: keyId(1) })
    assert.match(problem.message, /^The certificate of CN=leaf: its issuer CN=authority 1 \(key identifier /)
    assert.equal(problem.certificate, leaf)
  })

  test('when the root is not trusted, whether it was sent or not', () => {
    for (const sent of [[authority!], [authority!, root!]])
      assert.equal(validate(sent, []).missing?.issuer, 'CN=root')
    assert.match(
      validate([authority!, root!], []).message,
      /^The authority CN=root: it is a root that is not trusted/,
    )
  })

  test('when the leaf is self-signed', () => {
    const [own] = parsed(chainOf([{ cn: 'own' }]))
    assert.match(validate([], [root!], own).message, /self-signed, and not trusted/)
  })

  test('when its name is known, but with another key', () => {
    const [other] = parsed(chainOf([{ key: keyPair('P-256', 7) }]))
    const problem = validate([authority!], [other!])
    assert.deepEqual([problem.rule, problem.depth], ['unknown issuer', 1])
    assert.match(problem.message, /issued by another key \(key identifier .*\) of CN=root than is known here/)
  })

  test('but not when an extension cannot be read: nothing it says of its issuer counts', () => {
    const broken = encodeExtension(OID.keyUsage, true, Buffer.from([5, 0]))
    const [, unread] = parsed(chainOf([{}, { extensions: { ku: broken } }]))
    assert.equal(validate([], [], unread).rule, 'malformed extension')
  })

  test('and not when a forged root of its name is sent: what is sent is not trusted', () => {
    const forged = parsed(chainOf([{ key: keyPair('P-256', 7) }, { signer: keyPair('P-256', 7) }, {}]))
    const problem = validate([forged[1]!, forged[0]!], [root!], forged[2])
    assert.equal(problem.rule, 'unknown issuer')
  })
})

describe('paths are built', () => {
  const anyOrder = <T>(items: readonly T[]): T[][] =>
    items.length < 2
      ? [[...items]]
      : items.flatMap((item, i) => anyOrder(items.filter((_, j) => j !== i)).map(rest => [item, ...rest]))

  test('whatever the order of what was sent, and whatever else was', () => {
    const chain = parsed(chainOf([{}, {}, {}, {}]))
    const [stranger] = parsed(chainOf([{ cn: 'stranger', key: keyPair('P-256', 7) }]))
    for (const intermediates of anyOrder([chain[1]!, chain[2]!, chain[0]!, stranger!])) {
      const result = validatePath({
        leaf: chain[3]!,
        intermediates,
        anchors: [anchorOf(chain[0]!)],
        now,
        purpose: 'clientAuth',
      })
      assert.ok(result.ok)
      assert.deepEqual(result.chain, chain.toReversed())
    }
  })

  test('for the leaf that was given, though another valid leaf was sent with it', () => {
    const [root, authority, leaf] = parsed(chainOf(good))
    const victim = parsed(chainOf(withLeaf({ cn: 'victim', serial: 7, key: keyPair('P-256', 6) })))[2]!
    for (const [mine, other] of [
      [leaf!, victim],
      [victim, leaf!],
    ] as const) {
      const result = validatePath({
        leaf: mine,
        intermediates: [other, authority!, mine],
        anchors: [anchorOf(root!)],
        now,
        purpose: 'clientAuth',
      })
      assert.ok(result.ok)
      assert.equal(result.chain[0], mine)
    }
  })

  test('with the one of several trusted roots of one name that has signed', () => {
    const roots = [0, 1, 2, 3].map(
      n => parsed(chainOf([{ key: keyPair('P-256', 40 + n), extensions: { ski: undefined } }]))[0]!,
    )
    const [, authority, leaf] = parsed(
      chainOf([{ key: keyPair('P-256', 42) }, { extensions: { aki: undefined } }, {}]),
    )
    const result = validatePath({
      leaf: leaf!,
      intermediates: [authority!],
      anchors: roots.map(anchorOf),
      now,
      purpose: 'clientAuth',
      policy: { strict: false },
    })
    assert.ok(result.ok)
    assert.equal(result.anchor.certificate, roots[2])
  })

  test('around an expired root, by a cross-certificate of the new one', () => {
    const key = keyPair('P-256', 0)
    const [old] = parsed(chainOf([{ cn: 'old', key, notAfter: now - 1000 }]))
    const [modern, cross, authority, leaf] = parsed(
      chainOf([{ cn: 'new', key: keyPair('P-256', 50) }, { cn: 'old', key }, {}, {}]),
    )
    for (const intermediates of [
      [authority!, cross!],
      [cross!, authority!],
    ]) {
      const result = validatePath({
        leaf: leaf!,
        intermediates,
        anchors: [anchorOf(old!), anchorOf(modern!)],
        now,
        purpose: 'clientAuth',
      })
      assert.ok(result.ok)
      assert.deepEqual(result.chain, [leaf, authority, cross, modern])
    }
  })

  test('with the issuer’s certificate that is still valid, of two for one key', () => {
    const [, expired] = parsed(chainOf([{}, { notAfter: now - 1000, serial: 8 }]))
    const [root, authority, leaf] = parsed(chainOf(good))
    for (const intermediates of [
      [expired!, authority!],
      [authority!, expired!],
    ]) {
      const result = validatePath({
        leaf: leaf!,
        intermediates,
        anchors: [anchorOf(root!)],
        now,
        purpose: 'clientAuth',
      })
      assert.ok(result.ok)
      assert.equal(result.chain[1], authority)
    }
  })

  test('not through two authorities that certify each other', () => {
    const [a, b] = [keyPair('P-256', 60), keyPair('P-256', 61)]
    const [first, second, leaf] = parsed(
      chainOf([
        { cn: 'a', key: a, issuer: named('b'), signer: b, extensions: { aki: undefined } },
        { cn: 'b', key: b },
        {},
      ]),
    )
    const problem = problemOf(
      validatePath({
        leaf: leaf!,
        intermediates: [first!, second!],
        anchors: [],
        now,
        purpose: 'clientAuth',
      }),
    )
    assert.deepEqual([problem.rule, problem.depth], ['unknown issuer', 2])
    assert.equal(problem.signatureChecks, 2)
  })

  test('and of those that fail, the one that reached an anchor is told of', () => {
    const [root, authority] = parsed(chainOf(withAuthority({ notAfter: now - 1000 })))
    const [, sibling, leaf] = parsed(
      chainOf([{ cn: 'nobody', key: keyPair('P-256', 70) }, { serial: 9 }, {}]),
    )
    for (const intermediates of [
      [authority!, sibling!],
      [sibling!, authority!],
    ])
      assert.equal(
        problemOf(
          validatePath({
            leaf: leaf!,
            intermediates,
            anchors: [anchorOf(root!)],
            now,
            purpose: 'clientAuth',
          }),
        ).rule,
        'expired',
      )
  })

  test('asking for revocation with the issuer whose key has signed, and not of a path that is not valid', () => {
    const asked: string[][] = []
    const revocation: PathInput['revocation'] = (certificate, issuer) => {
      asked.push([`${certificate.serial}`, `${issuer.certificate?.serial}`])
      return 'good'
    }
    assert.ok(judge(good, { revocation }).ok)
    assert.deepEqual(asked, [
      ['1001', '1000'],
      ['1002', '1001'],
    ])
    assert.ok(!judge(withLeaf({ notAfter: now - 1000 }), { revocation }).ok)
    assert.equal(asked.length, 2)
  })
})

describe('the work is bounded', () => {
  const many = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i))
  const plain = { ski: undefined, aki: undefined }
  const measured = (input: Omit<PathInput, 'now' | 'purpose'>) => {
    const start = performance.now()
    const problem = problemOf(validatePath({ now, purpose: 'clientAuth', ...input }))
    return { problem, ms: performance.now() - start }
  }

  test('for ten authorities of one name and key', () => {
    const same = many(10, i => parsed(chainOf([{ cn: 'same', serial: i, extensions: plain }]))[0]!)
    const leaf = parsed(chainOf([{ cn: 'same' }, { extensions: plain }]))[1]!
    const { problem, ms } = measured({ leaf, intermediates: same, anchors: [] })
    assert.equal(problem.rule, 'unknown issuer')
    assert.equal(problem.signatureChecks, 1)
    assert.ok(ms < 500)
  })

  test('for ten authorities of one name with keys that certify each other', () => {
    const key = (i: number) => keyPair('P-256', 80 + (i % 5))
    const web = many(
      10,
      i =>
        parsed(
          chainOf([
            { cn: 'same', serial: i, key: key(i), signer: key(i + 1 + Math.floor(i / 5)), extensions: plain },
          ]),
        )[0]!,
    )
    const leaf = parsed(chainOf([{ cn: 'same', key: key(0) }, { extensions: plain }]))[1]!
    const roots = many(
      20,
      i => parsed(chainOf([{ cn: 'same', key: keyPair('P-256', 100 + i), extensions: plain }]))[0]!,
    )
    for (const anchors of [[], roots.map(anchorOf)]) {
      const { problem, ms } = measured({ leaf, intermediates: web, anchors })
      assert.ok(problem.signatureChecks <= searchLimits.signatureChecks)
      assert.ok(ms < 1000, `${ms} ms`)
      if (anchors.length > 0) {
        assert.equal(problem.rule, 'work limit')
        assert.equal(problem.signatureChecks, searchLimits.signatureChecks)
      }
    }
  })

  test('for thousands of names under thousands of constraints', () => {
    const names = many(3000, i => dns(`a${i}.b`))
    const bases = many(3000, i => dns(`c${i}`))
    const [root, authority, leaf] = chainOf([
      {},
      constraints({ excluded: bases }),
      { extensions: san(...names) },
    ]).map(der => parseCertificate(der, { maxBytes: 1 << 18 }))
    const { problem, ms } = measured({ leaf: leaf!, intermediates: [authority!], anchors: [anchorOf(root!)] })
    assert.equal(problem.rule, 'work limit')
    assert.ok(ms < 1000, `${ms} ms`)
  })

  test('for as many names and constraints as are looked at', () => {
    const names = many(500, i => dns(`a${i}.b`))
    const bases = many(500, i => dns(`c${i}`))
    const start = performance.now()
    const result = judge([{}, constraints({ excluded: bases }), { extensions: san(...names) }])
    assert.ok(result.ok)
    assert.ok(performance.now() - start < 2000)
  })

  test('for policies that multiply at every level', () => {
    const ids = many(40, i => `1.2.3.${i}`)
    const policies = encodeExtension('2.5.29.32', false, sequence(ids.map(id => sequence([oid(id)]))))
    const mappings = encodeExtension(
      '2.5.29.33',
      true,
      sequence(ids.flatMap(from => ids.map(to => sequence([oid(from), oid(to)])))),
    )
    const authority: Spec = { extensions: { policies, mappings } }
    const start = performance.now()
    const result = judge([{}, ...many(10, () => authority), { extensions: { policies } }], {
      policy: { certificatePolicies: { requireExplicitPolicy: true, accepted: ['1.2.4'] } },
    })
    assert.equal(problemOf(result).rule, 'certificate policy')
    assert.ok(performance.now() - start < 2000)
  })

  test('and names in messages are cut short', () => {
    const problem = problemOf(
      judge(withLeaf({ subject: nameOf('2.5.4.3', utf8String('x'.repeat(20_000))), notAfter: now - 1000 })),
    )
    assert.ok(problem.message.length < 1000)
  })
})

test('whatever is done to certificates that can still be read, the answer is a value', () => {
  const chain = chainOf([
    constraints({ permitted: [dns('example.com'), { kind: 'dn', name: { raw: sequence([]) } }] }),
    pathLength(1),
    {
      extensions: {
        ...san(dns('a.example.com'), uri('https://a.example.com')),
        policy: encodeExtension('2.5.29.32', true, sequence([sequence([oid('1.2.3')])])),
      },
    },
  ])
  const change = fc.record({ which: fc.nat(2), at: fc.nat(900), octet: fc.nat(255), insert: fc.boolean() })
  let read = 0
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), changes => {
      const octets = chain.map(der => [...der])
      for (const { which, at, octet, insert } of changes)
        octets[which]!.splice(at % octets[which]!.length, insert ? 0 : 1, octet)
      let certificates: Certificate[]
      try {
        certificates = parsed(octets.map(der => Buffer.from(der)))
      } catch (error) {
        assert.ok(error instanceof DerError)
        return
      }
      read++
      const [root, authority, leaf] = certificates
      for (const purpose of ['clientAuth', 'any'] as const) {
        const result = validatePath({
          leaf: leaf!,
          intermediates: [authority!, root!],
          anchors: [anchorOf(root!)],
          now,
          purpose,
        })
        if (result.ok) assert.ok(leaf!.raw.equals(chain[2]!) && authority!.raw.equals(chain[1]!))
      }
    }),
    { numRuns: 3000 },
  )
  assert.ok(read > 250, `${read}`)
})

test('an extension of any content is a value', () => {
  const ids = [
    OID.nameConstraints,
    OID.basicConstraints,
    OID.subjectAltName,
    OID.authorityKeyIdentifier,
    OID.keyUsage,
  ]
  for (const id of [...ids, '2.5.29.32', '2.5.29.33', '2.5.29.36', '2.5.29.54'])
    for (const value of [Buffer.alloc(0), sequence([]), randomBytes(30), Buffer.alloc(200, 0x30)]) {
      const broken = {
        nc: undefined,
        aki: undefined,
        ku: undefined,
        bc: undefined,
        x: encodeExtension(id, true, value),
      }
      for (const specs of [withLeaf({ extensions: broken }), withAuthority({ extensions: broken })])
        assert.equal(judge(specs).ok, false)
    }
})
