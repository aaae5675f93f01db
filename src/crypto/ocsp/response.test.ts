import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { chainOf, keyIdOf, keyPair, named, now, parsed, type Spec } from '../../../test/support/chains.ts'
import {
  certId,
  leaf,
  nonce,
  type ResponseSpec,
  responseOf,
  root,
  single,
  status,
} from '../../../test/support/ocsp-responses.ts'
import { unknownExtension } from '../../../test/support/revocation-lists.ts'
import {
  contextConstructed,
  DerError,
  encodeTlv,
  enumerated,
  explicit,
  generalizedTime,
  integer,
  octetString,
  readDer,
  sequence,
  utcTime,
  utf8String,
} from '../der.ts'
import { certificateExtensions as kinds } from '../extensions/index.ts'
import { OID } from '../oids.ts'
import { crlReasons, type RevocationReason } from '../revocation-reason.ts'
import { encodeCertId, parseCertId } from './cert-id.ts'
import {
  buildOcspResponse,
  type OcspQuery,
  type OcspResponseInput,
  ocspStatus,
  readOcspResponse,
} from './index.ts'

const key = keyPair('P-256')
const query: OcspQuery = { certificate: leaf, issuer: root, now, skewMs: 0 }
const ask = (response: Buffer, more: Partial<OcspQuery> = {}) =>
  ocspStatus(readOcspResponse(response), { ...query, ...more })
const asked = { certId: parseCertId(readDer(certId)) }
const build = (input: Partial<OcspResponseInput> = {}) =>
  buildOcspResponse({
    responder: { certificate: root, key: key.privateKey },
    producedAt: now,
    thisUpdate: now - 1000,
    nextUpdate: now + 60_000,
    answers: [{ ...asked, status: 'good' }],
    ...input,
  })

const eku = (...purposes: string[]) => ({ eku: kinds.extendedKeyUsage.build(purposes) })
const responderKey = keyPair('P-256', 5)
const responder = (spec: Spec = {}, rootSpec: Spec = {}) =>
  parsed(
    chainOf([
      rootSpec,
      {
        cn: 'responder',
        key: responderKey,
        ...spec,
        extensions: { ...eku(OID.ocspSigning), ...spec.extensions },
      },
    ]),
  )[1]!
const delegated = (certificate = responder(), more: Partial<OcspResponseInput> = {}) =>
  build({
    responder: { certificate, key: responderKey.privateKey },
    certificates: [certificate.raw],
    ...more,
  })

describe('an answer that was built', () => {
  test('says what it was told to say', () => {
    assert.deepEqual(ask(build()), { status: 'good', nextUpdate: now + 60_000, responder: 'issuer' })
    assert.deepEqual(ask(build({ answers: [{ ...asked, status: 'unknown' }] })), {
      status: 'unknown',
      why: 'unknown to the responder',
    })
    for (const reason of [...Object.keys(crlReasons), undefined] as (RevocationReason | undefined)[])
      if (reason !== 'removeFromCRL')
        assert.deepEqual(ask(build({ answers: [{ ...asked, status: 'revoked', at: now - 5000, reason }] })), {
          status: 'revoked',
          reason: reason ?? 'unspecified',
          at: now - 5000,
        })
  })

  test('repeats what was asked, in the order in which it was', () => {
    const other = { certId: parseCertId(readDer(encodeCertId('sha256', { ...leaf, serial: 5n }, root))) }
    const response = readOcspResponse(
      build({
        answers: [
          { ...other, status: 'unknown' },
          { ...asked, status: 'good' },
        ],
        nonce: Buffer.from('n'),
      }),
    )
    assert.ok(response.status === 'successful')
    assert.deepEqual(
      response.responses.map(one => [one.certId.raw, one.certStatus.status]),
      [
        [other.certId.raw, 'unknown'],
        [asked.certId.raw, 'good'],
      ],
    )
    assert.deepEqual(response.nonce, Buffer.from('n'))
    assert.deepEqual(response.producedAt, now)
    assert.deepEqual(response.responderId, { keyHash: keyIdOf(key) })
  })

  test('is good for the moment where it does not say for how long', () => {
    const response = buildOcspResponse({
      responder: { certificate: root, key: key.privateKey },
      producedAt: now,
      thisUpdate: now,
      answers: [{ ...asked, status: 'good' }],
    })
    assert.deepEqual(ask(response), { status: 'good', nextUpdate: undefined, responder: 'issuer' })
    assert.deepEqual(ask(response, { now: now + 5000, skewMs: 5000 }).status, 'good')
    assert.deepEqual(ask(response, { now: now + 5001, skewMs: 5000 }), { status: 'unknown', why: 'stale' })
  })

  test('by a delegated responder is taken by its certificate', () => {
    const certificate = responder({ extensions: { nc: kinds.ocspNoCheck.build(true) } })
    const result = ask(delegated(certificate))
    assert.ok(result.status === 'good' && result.responder !== 'issuer')
    assert.deepEqual(result.responder.raw, certificate.raw)
    assert.ok(ask(delegated(certificate, { certificates: [root.raw, certificate.raw] })).status === 'good')
  })

  const cases: Readonly<Record<string, Partial<OcspResponseInput>>> = {
    'without an answer': { answers: [] },
    'that ends before it begins': { nextUpdate: now - 2000 },
    'of no time': { thisUpdate: Number.NaN },
    'with an empty nonce': { nonce: Buffer.alloc(0) },
    'with a nonce of 129 octets': { nonce: Buffer.alloc(129) },
    'with removeFromCRL': { answers: [{ ...asked, status: 'revoked', at: now, reason: 'removeFromCRL' }] },
    'with a short RSA key': { responder: { certificate: root, key: keyPair('RSA 1024').privateKey } },
  }
  for (const [title, input] of Object.entries(cases))
    test(`is not to be had ${title}`, () => assert.throws(() => build(input), DerError))
})

describe('an answer of somebody else is taken', () => {
  const cases: Readonly<Record<string, ResponseSpec>> = {
    'by the name of the responder': { responderId: explicit(1, named('root')) },
    'with a version': { version: [explicit(0, integer(0))] },
    'with extensions that are not critical': {
      extensions: [unknownExtension(false)],
      responses: [single({ extensions: [unknownExtension(false)] })],
    },
    'in SHA-256': { responses: [single({ certId: encodeCertId('sha256', leaf, root) })] },
    'among others': {
      responses: [single({ certId: encodeCertId('sha1', { ...leaf, serial: 5n }, root) }), single()],
    },
    'with a nonce that nobody sent': { extensions: [nonce(octetString(Buffer.from('n')))] },
  }
  for (const [title, spec] of Object.entries(cases))
    test(title, () => assert.equal(ask(responseOf(spec)).status, 'good'))

  test('though the name of the issuer is written differently there', () => {
    const [upper] = parsed(chainOf([{ cn: 'ROOT' }]))
    assert.equal(ask(responseOf(), { issuer: upper! }).status, 'good')
    const inUpper = responseOf({
      responses: [single({ certId: encodeCertId('sha1', { ...leaf, issuer: upper!.subject }, root) })],
    })
    assert.equal(ask(inUpper, { issuer: upper! }).status, 'good')
    assert.equal(ask(inUpper).status, 'unknown')
  })

  test('without the nonce that was sent, while it is fresh', () => {
    assert.equal(ask(responseOf(), { nonce: randomBytes(32) }).status, 'good')
    assert.deepEqual(ask(responseOf(), { nonce: randomBytes(32), now: now + 60_001 }), {
      status: 'unknown',
      why: 'stale',
    })
  })

  test('with the nonce that was sent', () => {
    const sent = randomBytes(32)
    assert.equal(ask(responseOf({ extensions: [nonce(octetString(sent))] }), { nonce: sent }).status, 'good')
  })
})

describe('an answer says nothing', () => {
  const cases: Readonly<Record<string, readonly [string, ResponseSpec, Partial<OcspQuery>?]>> = {
    'with another nonce': [
      'nonce',
      { extensions: [nonce(octetString(Buffer.from('b')))] },
      { nonce: Buffer.from('a') },
    ],
    'with a critical extension': ['unknown critical extension', { extensions: [unknownExtension(true)] }],
    'with a critical extension of the very answer': [
      'unknown critical extension',
      { responses: [single({ extensions: [unknownExtension(true)] })] },
    ],
    'about another serial number': [
      'another certificate',
      { responses: [single({ certId: encodeCertId('sha1', { ...leaf, serial: 5n }, root) })] },
    ],
    'about a certificate of another key': [
      'another certificate',
      { responses: [single({ certId: encodeCertId('sha1', leaf, leaf) })] },
    ],
    'about a certificate of another name': [
      'another certificate',
      { responses: [single({ certId: encodeCertId('sha1', { ...leaf, issuer: leaf.subject }, root) })] },
    ],
    'before its time': [
      'not yet valid',
      { responses: [single({ thisUpdate: generalizedTime(now + 1000) })] },
    ],
    'after its time': [
      'stale',
      { responses: [single({ nextUpdate: explicit(0, generalizedTime(now - 1000)) })] },
    ],
    'of a time long ago, without an end': ['stale', { responses: [single({ nextUpdate: undefined })] }],
    'that ends before it begins': [
      'stale',
      { responses: [single({ nextUpdate: explicit(0, generalizedTime(now - 61_000)) })] },
      { skewMs: 3_600_000 },
    ],
    'when one of two is over': ['stale', { responses: [single(), single({ nextUpdate: undefined })] }],
    'when nothing is known': [
      'unknown to the responder',
      { responses: [single({ status: status.unknown })] },
    ],
    'when its signature is spoilt': ['signature', { spoilt: true }],
    'signed with SHA-1': ['signature', { signing: 'ECDSA SHA-1' }],
    'of somebody else': ['unauthorized responder', { key: keyPair('P-256', 9) }],
    'of somebody else in the name of the issuer': [
      'signature',
      { key: keyPair('P-256', 9), responderId: explicit(1, named('root')) },
    ],
    'of somebody else with the key identifier of the issuer': [
      'signature',
      { key: keyPair('P-256', 9), responderId: explicit(2, octetString(keyIdOf(key))) },
    ],
    'under a key identifier of no octet': [
      'unauthorized responder',
      { responderId: explicit(2, octetString(Buffer.alloc(0))) },
    ],
    'of the issuer in another name': ['unauthorized responder', { responderId: explicit(1, named('other')) }],
    'of another authority': ['wrong issuer', {}, { issuer: leaf }],
  }
  for (const [title, [why, spec, more]] of Object.entries(cases))
    test(title, () => assert.deepEqual(ask(responseOf(spec), more), { status: 'unknown', why }))

  test('when it is an error', () => {
    assert.deepEqual(ocspStatus({ status: 'tryLater' }, query), { status: 'unknown', why: 'error' })
  })

  test('of an authority of the same name with another key', () => {
    const [other] = parsed(chainOf([{ key: keyPair('P-256', 9) }]))
    assert.equal(ask(responseOf(), { issuer: other! }).status, 'unknown')
  })
})

describe('a delegated responder is refused', () => {
  const self = parsed(chainOf([{ cn: 'responder', key: responderKey, extensions: eku(OID.ocspSigning) }]))[0]!
  const cases: Readonly<Record<string, ReturnType<typeof responder>>> = {
    'without extKeyUsage': responder({ extensions: { eku: undefined } }),
    'with a certificate for clients': responder({ extensions: eku(OID.clientAuth) }),
    'with a certificate for anything': responder({ extensions: eku(OID.anyExtendedKeyUsage) }),
    'whose key may not sign': responder({ extensions: { ku: kinds.keyUsage.build(['keyEncipherment']) } }),
    'whose certificate is over': responder({ notAfter: now - 1000 }),
    'whose certificate is to come': responder({ notBefore: now + 1000 }),
    'whose certificate another key has signed': responder({ signer: keyPair('P-256', 9) }),
    'whose certificate has a spoilt signature': responder({ spoilt: true }),
    'whose certificate another authority has issued': responder({}, { cn: 'other' }),
    'whose certificate it has signed itself': self,
    'with an unknown critical extension': responder({ extensions: { x: unknownExtension(true) } }),
    'with an extension that cannot be read': responder({
      extensions: { nc: sequence([Buffer.from('06092b0601050507300105', 'hex'), octetString(integer(1))]) },
    }),
  }
  for (const [title, certificate] of Object.entries(cases))
    test(title, () =>
      assert.deepEqual(ask(delegated(certificate)), { status: 'unknown', why: 'unauthorized responder' }),
    )

  test('certified by one whom the authority has certified', () => {
    const [, middle, last] = parsed(
      chainOf([
        {},
        { cn: 'middle' },
        { cn: 'responder', key: responderKey, extensions: eku(OID.ocspSigning) },
      ]),
    )
    assert.deepEqual(ask(delegated(last!, { certificates: [last!.raw, middle!.raw] })), {
      status: 'unknown',
      why: 'unauthorized responder',
    })
  })

  test('with a short key', () => {
    const short = keyPair('RSA 1024')
    const certificate = responder({ key: short })
    const response = responseOf({ key: short, signing: 'RSA SHA-256', certificates: [certificate.raw] })
    assert.deepEqual(ask(response), { status: 'unknown', why: 'unauthorized responder' })
  })

  test('that has not sent its certificate', () => {
    assert.deepEqual(ask(delegated(responder(), { certificates: [] })), {
      status: 'unknown',
      why: 'unauthorized responder',
    })
  })

  test('in whose name somebody else has signed', () => {
    const certificate = responder()
    const forged = build({
      responder: { certificate, key: keyPair('P-256', 9).privateKey },
      certificates: [certificate.raw],
    })
    assert.deepEqual(ask(forged), { status: 'unknown', why: 'signature' })
  })

  test('but not for a clock that is a little ahead of ours, nor in its last second', () => {
    const early = responder({ notBefore: now + 1000 })
    assert.equal(ask(delegated(early), { skewMs: 1000 }).status, 'good')
    const last = delegated(responder({ notAfter: now }))
    assert.equal(ask(last, { now: now + 999 }).status, 'good')
    assert.equal(ask(last, { now: now + 1000 }).status, 'unknown')
  })
})

describe('who is revoked stays so', () => {
  const cases: Readonly<Record<string, readonly Buffer[]>> = {
    'when the answer is over': [
      single({ status: status.revoked(enumerated(1)), nextUpdate: explicit(0, generalizedTime(now - 1000)) }),
    ],
    'when the clocks differ': [
      single({ status: status.revoked(enumerated(1)), thisUpdate: generalizedTime(now + 5000) }),
    ],
    'when another answer says that it is good': [single(), single({ status: status.revoked(enumerated(1)) })],
    'when another answer knows nothing': [
      single({ status: status.unknown }),
      single({ status: status.revoked(enumerated(1)) }),
    ],
  }
  for (const [title, responses] of Object.entries(cases))
    test(title, () =>
      assert.deepEqual(ask(responseOf({ responses })), {
        status: 'revoked',
        reason: 'keyCompromise',
        at: now - 60_000,
      }),
    )
})

describe('no answer is', () => {
  const cases: Readonly<Record<string, ResponseSpec>> = {
    'one of status 4': { responseStatus: enumerated(4) },
    'one of status 7': { responseStatus: enumerated(7) },
    'one whose status is an INTEGER': { responseStatus: integer(0) },
    'one of another type': { responseType: '1.2.3' },
    'one of version 2': { version: [explicit(0, integer(1))] },
    'one of nobody': { responderId: octetString(Buffer.alloc(20)) },
    'one of a responder in text': { responderId: explicit(1, utf8String('root')) },
    'one of a responder of a third kind': { responderId: explicit(3, utf8String('root')) },
    'one of two responders': {
      responderId: encodeTlv(contextConstructed(1), Buffer.concat([named('a'), named('b')])),
    },
    'one that was made in UTCTime': { producedAt: utcTime(now) },
    'one about nothing': { responses: [] },
    'one about 33 certificates': { responses: Array.from({ length: 33 }, () => single()) },
    'one with an empty list of certificates': { certificates: [] },
    'one with eleven certificates': { certificates: Array.from({ length: 11 }, () => root.raw) },
    'one with a certificate that is none': { certificates: [sequence([])] },
    'one with an empty nonce': { extensions: [nonce(octetString(Buffer.alloc(0)))] },
    'one with a nonce of 129 octets': { extensions: [nonce(octetString(Buffer.alloc(129)))] },
    'one with two nonces': {
      extensions: [nonce(octetString(Buffer.alloc(1))), nonce(octetString(Buffer.alloc(1)))],
    },
    'one with good that says more': { responses: [single({ status: Buffer.from([0x80, 1, 0]) })] },
    'one with a status of a fourth kind': { responses: [single({ status: Buffer.from([0x83, 0]) })] },
    'one revoked at no time': { responses: [single({ status: Buffer.from([0xa1, 0]) })] },
    'one revoked for reason 7': { responses: [single({ status: status.revoked(enumerated(7)) })] },
    'one revoked for two reasons': {
      responses: [single({ status: status.revoked(enumerated(1), enumerated(1)) })],
    },
    'one with thisUpdate in UTCTime': { responses: [single({ thisUpdate: utcTime(now) })] },
    'one with nextUpdate in UTCTime': { responses: [single({ nextUpdate: explicit(0, utcTime(now)) })] },
    'one with something behind': { responses: [single({ behind: [integer(1)] })] },
  }
  for (const [title, spec] of Object.entries(cases))
    test(title, () => assert.throws(() => readOcspResponse(responseOf(spec)), DerError))

  const [code, bytes] = readDer(responseOf()).children()
  const others: Readonly<Record<string, Buffer>> = {
    nothing: Buffer.alloc(0),
    'a web page': Buffer.from('<html>'),
    'a certificate': root.raw,
    'success without content': sequence([enumerated(0)]),
    'one that was cut off': responseOf().subarray(0, -1),
    'one with two contents': sequence([code!.raw, bytes!.raw, bytes!.raw]),
  }
  for (const [title, der] of Object.entries(others))
    test(title, () => assert.throws(() => readOcspResponse(der), DerError))

  test('one that is longer than is allowed', () => {
    const response = responseOf()
    assert.throws(() => readOcspResponse(response, { maxBytes: response.length - 1 }), DerError)
    assert.throws(() => readOcspResponse(Buffer.alloc(65_537)), /more than the 65536 allowed/)
  })
})

test('no flipped bit leaves an answer that is believed', () => {
  for (const response of [build({ nonce: randomBytes(16) }), delegated()])
    fc.assert(
      fc.property(fc.nat(response.length * 8 - 1), bit => {
        const spoilt = Buffer.from(response)
        spoilt[bit >> 3]! ^= 1 << (bit & 7)
        try {
          assert.equal(ask(spoilt).status, 'unknown')
        } catch (error) {
          assert.ok(error instanceof DerError, String(error))
        }
      }),
      { numRuns: 1000 },
    )
})

test('whatever is answered, it is read or refused with a DerError, and asked without one', () => {
  const good = delegated(responder(), { nonce: randomBytes(16) })
  const change = fc.record({ at: fc.nat(good.length - 1), octet: fc.nat(255), insert: fc.boolean() })
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.array(change, { minLength: 1, maxLength: 4 })),
      input => {
        const octets = input instanceof Uint8Array ? [...input] : [...good]
        if (!(input instanceof Uint8Array))
          for (const { at, octet, insert } of input) octets.splice(at, insert ? 0 : 1, octet)
        let response: ReturnType<typeof readOcspResponse>
        try {
          response = readOcspResponse(Buffer.from(octets))
        } catch (error) {
          assert.ok(error instanceof DerError, String(error))
          return
        }
        assert.ok(ocspStatus(response, query).status !== 'good' || good.equals(Buffer.from(octets)))
      },
    ),
    { numRuns: 2000 },
  )
})
