import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  certificate,
  chainOf,
  keyIdOf,
  keyPair,
  named,
  now,
  parsed,
  type Spec,
} from '../../../test/support/chains.ts'
import {
  entry,
  extension,
  hour,
  type ListSpec,
  listOf,
  reasonCode,
  unknownExtension,
  verifiedList,
} from '../../../test/support/revocation-lists.ts'
import {
  bitString,
  boolean,
  DerError,
  encodeTlv,
  enumerated,
  explicit,
  generalizedTime,
  implicit,
  integer,
  namedBitString,
  readDer,
  sequence,
  time,
  utcTime,
} from '../der.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import { certificateExtensions as kinds } from '../extensions/index.ts'
import { issuingDistributionPoint } from '../extensions/issuing-distribution-point.ts'
import { parseName } from '../names.ts'
import { crlReasons, type RevocationReason } from '../revocation-reason.ts'
import { buildCrl, type CrlInput, crlStatus, parseCrl, type RevokedCertificate, verifyCrl } from './index.ts'

const key = keyPair('P-256')
const [root, leaf] = parsed(chainOf([{}, {}]))
const address = 'http://pki.example/crl/1'
const points = (...value: Parameters<typeof kinds.crlDistributionPoints.build>[0]) => ({
  dp: kinds.crlDistributionPoints.build(value),
})
const uri = (value: string): GeneralName => ({ kind: 'uri', value })
const serialOf = (value: number | bigint) => {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}
const build = (input: Partial<CrlInput> = {}) =>
  buildCrl({
    issuer: named('root'),
    issuerKey: key.privateKey,
    number: 1,
    thisUpdate: now - hour,
    nextUpdate: now + hour,
    revoked: [],
    ...input,
  })
const ask = (list: Buffer, certificateAsked = leaf!, at: { now?: number; skewMs?: number } = {}) =>
  crlStatus(verifiedList(list, root!), { certificate: certificateAsked, issuer: root!, now, ...at })

describe('a list that was built', () => {
  const revoked: RevokedCertificate[] = [
    { serial: serialOf(1001), revokedAt: now - hour, reason: 'keyCompromise' },
    { serial: serialOf(7), revokedAt: now - 2 * hour },
    { serial: Buffer.from('ff'.repeat(20), 'hex'), revokedAt: now - 3 * hour, reason: 'unspecified' },
  ]

  test('says who is revoked, since when and why, and that nobody else is', () => {
    const list = build({ revoked })
    assert.deepEqual(ask(list), { status: 'revoked', reason: 'keyCompromise', at: now - hour })
    const other = parsed(chainOf([{}, { serial: 1002 }]))[1]!
    assert.deepEqual(ask(list, other), { status: 'good' })
    const { entries } = parseCrl(list)
    assert.equal(entries.size, 3)
    assert.deepEqual(entries.find(7n), { serial: 7n, revokedAt: now - 2 * hour, reason: 'unspecified' })
    assert.equal(entries.find((1n << 160n) - 1n)?.reason, 'unspecified')
    for (const absent of [0n, -1n, 8n, -249n, 1n << 160n, 1n << 2000n])
      assert.equal(entries.find(absent), undefined)
  })

  test('has its entries in the order of their serial numbers, whatever the order in which they came', () => {
    const content = (list: Buffer) => readDer(list).children()[0]!.raw
    const plain = content(build({ revoked }))
    assert.deepEqual(content(build({ revoked: revoked.toReversed() })), plain)
    assert.deepEqual(content(build({ revoked: new Set(revoked) })), plain)
  })

  test('has its number, its key identifier, its dates and its place', () => {
    const crl = parseCrl(build({ number: 2n ** 100n, distributionPoint: address, scope: 'user' }))
    assert.equal(crl.version, 2)
    assert.equal(crl.number, 2n ** 100n)
    assert.deepEqual(crl.authorityKeyIdentifier?.keyId, keyIdOf(key))
    assert.deepEqual([crl.thisUpdate, crl.nextUpdate], [now - hour, now + hour])
    assert.deepEqual(crl.issuingDistributionPoint, { fullName: [uri(address)], scope: 'user' })
    assert.deepEqual(
      crl.extensions.filter(({ critical }) => critical).map(({ oid }) => oid),
      ['2.5.29.28'],
    )
    assert.deepEqual(
      parseCrl(build({ issuerKeyId: Buffer.from('key') })).authorityKeyIdentifier?.keyId,
      Buffer.from('key'),
    )
  })

  test('has no list of entries when nobody is revoked, and is good for everybody', () => {
    const members = readDer(build()).children()[0]!.children()
    assert.equal(members.length, 6)
    assert.deepEqual(ask(build()), { status: 'good' })
  })

  test('is the same for every moment of revocation as the time that the DER writer writes', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2105-01-01'), noInvalidDate: true }), date => {
        const list = build({ revoked: [{ serial: serialOf(5), revokedAt: date.getTime() }] })
        assert.deepEqual(
          readDer(list).children()[0]!.children()[5]!.children()[0]!.children()[1]!.raw,
          time(date.getTime()),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('holds exactly the serial numbers that were given', () => {
    const serials = fc.uniqueArray(fc.bigInt(0n, (1n << 159n) - 1n), { maxLength: 60 })
    const reasons = Object.keys(crlReasons).filter(name => name !== 'removeFromCRL') as RevocationReason[]
    fc.assert(
      fc.property(serials, serials, fc.constantFrom(...reasons), (mine, others, reason) => {
        const { entries } = parseCrl(
          build({ revoked: mine.map(serial => ({ serial: serialOf(serial), revokedAt: now, reason })) }),
        )
        for (const serial of mine) assert.deepEqual(entries.find(serial), { serial, revokedAt: now, reason })
        for (const serial of others) assert.equal(entries.find(serial) !== undefined, mine.includes(serial))
      }),
      { numRuns: 100 },
    )
  })

  test('holds tens of thousands of entries, found and told apart though they begin alike', () => {
    const revokedAlike = Array.from({ length: 20_000 }, (_, i) => ({
      serial: Buffer.concat([Buffer.alloc(16, 0x41), serialOf(1_000_000 + 7 * ((i * 7919) % 20_000))]),
      revokedAt: now - i * 1000,
    }))
    const { entries } = parseCrl(build({ revoked: revokedAlike }))
    assert.equal(entries.size, 20_000)
    for (const { serial, revokedAt } of revokedAlike.slice(0, 500))
      assert.equal(entries.find(BigInt(`0x${serial.toString('hex')}`))?.revokedAt, revokedAt)
    const next = BigInt(`0x${revokedAlike[0]!.serial.toString('hex')}`) + 1n
    assert.equal(entries.find(next), undefined)
  })
})

describe('no list is built', () => {
  const one = (more: Partial<RevokedCertificate>) => ({
    revoked: [{ serial: serialOf(1), revokedAt: now, ...more }],
  })
  const cases: Readonly<Record<string, Partial<CrlInput>>> = {
    'that ends before it begins': { nextUpdate: now - 2 * hour },
    'that ends when it begins': { thisUpdate: now, nextUpdate: now },
    'with a negative number': { number: -1 },
    'with a number of more than 20 octets': { number: 1n << 159n },
    'with half a number': { number: 1.5 },
    'with no number': { number: Number.NaN },
    'of nobody': { issuer: sequence([]) },
    'of something that is no name': { issuer: Buffer.from('root') },
    'signed with a public key': { issuerKey: key.publicKey },
    'signed with a secret': { issuerKey: createSecretKey(Buffer.alloc(32)) },
    'signed with a short RSA key': { issuerKey: keyPair('RSA 1024').privateKey },
    'with a serial number of no octet': one({ serial: Buffer.alloc(0) }),
    'with a serial number of 21 octets': one({ serial: Buffer.alloc(21, 1) }),
    'with a revocation at no time': one({ revokedAt: Number.NaN }),
    'with a revocation after the year 9999': one({ revokedAt: 1e15 }),
    'with removeFromCRL, which only delta lists know': one({ reason: 'removeFromCRL' }),
    'with a reason that is none': one({ reason: 'constructor' as RevocationReason }),
    'that revokes one twice': {
      revoked: [serialOf(5), serialOf(9), Buffer.from([0, 5])].map(serial => ({ serial, revokedAt: now })),
    },
    'with an address of no ASCII': { distributionPoint: 'http://müller.example' },
    'with an address of two lines': { distributionPoint: 'http://a\nb' },
  }
  for (const [title, input] of Object.entries(cases))
    test(title, () => assert.throws(() => build(input), DerError))
})

describe('a list that others have made is read', () => {
  test('of version 1, without extensions', () => {
    const crl = parseCrl(listOf({ version: [], noExtensions: true, entries: [entry(5)] }))
    assert.equal(crl.version, 1)
    assert.equal(crl.number, undefined)
    assert.equal(crl.entries.find(5n)?.reason, 'unspecified')
  })
  test('with an empty list of entries, and without nextUpdate', () => {
    const crl = parseCrl(listOf({ entries: [], nextUpdate: [] }))
    assert.deepEqual([crl.entries.size, crl.nextUpdate], [0, undefined])
  })
  test('with entries in no order, and extensions that are only told', () => {
    const invalidity = extension('2.5.29.24', false, generalizedTime(now))
    const entries = [9, 300, 2, 70_000, 1].map(n => entry(n, reasonCode(enumerated(n % 6)), invalidity))
    const crl = parseCrl(listOf({ entries }))
    for (const n of [9, 300, 2, 70_000, 1])
      assert.equal(crlReasons[crl.entries.find(BigInt(n))!.reason], n % 6)
    assert.deepEqual(crl.unknownCritical, [])
  })
  test('with negative serial numbers, and with long ones', () => {
    const long = (1n << 900n) + 5n
    const crl = parseCrl(listOf({ entries: [entry(-1), entry(255), entry(long)] }))
    for (const serial of [-1n, 255n, long]) assert.equal(crl.entries.find(serial)?.serial, serial)
    assert.equal(crl.entries.find(1n), undefined)
  })
  test('with more different extensions of entries than are remembered', () => {
    const entries = Array.from({ length: 200 }, (_, i) =>
      entry(i, extension('2.5.29.24', false, generalizedTime(now + i * 1000)), reasonCode(enumerated(1))),
    )
    assert.equal(parseCrl(listOf({ entries })).entries.find(199n)?.reason, 'keyCompromise')
  })
})

describe('no list is', () => {
  const [date, serial] = [utcTime(now), integer(5)]
  const entries = (...members: Buffer[]): ListSpec => ({ entries: [entry(1), sequence(members), entry(7)] })
  const cases: Readonly<Record<string, ListSpec>> = {
    'one of version 3': { version: [integer(2)] },
    'one of version 1 in words': { version: [integer(0)] },
    'one of version 1 with extensions': { version: [] },
    'one of version 1 whose entries have extensions': {
      version: [],
      noExtensions: true,
      entries: [entry(1, reasonCode(enumerated(1)))],
    },
    'one with two signature algorithms': { innerSigning: 'ECDSA SHA-384' },
    'one whose issuer is no name': { issuer: integer(1) },
    'one without thisUpdate': { thisUpdate: sequence([]) },
    'one with three dates': { nextUpdate: [time(now), time(now)] },
    'one with an extension twice': { extensions: { again: extension('2.5.29.20', false, integer(2)) } },
    'one without any extension in its list of them': { extensions: { aki: undefined, number: undefined } },
    'one with a negative number': { extensions: { number: extension('2.5.29.20', false, integer(-1)) } },
    'one with a number of text': { extensions: { number: extension('2.5.29.20', false, Buffer.from('x')) } },
    'one for users and authorities alone': {
      extensions: {
        idp: extension('2.5.29.28', true, sequence([implicit(1, boolean(true)), implicit(2, boolean(true))])),
      },
    },
    'one with a place in the wrong order': {
      extensions: {
        idp: extension('2.5.29.28', true, sequence([implicit(2, boolean(true)), implicit(1, boolean(true))])),
      },
    },
    'one with an entry that is none': { entries: [entry(1), integer(5)] },
    'one with an empty entry': entries(),
    'one with an entry without serial number': entries(date),
    'one with an entry without date': entries(serial),
    'one with an entry with another date': entries(serial, generalizedTime(now), date),
    'one with an entry whose date is a number': entries(serial, serial),
    'one with an entry with something behind': entries(
      serial,
      date,
      sequence([reasonCode(enumerated(1))]),
      date,
    ),
    'one with an entry with empty extensions': entries(serial, date, sequence([])),
    'one with an entry with an extension twice': {
      entries: [entry(1, reasonCode(enumerated(1)), reasonCode(enumerated(1)))],
    },
    'one with an entry of reason 7': { entries: [entry(1, reasonCode(enumerated(7)))] },
    'one with an entry of reason 11': { entries: [entry(1, reasonCode(enumerated(11)))] },
    'one with an entry whose reason is an INTEGER': { entries: [entry(1, reasonCode(integer(1)))] },
    'one with a serial number of 128 octets': { entries: [entry(1n << 1020n)] },
  }
  for (const [title, spec] of Object.entries(cases))
    test(title, () => assert.throws(() => parseCrl(listOf(spec)), DerError))

  const good = build()
  const [content, algorithm] = readDer(good).children()
  const others: Readonly<Record<string, Buffer>> = {
    'a certificate': root!.raw,
    nothing: Buffer.alloc(0),
    text: Buffer.from('-----BEGIN X509 CRL-----'),
    'a primitive that looks like half a list': Buffer.from('800130', 'hex'),
    'an empty sequence': Buffer.from('3000', 'hex'),
    'one with something behind': Buffer.concat([good, Buffer.from([0])]),
    'one that was cut off': good.subarray(0, -1),
    'one without signature': sequence([content!.raw, algorithm!.raw]),
    'one with a signature of 7 bits': sequence([
      content!.raw,
      algorithm!.raw,
      bitString(Buffer.from([0x80]), 1),
    ]),
  }
  for (const [title, der] of Object.entries(others))
    test(title, () => assert.throws(() => parseCrl(der), DerError))

  test('one that is longer than is allowed', () => {
    assert.throws(() => parseCrl(good, { maxBytes: good.length - 1 }), DerError)
    assert.throws(() => parseCrl(Buffer.alloc(16 * 1024 * 1024 + 1, 0x30)), /more than the 16777216 allowed/)
    parseCrl(good, { maxBytes: good.length })
  })
})

describe('a list of millions of things that are no entries is refused before objects are made of them', () => {
  const many = Buffer.alloc(4_000_000, Buffer.from([5, 0]))
  const filled = encodeTlv(0x30, many)
  const cases: Readonly<Record<string, Buffer>> = {
    'in the whole': filled,
    'in the content': sequence([filled]),
    'behind the content': sequence([sequence([]), filled]),
    'in the name of the issuer': listOf({ issuer: filled }),
    'in the extensions': listOf({ extensions: { x: many } }),
    'in the extensions of an entry': listOf({ entries: [sequence([integer(1), time(now), filled])] }),
    'in the list of entries': listOf({ entries: [many] }),
    'in an entry': listOf({ entries: [filled] }),
  }
  for (const [title, der] of Object.entries(cases))
    test(title, () => {
      const before = process.memoryUsage().heapUsed
      assert.throws(() => parseCrl(der), DerError)
      assert.ok(process.memoryUsage().heapUsed - before < 256 * 1024 * 1024)
    })
})

describe('a list is not believed', () => {
  const verdict = (list: ListSpec, issuer: Spec = {}) =>
    verifyCrl(parseCrl(listOf(list)), parsed(chainOf([issuer]))[0]!)
  const aki = (value: Parameters<typeof kinds.authorityKeyIdentifier.build>[0]) => ({
    extensions: { aki: kinds.authorityKeyIdentifier.build(value) },
  })
  const by = (cn: string, serial: bigint) =>
    aki({ certificate: { issuer: [{ kind: 'dn', name: parseName(named(cn)) }], serial } })
  const cases: Readonly<Record<string, readonly [string, ListSpec, Spec?]>> = {
    'of another name': ['issuer name', { issuer: named('other') }],
    'by another key': ['key identifier', { key: keyPair('P-256', 9) }],
    'by another key that says it is this one': [
      'signature',
      { key: keyPair('P-256', 9), ...aki({ keyId: keyIdOf(key) }) },
    ],
    'by another key that does not say so': [
      'signature',
      { key: keyPair('P-256', 9), extensions: { aki: undefined } },
    ],
    'by a certificate of another issuer': ['key identifier', by('other', 1000n)],
    'by a certificate of another serial number': ['key identifier', by('root', 1n)],
    'by an authority that may not sign lists': [
      'key usage',
      {},
      { extensions: { ku: kinds.keyUsage.build(['keyCertSign']) } },
    ],
    'by an authority with an unreadable extension': [
      'key usage',
      {},
      { extensions: { ku: extension('2.5.29.15', true, integer(1)) } },
    ],
    'by an authority with a short key': [
      'weak key',
      { key: keyPair('RSA 1024'), signing: 'RSA SHA-256' },
      { key: keyPair('RSA 1024') },
    ],
    'signed with SHA-1': ['signature', { signing: 'ECDSA SHA-1' }],
    'signed with RSA and MD5': [
      'signature',
      { key: keyPair('RSA 2048'), signing: 'RSA MD5' },
      { key: keyPair('RSA 2048') },
    ],
    'with a spoilt signature': ['signature', { spoilt: true }],
  }
  for (const [title, [why, list, issuer]] of Object.entries(cases))
    test(title, () => assert.deepEqual(verdict(list, issuer), { ok: false, why }))

  test('but for these', () => {
    for (const [list, issuer] of [
      [{}, {}],
      [by('root', 1000n), {}],
      [{ extensions: { aki: undefined } }, {}],
      [{}, { extensions: { ku: undefined } }],
      [{ key: keyPair('RSA 2048'), signing: 'PSS SHA-256' }, { key: keyPair('RSA 2048') }],
      [{ signing: 'ECDSA SHA-512' }, {}],
      [{ key: keyPair('Ed25519'), signing: 'Ed25519' }, { key: keyPair('Ed25519') }],
    ] as const)
      assert.ok(verdict(list, issuer).ok, JSON.stringify([list, issuer]))
  })
})

describe('a list says nothing about a certificate that is not in it', () => {
  const at = (...names: GeneralName[]) => ({
    extensions: { idp: issuingDistributionPoint.build({ fullName: names }) },
  })
  const place = (...members: Buffer[]) => ({
    extensions: { idp: extension('2.5.29.28', true, sequence(members)) },
  })
  const authority: Spec = { extensions: { bc: kinds.basicConstraints.build({ ca: true }) } }
  const yes = boolean(true)
  const cases: Readonly<Record<string, readonly [string, ListSpec, Spec?]>> = {
    'when it is over': ['stale', { nextUpdate: [time(now - 1000)] }],
    'when it does not say until when': ['stale', { nextUpdate: [] }],
    'before it begins': ['not yet valid', { thisUpdate: time(now + 1000) }],
    'when it is a delta': ['delta', { extensions: { delta: extension('2.5.29.27', true, integer(1)) } }],
    'when it is of authorities alone': ['scope', place(implicit(2, yes))],
    'when it is of users alone, and the certificate an authority’s': [
      'scope',
      place(implicit(1, yes)),
      authority,
    ],
    'when it is of attribute certificates': ['scope', place(implicit(5, yes))],
    'when it is for some reasons': ['scope', place(implicit(3, namedBitString([1])))],
    'when it is another place’s': [
      'scope',
      at(uri(address)),
      { extensions: points({ fullName: [uri(`${address}0`)] }) },
    ],
    'when it has a place, and the certificate none': ['scope', at(uri(address))],
    'when its place is relative to a name': [
      'scope',
      place(explicit(0, implicit(1, sequence([])))),
      { extensions: points({ fullName: [uri(address)] }) },
    ],
    'when at that place somebody else tells of the certificate': [
      'scope',
      at(uri(address)),
      {
        extensions: points({
          fullName: [uri(address)],
          crlIssuer: [{ kind: 'dn', name: parseName(named('root')) }],
        }),
      },
    ],
    'when at that place some reasons are told': [
      'scope',
      at(uri(address)),
      { extensions: points({ fullName: [uri(address)], reasons: ['keyCompromise'] }) },
    ],
    'when the certificate cannot be read': [
      'scope',
      place(implicit(1, yes)),
      { extensions: { bc: extension('2.5.29.19', true, integer(1)) } },
    ],
  }
  for (const [title, [why, list, spec = {}]] of Object.entries(cases)) {
    const asked = parsed(chainOf([{}, spec]))[1]!
    test(title, () => assert.deepEqual(ask(listOf(list), asked), { status: 'unknown', why }))
    test(`${title}, but it is revoked when it is`, () =>
      assert.equal(ask(listOf({ ...list, entries: [entry(1001)] }), asked).status, 'revoked'))
  }

  test('unless it is its own kind, or its own place', () => {
    for (const [list, spec] of [
      [place(implicit(1, yes)), {}],
      [place(implicit(2, yes)), authority],
      [
        at(uri('ldap://a'), uri(address)),
        { extensions: points({ fullName: [uri('http://b')] }, { fullName: [uri(address)] }) },
      ],
      [
        at({ kind: 'dn', name: parseName(named('Place')) }),
        { extensions: points({ fullName: [{ kind: 'dn', name: parseName(named('place')) }] }) },
      ],
    ] as const)
      assert.deepEqual(ask(listOf(list), parsed(chainOf([{}, spec]))[1]!), { status: 'good' })
  })

  test('until clocks that differ are allowed for', () => {
    const early = listOf({ thisUpdate: time(now + 60_000) })
    const late = listOf({ nextUpdate: [time(now - 60_000)] })
    for (const list of [early, late]) {
      assert.equal(ask(list, leaf!, { skewMs: 59_000 }).status, 'unknown')
      assert.equal(ask(list, leaf!, { skewMs: 60_000 }).status, 'good')
    }
    assert.equal(ask(build({ nextUpdate: now }), leaf!, { now }).status, 'good')
  })
})

describe('not even an entry counts', () => {
  const entries = [entry(1001)]
  const indirect = extension('2.5.29.29', true, sequence([explicit(4, named('other'))]))
  const cases: Readonly<Record<string, readonly [string, ListSpec]>> = {
    'in a list with an unknown critical extension': [
      'unknown critical extension',
      { entries, extensions: { x: unknownExtension(true) } },
    ],
    'in a list with an entry that has an unknown critical extension': [
      'unknown critical extension',
      { entries: [...entries, entry(5, unknownExtension(true))] },
    ],
    'in an indirect list': [
      'indirect',
      { entries, extensions: { idp: extension('2.5.29.28', true, sequence([implicit(4, boolean(true))])) } },
    ],
    'in a list with an entry of somebody else': ['indirect', { entries: [entry(5, indirect), ...entries] }],
  }
  for (const [title, [why, list]] of Object.entries(cases))
    test(title, () => assert.deepEqual(ask(listOf(list)), { status: 'unknown', why }))

  test('in the list of another authority, or of its other key', () => {
    const crl = verifiedList(listOf({ entries }), root!)
    const [other, foreign] = parsed(chainOf([{ cn: 'other' }, { serial: 1001 }]))
    const [renewed, newer] = parsed(chainOf([{ key: keyPair('P-256', 9) }, { serial: 1001 }]))
    for (const [certificateAsked, issuer] of [
      [foreign!, other!],
      [foreign!, root!],
      [newer!, renewed!],
    ] as const)
      assert.deepEqual(crlStatus(crl, { certificate: certificateAsked, issuer, now }), {
        status: 'unknown',
        why: 'wrong issuer',
      })
  })

  test('but one of a list with extensions that are not critical does', () => {
    const list = listOf({
      entries: [entry(1001, unknownExtension(false), reasonCode(enumerated(4)))],
      extensions: { x: unknownExtension(false) },
    })
    assert.deepEqual(ask(list), { status: 'revoked', reason: 'superseded', at: now - hour })
  })

  test('and what a delta takes back is not known, what a whole list takes back is revoked', () => {
    const back = [entry(1001, reasonCode(enumerated(8)))]
    const delta = extension('2.5.29.27', true, integer(1))
    assert.deepEqual(ask(listOf({ entries: back, extensions: { delta } })), {
      status: 'unknown',
      why: 'delta',
    })
    assert.equal(ask(listOf({ entries: back })).status, 'revoked')
  })
})

test('no flipped bit leaves a list that is believed', () => {
  const list = build({
    revoked: [{ serial: serialOf(1001), revokedAt: now, reason: 'keyCompromise' }],
    distributionPoint: address,
  })
  fc.assert(
    fc.property(fc.nat(list.length * 8 - 1), bit => {
      const spoilt = Buffer.from(list)
      spoilt[bit >> 3]! ^= 1 << (bit & 7)
      try {
        assert.equal(verifyCrl(parseCrl(spoilt), root!).ok, false)
      } catch (error) {
        assert.ok(error instanceof DerError, String(error))
      }
    }),
    { numRuns: 1500 },
  )
})

test('whatever is done to a list, it is read or refused with a DerError', () => {
  const revoked = Array.from({ length: 5 }, (_, i) => ({
    serial: randomBytes(1 + i),
    revokedAt: now,
    reason: 'superseded' as const,
  }))
  const list = build({ revoked, distributionPoint: address })
  const change = fc.record({ at: fc.nat(list.length - 1), octet: fc.nat(255), insert: fc.boolean() })
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.array(change, { minLength: 1, maxLength: 4 })),
      input => {
        const octets = input instanceof Uint8Array ? [...input] : [...list]
        if (!(input instanceof Uint8Array))
          for (const { at, octet, insert } of input) octets.splice(at, insert ? 0 : 1, octet)
        try {
          const crl = parseCrl(Buffer.from(octets))
          crl.entries.find(1001n)
          assert.ok(!verifyCrl(crl, root!).ok || Buffer.from(octets).equals(list))
        } catch (error) {
          assert.ok(error instanceof DerError, String(error))
        }
      },
    ),
    { numRuns: 2000 },
  )
})

test('a certificate that others signed with the same serial number is another one', () => {
  const impostor = parsed([
    certificate({
      subject: named('leaf'),
      issuer: named('root'),
      serial: 1001,
      notBefore: now,
      notAfter: now,
      key: keyPair('P-256', 1),
      signer: keyPair('P-256', 9),
    }),
  ])[0]!
  const crl = verifiedList(build({ revoked: [{ serial: serialOf(1001), revokedAt: now }] }), root!)
  const [other] = parsed(chainOf([{ key: keyPair('P-256', 9) }]))
  assert.equal(crlStatus(crl, { certificate: impostor, issuer: other!, now }).status, 'unknown')
})
