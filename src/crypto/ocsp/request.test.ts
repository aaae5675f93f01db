import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { chainOf, keyPair, named, parsed } from '../../../test/support/chains.ts'
import { certId, leaf, nonce, root } from '../../../test/support/ocsp-responses.ts'
import { unknownExtension } from '../../../test/support/revocation-lists.ts'
import { encodeAlgorithm } from '../algorithm-identifier.ts'
import { DerError, explicit, integer, nullValue, octetString, oid, sequence, utf8String } from '../der.ts'
import { parseName } from '../names.ts'
import { buildOcspRequest, certIdMatches, readOcspRequest } from './index.ts'

interface RequestSpec {
  list?: readonly Buffer[]
  extensions?: readonly Buffer[]
  before?: readonly Buffer[]
  behind?: readonly Buffer[]
  after?: readonly Buffer[]
}
const one = (id: Buffer = certId, ...more: Buffer[]) => sequence([id, ...more])
const requestOf = ({ list = [one()], extensions, before = [], behind = [], after = [] }: RequestSpec = {}) =>
  sequence([
    sequence([
      ...before,
      sequence(list),
      ...(extensions ? [explicit(2, sequence(extensions))] : []),
      ...behind,
    ]),
    ...after,
  ])
const id = (
  hash: Buffer,
  name: Buffer = Buffer.alloc(20, 1),
  key: Buffer = Buffer.alloc(20, 2),
  serial = integer(5),
) => sequence([hash, octetString(name), octetString(key), serial])

describe('a question is read', () => {
  test('as it was built', () => {
    for (const hash of [undefined, 'sha1', 'sha256'] as const)
      for (const length of [1, 32, 128]) {
        const sent = randomBytes(length)
        const request = readOcspRequest(
          buildOcspRequest({ certificate: leaf, issuer: root, nonce: sent, ...(hash && { hash }) }),
        )
        assert.deepEqual([request.nonce, request.signed, request.certIds.length], [sent, false, 1])
        assert.equal(request.certIds[0]!.serial, leaf.serial)
        assert.equal(request.certIds[0]!.hash, hash ?? 'sha1')
        assert.ok(certIdMatches(request.certIds[0]!, root))
      }
  })
  test('without nonce', () => {
    assert.equal(readOcspRequest(buildOcspRequest({ certificate: leaf, issuer: root })).nonce, undefined)
  })
  test('with 32 certificates, in their order', () => {
    const list = Array.from({ length: 32 }, (_, i) =>
      one(id(encodeAlgorithm('1.2.3', 'absent'), undefined, undefined, integer(i))),
    )
    const { certIds } = readOcspRequest(requestOf({ list }))
    assert.deepEqual(
      certIds.map(({ serial }) => serial),
      list.map((_, i) => BigInt(i)),
    )
  })
  test('with a version, a name of who asks, and extensions that are not critical', () => {
    const request = readOcspRequest(
      requestOf({
        before: [explicit(0, integer(0)), explicit(1, explicit(4, named('me')))],
        list: [one(certId, explicit(0, sequence([unknownExtension(false)])))],
        extensions: [unknownExtension(false), nonce(octetString(Buffer.from('n')))],
      }),
    )
    assert.deepEqual(request.nonce, Buffer.from('n'))
  })
  test('with a signature, which nobody verifies', () => {
    assert.ok(readOcspRequest(requestOf({ after: [explicit(0, sequence([]))] })).signed)
  })
  test('in another digest, whose certificates nobody has', () => {
    const { certIds } = readOcspRequest(
      requestOf({ list: [one(id(encodeAlgorithm('2.16.840.1.101.3.4.2.2', 'null')))] }),
    )
    assert.deepEqual([certIds[0]!.hash, certIds[0]!.hashOid], [undefined, '2.16.840.1.101.3.4.2.2'])
    assert.ok(!certIdMatches(certIds[0]!, root))
  })
})

describe('a certificate is one of an issuer', () => {
  const idOf = (issuer = root, certificate = leaf) =>
    readOcspRequest(buildOcspRequest({ certificate, issuer })).certIds[0]!
  test('by name and key', () => {
    const [sameName] = parsed(chainOf([{ key: keyPair('P-256', 9) }]))
    const [sameKey] = parsed(chainOf([{ cn: 'other' }]))
    assert.ok(certIdMatches(idOf(), root))
    assert.ok(!certIdMatches(idOf(), sameName!))
    assert.ok(!certIdMatches(idOf(), sameKey!))
    assert.ok(!certIdMatches(idOf(sameName!), root))
    assert.ok(!certIdMatches(idOf(root, { ...leaf, issuer: parseName(named('other')) }), root))
  })
  test('whether the digest has NULL for parameters or none, but not with others', () => {
    const { issuerNameHash, issuerKeyHash } = idOf()
    const matches = (hash: Buffer) => {
      const [read] = readOcspRequest(
        requestOf({ list: [one(id(hash, issuerNameHash, issuerKeyHash))] }),
      ).certIds
      return certIdMatches(read!, root)
    }
    assert.ok(matches(encodeAlgorithm('1.3.14.3.2.26', 'null')))
    assert.ok(matches(encodeAlgorithm('1.3.14.3.2.26', 'absent')))
    assert.ok(!matches(sequence([oid('1.3.14.3.2.26'), integer(1)])))
    assert.ok(!matches(encodeAlgorithm('2.16.840.1.101.3.4.2.1', 'null')))
  })
})

describe('malformed is a question', () => {
  const sha1 = encodeAlgorithm('1.3.14.3.2.26', 'null')
  const cases: Readonly<Record<string, RequestSpec>> = {
    'about nothing': { list: [] },
    'about 33 certificates': { list: Array.from({ length: 33 }, () => one()) },
    'of version 2': { before: [explicit(0, integer(1))] },
    'with an empty nonce': { extensions: [nonce(octetString(Buffer.alloc(0)))] },
    'with a nonce of 129 octets': { extensions: [nonce(octetString(Buffer.alloc(129)))] },
    'with a nonce that is a number': { extensions: [nonce(integer(5))] },
    'with a nonce that is bare': { extensions: [nonce(Buffer.from('nonce'))] },
    'with two nonces': {
      extensions: [nonce(octetString(Buffer.alloc(1))), nonce(octetString(Buffer.alloc(1)))],
    },
    'with an empty list of extensions': { extensions: [] },
    'with a critical extension': { extensions: [unknownExtension(true)] },
    'with a certificate with a critical extension': {
      list: [one(certId, explicit(0, sequence([unknownExtension(true)])))],
    },
    'with something behind its certificate': { list: [one(certId, nullValue())] },
    'with something in it': { behind: [integer(1)] },
    'with something behind it': { after: [integer(1)] },
    'with two signatures in one': { after: [explicit(0, Buffer.concat([nullValue(), nullValue()]))] },
    'about text': { list: [utf8String('leaf')] },
    'about a certificate without serial number': {
      list: [one(sequence([sha1, octetString(certId), octetString(certId)]))],
    },
    'about a certificate with a serial number of text': {
      list: [one(id(sha1, undefined, undefined, utf8String('5')))],
    },
    'about a certificate in no digest': { list: [one(id(sequence([])))] },
    'about a certificate with something behind': {
      list: [one(sequence([sha1, octetString(certId), octetString(certId), integer(1), integer(1)]))],
    },
  }
  for (const [title, spec] of Object.entries(cases))
    test(title, () => assert.throws(() => readOcspRequest(requestOf(spec)), DerError))

  test('that is longer than 16 KiB', () => {
    const long = (length: number) =>
      requestOf({
        extensions: [unknownExtension(false), sequence([oid('1.2.5'), octetString(Buffer.alloc(length))])],
      })
    readOcspRequest(long(16_000))
    assert.throws(() => readOcspRequest(long(16_384)), /more than the 16384 allowed/)
  })
  test('that is none', () => {
    for (const bytes of [Buffer.alloc(0), leaf.raw, Buffer.from('GET /'), requestOf().subarray(1)])
      assert.throws(() => readOcspRequest(bytes), DerError)
  })
})

test('no question is built with a nonce of no octet, or of too many', () => {
  for (const length of [0, 129])
    assert.throws(
      () => buildOcspRequest({ certificate: leaf, issuer: root, nonce: Buffer.alloc(length) }),
      DerError,
    )
})

test('whatever is asked, it is read or refused with a DerError', () => {
  const good = requestOf({ list: [one(), one()], extensions: [nonce(octetString(Buffer.alloc(16)))] })
  const change = fc.record({ at: fc.nat(good.length - 1), octet: fc.nat(255), insert: fc.boolean() })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.array(change, { maxLength: 4 })), input => {
      const octets = input instanceof Uint8Array ? [...input] : [...good]
      if (!(input instanceof Uint8Array))
        for (const { at, octet, insert } of input) octets.splice(at, insert ? 0 : 1, octet)
      try {
        const { certIds, nonce: read } = readOcspRequest(Buffer.from(octets))
        assert.ok(certIds.length >= 1 && certIds.length <= 32)
        assert.ok(!read || (read.length >= 1 && read.length <= 128))
      } catch (error) {
        assert.ok(error instanceof DerError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
