import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type Case,
  chainOf,
  type KeyKind,
  keyIdOf,
  keyPair,
  named,
  nameOf,
  now,
  opensslVerdicts,
  parsed,
  type SigningName,
  type Spec,
} from '../../../test/support/chains.ts'
import {
  boolean,
  contextPrimitive,
  encodeTlv,
  explicit,
  implicit,
  integer,
  oid,
  printableString,
  sequence,
  setOf,
  utf8String,
} from '../der.ts'
import { encodeExtension } from '../extensions/extension.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import { certificateExtensions as kinds } from '../extensions/index.ts'
import { buildName, formatName, parseName } from '../names.ts'
import { OID } from '../oids.ts'
import {
  anchorOf,
  type CertificatePolicyInput,
  type PathProblem,
  type ValidPath,
  validatePath,
} from './index.ts'

const args = [
  '-purpose',
  'sslclient',
  '-partial_chain',
  '-auth_level',
  '2',
  '-policy_check',
  '-policy',
  '2.5.29.32.0',
]

function ours({ leaf, sent, roots }: Case, certificatePolicies: CertificatePolicyInput = {}) {
  const [first, ...others] = parsed([leaf, ...sent])
  return validatePath({
    leaf: first!,
    intermediates: others,
    anchors: parsed(roots).map(anchorOf),
    now,
    purpose: 'clientAuth',
    policy: { certificatePolicies },
  })
}

const verdictOf = (result: ValidPath | PathProblem): string =>
  result.ok ? 'OK' : `${result.rule}: ${result.message}`

function caseOf(specs: readonly Spec[], organization: string): Case {
  const [root, ...rest] = chainOf(specs, organization)
  const leaf = rest.pop()!
  return { leaf, sent: rest, roots: [root!] }
}

/** Changes a good chain at one level (0 is the root); `variant` chooses among the ways of doing it, `id` is the chain's own. */
type Mutation = (chain: Spec[], level: number, variant: number, id: string) => void

const of = <T>(choices: readonly T[], variant: number): T => choices[variant % choices.length]!
const extend = (spec: Spec, more: Spec['extensions']): void => {
  spec.extensions = { ...spec.extensions, ...more }
}
const ca = (chain: readonly Spec[], level: number): Spec => chain[level % (chain.length - 1)]!
const below = (chain: readonly Spec[], level: number): Spec => chain[1 + (level % (chain.length - 1))]!
const leafOf = (chain: readonly Spec[]): Spec => chain.at(-1)!
const hour = 3_600_000
const dns = (...names: string[]): GeneralName[] => names.map(value => ({ kind: 'dns', value }))
const policies = (...ids: string[]): Buffer =>
  encodeExtension('2.5.29.32', false, sequence(ids.map(id => sequence([oid(id)]))))
const policyConstraints = (explicitAfter?: number, mappingAfter?: number): Buffer =>
  encodeExtension(
    '2.5.29.36',
    true,
    sequence([
      ...(explicitAfter === undefined ? [] : [implicit(0, integer(explicitAfter))]),
      ...(mappingAfter === undefined ? [] : [implicit(1, integer(mappingAfter))]),
    ]),
  )
const [policyA, policyB, anyPolicy] = ['1.3.6.1.4.1.99999.1', '1.3.6.1.4.1.99999.2', '2.5.29.32.0']

/** What both judge alike. */
const mutations: Readonly<Record<string, Mutation>> = {
  nothing: () => {},
  'a validity that is over or has not begun': (chain, level, variant) => {
    const spec = chain[level % chain.length]!
    if (variant % 2) spec.notAfter = of([now - 1000, now - 20 * hour], variant >> 1)
    else spec.notBefore = of([now + 1000, now + 20 * hour], variant >> 1)
  },
  'a validity that begins now or ends in a second': (chain, level, variant) => {
    const spec = chain[level % chain.length]!
    if (variant % 2) spec.notBefore = now
    else spec.notAfter = now + 1000
  },
  'basicConstraints of an authority': (chain, level, variant) =>
    extend(ca(chain, level), {
      bc: of(
        [
          undefined,
          kinds.basicConstraints.build({ ca: false }),
          kinds.basicConstraints.build({ ca: true }, { critical: false }),
          encodeExtension(OID.basicConstraints, true, sequence([integer(0)])),
          encodeExtension(OID.basicConstraints, true, sequence([boolean(true), integer(-1)])),
        ],
        variant,
      ),
    }),
  'a path length': (chain, level, variant) =>
    extend(ca(chain, level), { bc: kinds.basicConstraints.build({ ca: true, pathLength: variant % 4 }) }),
  'basicConstraints of a leaf': (chain, _, variant) =>
    extend(leafOf(chain), {
      bc: of(
        [kinds.basicConstraints.build({ ca: false }), kinds.basicConstraints.build({ ca: true })],
        variant,
      ),
    }),
  'keyUsage of an authority': (chain, level, variant) =>
    extend(ca(chain, level), {
      ku: of(
        [
          undefined,
          kinds.keyUsage.build(['cRLSign']),
          kinds.keyUsage.build(['digitalSignature']),
          kinds.keyUsage.build(['keyCertSign'], { critical: false }),
          encodeExtension(OID.keyUsage, true, Buffer.from([3, 1, 0])),
        ],
        variant,
      ),
    }),
  'keyUsage of the leaf': (chain, _, variant) =>
    extend(leafOf(chain), {
      ku: of(
        [
          undefined,
          kinds.keyUsage.build(['keyEncipherment']),
          kinds.keyUsage.build(['keyAgreement']),
          kinds.keyUsage.build(['digitalSignature', 'keyCertSign']),
          kinds.keyUsage.build(['nonRepudiation']),
        ],
        variant,
      ),
    }),
  extKeyUsage: (chain, level, variant) =>
    extend(chain[level % chain.length]!, {
      eku: of(
        [
          undefined,
          kinds.extendedKeyUsage.build([OID.serverAuth]),
          kinds.extendedKeyUsage.build([OID.anyExtendedKeyUsage]),
          kinds.extendedKeyUsage.build([OID.clientAuth, OID.serverAuth], { critical: true }),
          kinds.extendedKeyUsage.build([OID.clientAuth]),
          kinds.extendedKeyUsage.build(['1.3.6.1.4.1.99999.7']),
        ],
        variant,
      ),
    }),
  'an extension that nobody knows': (chain, level, variant) =>
    extend(chain[level % chain.length]!, {
      unknown: encodeExtension('1.3.6.1.4.1.99999.9', variant % 2 === 1, utf8String('?')),
    }),
  'a known extension that is critical': (chain, level, variant) => {
    const key = keyPair('P-256', 20)
    const spec = chain[level % chain.length]!
    spec.key = key
    for (const other of chain) if (other.signer) delete other.signer
    extend(
      spec,
      of(
        [
          { ski: kinds.subjectKeyIdentifier.build(keyIdOf(key), { critical: true }) },
          { policies: encodeExtension('2.5.29.32', true, sequence([sequence([oid(policyA)])])) },
          {
            crl: kinds.crlDistributionPoints.build(
              [{ fullName: [{ kind: 'uri', value: 'http://example.com/a.crl' }] }],
              { critical: true },
            ),
          },
          {
            aia: kinds.authorityInformationAccess.build(
              [{ method: OID.ocsp, location: { kind: 'uri', value: 'http://example.com/' } }],
              { critical: true },
            ),
          },
          { san: kinds.subjectAltName.build(dns('a.example.com'), { critical: true }) },
        ],
        variant,
      ),
    )
  },
  authorityKeyIdentifier: (chain, level, variant) => {
    const level1 = 1 + (level % (chain.length - 1))
    const issuer = [{ kind: 'dn', name: { raw: named('somebody else') } }] as const
    const keyId = keyIdOf(chain[level1 - 1]!.key ?? keyPair('P-256', level1 - 1))
    extend(chain[level1]!, {
      aki: of(
        [
          undefined,
          kinds.authorityKeyIdentifier.build({ keyId: Buffer.alloc(20, 7) }),
          kinds.authorityKeyIdentifier.build({ keyId }, { critical: true }),
          kinds.authorityKeyIdentifier.build({ keyId, certificate: { issuer, serial: 1n } }),
          kinds.authorityKeyIdentifier.build({
            keyId,
            certificate: {
              issuer: [{ kind: 'dns', value: 'a.example' }],
              serial: BigInt(chain[level1 - 1]!.serial ?? 1000 + level1 - 1),
            },
          }),
          kinds.authorityKeyIdentifier.build({}),
        ],
        variant,
      ),
    })
  },
  subjectKeyIdentifier: (chain, level, variant) =>
    extend(chain[level % chain.length]!, {
      ski: of([undefined, kinds.subjectKeyIdentifier.build(Buffer.alloc(8, 9))], variant),
    }),
  'a signature that is not right': (chain, level, variant) => {
    const spec = below(chain, level)
    if (variant % 2) spec.spoilt = true
    else spec.signer = keyPair('P-256', 21)
  },
  'an algorithm': (chain, level, variant) => {
    const at = level % (chain.length - 1)
    const [kind, signing] = of<[KeyKind, SigningName]>(
      [
        ['RSA 2048', 'RSA SHA-1'],
        ['RSA 2048', 'RSA MD5'],
        ['P-256', 'ECDSA SHA-1'],
        ['RSA 2048', 'RSA SHA-512'],
        ['RSA 2048', 'PSS SHA-256'],
        ['RSA 2048', 'PSS SHA-384, long salt'],
        ['RSA 2048', 'PSS SHA-256, no salt'],
        ['RSA 2048', 'PSS SHA-1'],
        ['P-384', 'ECDSA SHA-384'],
        ['P-521', 'ECDSA SHA-512'],
        ['P-256', 'ECDSA SHA-512'],
        ['Ed25519', 'Ed25519'],
        ['Ed448', 'Ed448'],
        ['RSA 1024', 'RSA SHA-256'],
      ],
      variant,
    )
    rekey(chain, at, kind)
    chain[at + 1]!.signing = signing
  },
  'the key of the leaf': (chain, _, variant) =>
    rekey(
      chain,
      chain.length - 1,
      of<KeyKind>(['RSA 2048', 'RSA 1024', 'P-384', 'P-521', 'Ed25519', 'Ed448'], variant),
    ),
  'version 1 or 2': (chain, level, variant) => {
    chain[level % chain.length]!.version = of([1, 2], variant)
  },
  'a serial number': (chain, level, variant) => {
    chain[level % chain.length]!.serial = of([0, -5, 2n ** 200n], variant)
  },
  'an empty subject': (chain, level, variant) => {
    const spec = chain[level % chain.length]!
    spec.subject = sequence([])
    extend(spec, {
      san: of(
        [
          undefined,
          kinds.subjectAltName.build(dns('a.example.com')),
          kinds.subjectAltName.build(dns('a.example.com'), { critical: true }),
        ],
        variant,
      ),
    })
  },
  'an empty subjectAltName': chain =>
    extend(leafOf(chain), { san: encodeExtension(OID.subjectAltName, false, sequence([])) }),
  'the issuer in other words': (chain, level, variant, own) => {
    const at = level % (chain.length - 1)
    const id = `${own} ${at}`
    const words = (value: Buffer) => nameOf('2.5.4.3', value)
    chain[at]!.subject = words(utf8String(`Authority of ${id}`))
    chain[at + 1]!.issuer = words(
      of(
        [
          utf8String(`AUTHORITY of ${id}`),
          printableString(`Authority of ${id}`),
          utf8String(`  Authority   of ${id} `),
          utf8String(`Authorityof ${id}`),
          utf8String(`Authority of ${id}.`),
        ],
        variant,
      ),
    )
    if (at === 0) chain[0]!.issuer = chain[0]!.subject!
  },
  'an issuer of two attributes, in any order': (chain, level, variant, own) => {
    const at = level % (chain.length - 1)
    const id = `${own} two ${at}`
    const attributes = [
      sequence([oid('2.5.4.3'), utf8String(id)]),
      sequence([oid('2.5.4.11'), utf8String('a')]),
    ]
    const unsorted = encodeTlv(0x31, Buffer.concat(attributes.toReversed()))
    chain[at]!.subject = sequence([setOf(attributes)])
    chain[at + 1]!.issuer = of(
      [sequence([unsorted]), sequence([setOf(attributes)]), sequence(attributes.map(one => setOf([one])))],
      variant,
    )
    if (at === 0) chain[0]!.issuer = chain[0]!.subject!
  },
  'a new key of the same authority': (chain, level) => {
    const at = level % (chain.length - 1)
    const subject = chain[at]!.subject
    chain.splice(at + 1, 0, {
      key: keyPair('P-256', 22 + at),
      serial: 5000 + at,
      ...(subject && { subject }),
    })
  },
  'name constraints': (chain, level, variant) => {
    extend(leafOf(chain), { san: kinds.subjectAltName.build(dns('a.example.com')) })
    extend(ca(chain, level), {
      nc: kinds.nameConstraints.build(
        of(
          [
            { permitted: dns('example.com') },
            { permitted: dns('example.net') },
            { excluded: dns('example.com') },
            { excluded: dns('b.example.com') },
            { permitted: [...dns('example.net'), ...dns('a.example.com')] },
            { permitted: [{ kind: 'dn', name: { raw: buildName([{ type: 'O', value: 'nobody' }]) } }] },
            { excluded: [{ kind: 'email', value: 'example.com' }] },
          ],
          variant,
        ),
        { critical: variant % 2 === 0 },
      ),
    })
  },
  'a certificate policy that is required': (chain, level, variant) => {
    extend(ca(chain, level), { required: policyConstraints(variant % 3) })
    for (const [i, spec] of chain.entries())
      extend(spec, {
        policies: of([policies(policyA), i === 1 ? policies(policyB) : policies(policyA)], variant),
      })
  },
  'malformed policies': (chain, level, variant) =>
    extend(below(chain, level), {
      policies: policies(policyA, policyA),
      required: of([undefined, policyConstraints(0)], variant),
    }),
}

function rekey(chain: Spec[], at: number, kind: KeyKind): void {
  chain[at]!.key = keyPair(kind, 30)
}

/** What we judge otherwise, and why. */
const differences: Readonly<
  Record<
    string,
    { readonly mutation: Mutation; readonly ours: string; readonly theirs: string; readonly reason: string }
  >
> = {
  'the last second of validity': {
    mutation: (chain, level) => {
      chain[level % chain.length]!.notAfter = now
    },
    ours: 'OK',
    theirs: 'expired',
    reason:
      'RFC 5280 section 4.1.2.5: the period is through notAfter, inclusive; openssl ends it a second earlier',
  },
  'a weak curve': {
    mutation: (chain, _, variant) =>
      rekey(chain, chain.length - 1, of<KeyKind>(['P-224', 'secp256k1'], variant)),
    ours: 'weak key',
    theirs: 'OK',
    reason: 'the checklist admits P-256, P-384 and P-521; openssl judges by bits of security alone',
  },
  'the mask of another digest': {
    mutation: (chain, level) => {
      const at = level % (chain.length - 1)
      rekey(chain, at, 'RSA 2048')
      chain[at + 1]!.signing = 'PSS with another mask'
    },
    ours: 'unsupported signature',
    theirs: 'signature failure',
    reason:
      'the same verdict: node:crypto cannot be told a second digest, and RFC 4055 recommends to use one',
  },
  'one serial number twice': {
    mutation: chain => {
      chain.splice(1, 0, {
        cn: 'root',
        key: keyPair('P-256', 25),
        serial: 77,
      })
      chain[2]!.serial = 77
    },
    ours: 'duplicate',
    theirs: 'OK',
    reason: 'RFC 5280 section 4.1.2.2: revocation could not tell the two apart; openssl does not look',
  },
  'a critical Netscape certificate type': {
    mutation: chain =>
      extend(leafOf(chain), {
        netscape: encodeExtension('2.16.840.1.113730.1.1', true, Buffer.from([3, 2, 7, 0x80])),
      }),
    ours: 'unknown critical extension',
    theirs: 'OK',
    reason: 'nobody has issued these for twenty years, and we do not process them',
  },
  'policies that occur twice, where none is required': {
    mutation: chain => extend(leafOf(chain), { policies: policies(policyA, policyA) }),
    ours: 'malformed extension',
    theirs: 'policy',
    reason: 'the same verdict by another name',
  },
}

const bare = (intermediates: number, organization: string): Spec[] => {
  const chain: Spec[] = Array.from({ length: intermediates + 2 }, () => ({}))
  chain[0]!.subject = named('root', organization)
  return chain
}

interface Plan {
  readonly title: string
  readonly intermediates: number
  readonly mutations: readonly { readonly name: string; readonly level: number; readonly variant: number }[]
}

/** Where nothing says which of two keys of an authority has signed, openssl tries one, and we try both. */
const hasOtherIssuer = ({ mutations: all }: Plan, theirs: string): boolean =>
  all.some(({ name }) => name === 'a new key of the same authority') && theirs.startsWith('error 7 ')

function disagreements(plans: readonly Plan[], label: string): string[] {
  const cases = plans.map((plan, i) => {
    const chain = bare(plan.intermediates, `${label} ${i}`)
    for (const { name, level, variant } of plan.mutations)
      mutations[name]!(chain, level, variant, `${label} ${i}`)
    return caseOf(chain, `${label} ${i}`)
  })
  const theirs = opensslVerdicts(cases, args)
  return plans.flatMap((plan, i) => {
    const verdict = verdictOf(ours(cases[i]!))
    tally[verdict === 'OK' ? 'good' : 'bad']++
    return (verdict === 'OK') === (theirs[i] === 'OK') || hasOtherIssuer(plan, theirs[i]!)
      ? []
      : [`${plan.title} ${JSON.stringify(plan)}: ours ${verdict}; openssl ${theirs[i]}`]
  })
}

const tally = { good: 0, bad: 0 }

describe('openssl verify -x509_strict says the same', () => {
  test('of every single mutation, at every level', () => {
    const plans = Object.keys(mutations).flatMap(name =>
      [0, 1, 2].flatMap(level =>
        Array.from({ length: name === 'an algorithm' ? 14 : 7 }, (_, variant) => ({
          title: name,
          intermediates: 2 - (variant % 2),
          mutations: [{ name, level, variant }],
        })),
      ),
    )
    assert.deepEqual(disagreements(plans, 'single'), [])
  })

  test('of chains with several mutations, chosen by fast-check', () => {
    const mutation = fc.record({
      name: fc.constantFrom(...Object.keys(mutations)),
      level: fc.nat(4),
      variant: fc.nat(20),
    })
    const plan = fc.record({
      title: fc.constant('random'),
      intermediates: fc.nat(4),
      mutations: fc.array(mutation, { maxLength: 3 }),
    })
    assert.deepEqual(disagreements(fc.sample(plan, { numRuns: 300, seed: 5280 }), 'random'), [])
    assert.ok(tally.good > 150 && tally.bad > 150, `${tally.good} good, ${tally.bad} bad`)
  })

  for (const [title, { mutation, ours: rule, theirs, reason }] of Object.entries(differences))
    test(`not of ${title}: ${reason}`, () => {
      const cases = [0, 1].map(variant => {
        const chain = bare(1, `different ${variant}`)
        mutation(chain, 1, variant, `different ${variant}`)
        return caseOf(chain, `different ${variant}`)
      })
      for (const one of cases) assert.equal(verdictOf(ours(one)).split(':')[0], rule)
      for (const words of opensslVerdicts(cases, args)) assert.match(words, new RegExp(theirs))
    })
})

const dn = (...attributes: [string, string][]): GeneralName => ({
  kind: 'dn',
  name: { raw: buildName(attributes.map(([type, value]) => ({ type, value }))) },
})
const email = (value: string): GeneralName => ({ kind: 'email', value })
const uri = (value: string): GeneralName => ({ kind: 'uri', value })
const ip = (value: string): GeneralName => ({ kind: 'ip', value })
const other = (type: string, value: string): GeneralName => ({
  kind: 'other',
  number: 0,
  raw: implicit(0, sequence([oid(type), explicit(0, utf8String(value))])),
})
const upn = '1.3.6.1.4.1.311.20.2.3'

const bases: readonly GeneralName[] = [
  ...dns('example.com', '.example.com', 'a.example.com', 'EXAMPLE.com', 'com', 'other.example'),
  ...['example.com', '.example.com', 'a@example.com', 'A@example.com', 'mail.example.com'].map(email),
  ...['example.com', '.example.com', 'host.example.com'].map(uri),
  ...['192.0.2.0/24', '192.0.2.7/32', '0.0.0.0/0', '2001:db8::/32', '::/0', '192.0.2.128/25'].map(ip),
  dn(['O', 'Example']),
  dn(['O', 'EXAMPLE'], ['OU', 'Clients']),
  dn(['C', 'DE']),
  dn(),
  other(upn, 'a'),
  { kind: 'other', number: 8, raw: encodeTlv(contextPrimitive(8), oid('1.2.3').subarray(2)) },
]

/** Subjects and alternative names to put under each of them. */
const subjects: readonly { readonly subject?: Buffer; readonly san?: readonly GeneralName[] }[] = [
  ...[
    'example.com',
    'a.example.com',
    'A.Example.COM',
    'b.a.example.com',
    'badexample.com',
    '*.example.com',
  ].map(value => ({ san: dns(value) })),
  ...['a@example.com', 'A@EXAMPLE.com', 'b@mail.example.com', 'a@example.net'].map(value => ({
    san: [email(value)],
  })),
  ...[
    'https://example.com/x',
    'https://HOST.example.com:8443/',
    'ldap://host.example.com',
    'urn:a:b',
    'https://x.example.net/',
  ].map(value => ({ san: [uri(value)] })),
  ...['192.0.2.7', '192.0.2.200', '198.51.100.1', '2001:db8::1', '2001:db9::1'].map(value => ({
    san: [ip(value)],
  })),
  { san: [...dns('a.example.com'), email('a@example.net')] },
  { san: [dn(['O', 'Example'], ['CN', 'x'])] },
  { san: [dn(['O', 'Example'], ['OU', ' clients ']), ip('192.0.2.7')] },
  { san: [other(upn, 'a')] },
  { san: [other('1.3.6.1.4.1.99999.5', 'a')] },
  { san: [{ kind: 'other', number: 8, raw: encodeTlv(contextPrimitive(8), oid('1.2.3').subarray(2)) }] },
  {
    subject: buildName([
      { type: 'O', value: 'example' },
      { type: 'CN', value: 'x' },
    ]),
  },
  {
    subject: buildName([
      { type: 'CN', value: 'x' },
      { type: 'O', value: 'Example' },
    ]),
  },
  {
    subject: buildName([
      [
        { type: 'O', value: 'Example' },
        { type: 'CN', value: 'x' },
      ],
    ]),
  },
  {
    subject: buildName([
      { type: 'emailAddress', value: 'a@example.com' },
      { type: 'CN', value: 'x' },
    ]),
  },
  {
    subject: buildName([
      { type: 'CN', value: 'x' },
      { type: 'emailAddress', value: 'b@example.net' },
    ]),
    san: [email('a@example.com')],
  },
  { subject: named('a.example.com') },
  { subject: named('www.example.net') },
  { subject: named('a.example.com'), san: [email('a@example.com')] },
  { subject: named('www.example.net'), san: dns('a.example.com') },
  { subject: named('localhost') },
]

/**
 * The one case that we judge otherwise: openssl takes a wildcard for a name like any other, so that it reaches into
 * an excluded subtree that its issuer could not have a certificate for.
 */
const isStricter = ({ list, base, subject }: Constrained): boolean =>
  list === 'excluded' &&
  base.kind === 'dns' &&
  base.value === 'a.example.com' &&
  subject.san?.[0]?.kind === 'dns' &&
  subject.san[0].value === '*.example.com'

interface Constrained {
  readonly list: 'permitted' | 'excluded'
  readonly base: GeneralName
  readonly subject: (typeof subjects)[number]
}

describe('name constraints', () => {
  test('bind as openssl has them bind: every form of name under every subtree, permitted and excluded', () => {
    const plans = bases.flatMap((base, b) =>
      (['permitted', 'excluded'] as const).flatMap(list =>
        subjects.map((subject, s) => ({ base, list, subject, id: `constraints ${b} ${list}`, s })),
      ),
    )
    const above = new Map<string, Buffer[]>()
    const cases = plans.map(({ base, list, subject, id, s }) => {
      const specs: Spec[] = [
        {},
        { extensions: { nc: kinds.nameConstraints.build({ [list]: [base] }) } },
        {
          serial: 3000 + s,
          cn: `x${s}`,
          ...(subject.subject && { subject: subject.subject }),
          ...(subject.san && { extensions: { san: kinds.subjectAltName.build(subject.san) } }),
        },
      ]
      const made = chainOf(specs, id)
      // One authority for all its leaves, or openssl has to choose between a hundred of one name.
      const [root, authority] = above.get(id) ?? made
      above.set(id, [root!, authority!])
      return { leaf: made[2]!, sent: [authority!], roots: [root!] }
    })
    const theirs = opensslVerdicts(cases, args)
    const different: string[] = []
    let good = 0
    for (const [i, plan] of plans.entries()) {
      const verdict = verdictOf(ours(cases[i]!))
      if (verdict === 'OK') good++
      if ((verdict === 'OK') !== (theirs[i] === 'OK') && !isStricter(plan))
        different.push(
          `${plan.list} ${JSON.stringify({ ...plan.base, name: undefined, raw: undefined })}, ${JSON.stringify(plan.subject.san ?? formatName(parseName(plan.subject.subject!)))}: ours ${verdict}; openssl ${theirs[i]}`,
        )
    }
    assert.ok(good > 500 && good < plans.length - 300, `${good} good of ${plans.length}`)
    assert.deepEqual(different, [])
  })
})

describe('certificate policies', () => {
  const mapping = (...pairs: [string, string][]): Buffer =>
    encodeExtension('2.5.29.33', true, sequence(pairs.map(pair => sequence(pair.map(oid)))))
  const certificatePolicies = fc.option(
    fc.uniqueArray(fc.constantFrom(policyA, policyB, anyPolicy), { minLength: 1, maxLength: 2 }),
    { freq: 8, nil: undefined },
  )
  const level = fc.record({
    policies: certificatePolicies,
    mappings: fc.option(
      fc.array(fc.tuple(fc.constantFrom(policyA, policyB), fc.constantFrom(policyA, policyB)), {
        minLength: 1,
        maxLength: 2,
      }),
      { freq: 3, nil: undefined },
    ),
    required: fc.option(fc.nat(2), { freq: 3, nil: undefined }),
    inhibitMapping: fc.option(fc.nat(2), { freq: 3, nil: undefined }),
    inhibitAny: fc.option(fc.nat(2), { freq: 3, nil: undefined }),
    selfIssued: fc.nat(2).map(n => n === 0),
  })
  const chains = fc.sample(fc.array(level, { minLength: 2, maxLength: 4 }), { numRuns: 150, seed: 9618 })
  const extensionsOf = (
    one: (typeof chains)[number][number],
    isLeaf: boolean,
  ): Record<string, Buffer | undefined> => ({
    policies: one.policies && policies(...one.policies),
    mappings: isLeaf || !one.mappings ? undefined : mapping(...one.mappings),
    constraints:
      one.required === undefined && one.inhibitMapping === undefined
        ? undefined
        : policyConstraints(one.required, one.inhibitMapping),
    inhibitAny:
      one.inhibitAny === undefined ? undefined : encodeExtension('2.5.29.54', true, integer(one.inhibitAny)),
  })

  /**
   * What is left out: openssl 3.0 maps policies from an anyPolicy that is inhibited, for which there is no node (RFC
   * 5280 section 6.1.3 (d) (2)), and forgets the expected_policy_set of those mapped from one that is not (section
   * 6.1.4 (b) (1)). Vectors for both are in validate-path.test.ts.
   */
  const mapsFromAny = (chain: (typeof chains)[number]): boolean =>
    chain.some(
      one =>
        one.policies?.includes(anyPolicy) && one.mappings?.some(([from]) => !one.policies?.includes(from)),
    )

  for (const [title, options, input] of [
    ['with no wishes', ['-policy', anyPolicy], {}],
    ['where one is required', ['-policy', anyPolicy, '-explicit_policy'], { requireExplicitPolicy: true }],
    [
      'where one of two is required',
      ['-policy', policyA, '-explicit_policy'],
      { accepted: [policyA], requireExplicitPolicy: true },
    ],
    ['where one is accepted', ['-policy', policyB], { accepted: [policyB] }],
    [
      'without mapping',
      ['-policy', anyPolicy, '-explicit_policy', '-inhibit_map'],
      { requireExplicitPolicy: true, inhibitPolicyMapping: true },
    ],
    [
      'without anyPolicy',
      ['-policy', anyPolicy, '-explicit_policy', '-inhibit_any'],
      { requireExplicitPolicy: true, inhibitAnyPolicy: true },
    ],
  ] as const)
    test(`are processed as openssl does, ${title}`, () => {
      const cases = chains.map((chain, i) => {
        const organization = `policies ${title} ${i}`
        let cn = 'root'
        const specs = chain.map((one, depth): Spec => {
          const isLeaf = depth === chain.length - 1
          // Of a leaf, openssl does not count down as RFC 5280 section 6.1.5 (a) does: see validate-path.test.ts.
          if (!one.selfIssued || isLeaf) cn = isLeaf ? 'leaf' : `authority ${depth}`
          return { cn, extensions: extensionsOf(one, isLeaf) }
        })
        return caseOf([{ cn: 'root' }, ...specs], organization)
      })
      const theirs = opensslVerdicts(cases, ['-policy_check', ...options])
      const verdicts = cases.map(one => verdictOf(ours(one, input)))
      const different = verdicts.flatMap((verdict, i) =>
        (verdict === 'OK') === (theirs[i] === 'OK') || mapsFromAny(chains[i]!)
          ? []
          : [`${JSON.stringify(chains[i])}: ours ${verdict}; openssl ${theirs[i]}`],
      )
      const good = verdicts.filter(verdict => verdict === 'OK').length
      assert.deepEqual(different, [])
      assert.ok(good > 10 && good < chains.length - 10, `${good} good of ${chains.length}`)
    })
})
