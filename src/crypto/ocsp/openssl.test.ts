import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { chainOf, type KeyKind, keyPair, parsed, type Spec } from '../../../test/support/chains.ts'
import { runOpenssl } from '../../../test/support/openssl-run.ts'
import type { Certificate } from '../certificate.ts'
import { certificateExtensions as kinds } from '../extensions/index.ts'
import { OID } from '../oids.ts'
import { encodePem } from '../pem.ts'
import {
  type AnswerStatus,
  buildOcspError,
  buildOcspRequest,
  buildOcspResponse,
  certIdMatches,
  ocspStatus,
  readOcspRequest,
  readOcspResponse,
} from './index.ts'

// openssl compares with the clock of the machine.
const now = Math.floor(Date.now() / 1000) * 1000
const hour = 3_600_000
const dates: Spec = { notBefore: now - 24 * hour, notAfter: now + 24 * hour }
const delegate: Spec = {
  cn: 'responder',
  key: keyPair('P-256', 5),
  extensions: { eku: kinds.extendedKeyUsage.build([OID.ocspSigning]), nc: kinds.ocspNoCheck.build(true) },
}

function world(kind: KeyKind = 'P-256') {
  const key = keyPair(kind)
  const chain = (spec: Spec) =>
    parsed(
      chainOf([
        { ...dates, key },
        { ...dates, ...spec },
      ]),
    )
  const [root, leaf] = chain({})
  const responder = chain(delegate)[1]!
  const pem = ({ raw }: Certificate) => encodePem('CERTIFICATE', raw)
  const files = {
    'root.pem': pem(root!),
    'leaf.pem': pem(leaf!),
    'responder.pem': pem(responder),
    'root.key': key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    'responder.key': keyPair('P-256', 5).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
  const signers = {
    issuer: { responder: { certificate: root!, key: key.privateKey }, certificates: [] },
    delegate: {
      responder: { certificate: responder, key: keyPair('P-256', 5).privateKey },
      certificates: [responder.raw],
    },
  }
  return { root: root!, leaf: leaf!, responder, files, signers }
}

/** The request of `openssl ocsp`, and what it says of our answer to it. */
function asked(
  { root, files, signers }: ReturnType<typeof world>,
  by: 'issuer' | 'delegate',
  answer: AnswerStatus,
  args: readonly string[] = [],
) {
  const certificate = [...args, '-issuer', 'root.pem', '-cert', 'leaf.pem']
  const { out } = runOpenssl(['ocsp', ...certificate, '-reqout', 'out'], files)
  const request = readOcspRequest(out)
  assert.ok(request.certIds.every(certId => certIdMatches(certId, root)))
  const response = buildOcspResponse({
    ...signers[by],
    producedAt: now,
    thisUpdate: now - 1000,
    nextUpdate: now + hour,
    answers: request.certIds.map(certId => ({ ...answer, certId })),
    nonce: request.nonce,
  })
  const judged = (...question: string[]) =>
    runOpenssl(['ocsp', ...question, '-respin', 'response', '-CAfile', 'root.pem'], {
      ...files,
      request: out,
      response,
    }).words
  // With the question itself it compares nonces, with certificates it says what it found of each.
  return {
    request,
    words:
      judged('-no_nonce', '-issuer', 'root.pem', '-reqin', 'request') + judged('-no_nonce', ...certificate),
  }
}

describe('openssl takes our answer', () => {
  for (const kind of ['P-256', 'P-384', 'RSA 2048', 'Ed25519'] as const)
    for (const by of ['issuer', 'delegate'] as const)
      test(`by the ${by}, of an authority with a key of ${kind}`, () => {
        const one = world(kind)
        const { words, request } = asked(one, by, { status: 'good' })
        assert.equal(request.nonce?.length, 16)
        assert.match(words, /^Response verify OK\s+Response verify OK/)
        assert.match(words, /leaf.pem: good/)
        assert.doesNotMatch(words, /WARNING|Nonce Verify error/)
      })

  test('that somebody is revoked', () => {
    const { words } = asked(world(), 'delegate', {
      status: 'revoked',
      at: now - hour,
      reason: 'keyCompromise',
    })
    assert.match(words, /^Response verify OK\s+Response verify OK/)
    assert.match(words, /leaf.pem: revoked/)
    assert.match(words, /Reason: keyCompromise/)
    const without = asked(world(), 'issuer', { status: 'revoked', at: now - hour }).words
    assert.match(without, /leaf.pem: revoked/)
    assert.doesNotMatch(without, /Reason/)
  })

  test('that nothing is known', () => {
    assert.match(asked(world(), 'issuer', { status: 'unknown' }).words, /leaf.pem: unknown/)
  })

  test('to a question in SHA-256', () => {
    const { words, request } = asked(world(), 'delegate', { status: 'good' }, ['-sha256'])
    assert.equal(request.certIds[0]?.hash, 'sha256')
    assert.match(words, /Response verify OK[\s\S]*leaf.pem: good/)
  })

  test('to a question without nonce', () => {
    const { words, request } = asked(world(), 'issuer', { status: 'good' }, ['-no_nonce'])
    assert.equal(request.nonce, undefined)
    assert.match(words, /Response verify OK[\s\S]*leaf.pem: good/)
  })

  test('but not one for another nonce', () => {
    const { files, leaf, root, signers } = world()
    const request = buildOcspRequest({ certificate: leaf, issuer: root, nonce: randomBytes(32) })
    const response = buildOcspResponse({
      ...signers.issuer,
      producedAt: now,
      thisUpdate: now,
      answers: [{ certId: readOcspRequest(request).certIds[0]!, status: 'good' }],
      nonce: randomBytes(32),
    })
    const { words } = runOpenssl(
      ['ocsp', '-reqin', 'request', '-respin', 'response', '-CAfile', 'root.pem', '-no_nonce'],
      { ...files, request, response },
    )
    assert.match(words, /Nonce Verify error/)
  })

  for (const [status, words] of [
    ['malformedRequest', /malformedrequest \(1\)/],
    ['internalError', /internalerror \(2\)/],
    ['tryLater', /trylater \(3\)/],
    ['sigRequired', /sigrequired \(5\)/],
    ['unauthorized', /unauthorized \(6\)/],
  ] as const)
    test(`that there is none: ${status}`, () => {
      const response = buildOcspError(status)
      assert.match(runOpenssl(['ocsp', '-respin', 'response'], { response }).words, words)
      assert.deepEqual(readOcspResponse(response), { status })
    })
})

test('a signed question with several certificates is read', () => {
  const { files } = world()
  const { out, words } = runOpenssl(
    [
      ...['ocsp', '-issuer', 'root.pem', '-serial', '1', '-serial', '0x1234', '-cert', 'leaf.pem'],
      ...['-signer', 'responder.pem', '-signkey', 'responder.key', '-reqout', 'out'],
    ],
    files,
  )
  const request = readOcspRequest(out.length > 0 ? out : assert.fail(words))
  assert.deepEqual(
    request.certIds.map(({ serial }) => serial),
    [1n, 0x1234n, 1001n],
  )
  assert.equal(request.signed, true)
})

describe('an answer of openssl is taken', () => {
  const utc = (ms: number) => `${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`
  const row = (state: string, revoked: string, serial: string) =>
    `${state}\t${utc(now + hour)}\t${revoked}\t${serial}\tunknown\t/CN=a\n`

  function answered(index: string, args: readonly string[] = [], signer = 'responder') {
    const { root, leaf, files } = world()
    const nonce = randomBytes(32)
    const request = buildOcspRequest({ certificate: leaf, issuer: root, nonce, hash: 'sha256' })
    const { out, words } = runOpenssl(
      [
        ...[
          'ocsp',
          '-index',
          'index',
          '-CA',
          'root.pem',
          '-rsigner',
          `${signer}.pem`,
          '-rkey',
          `${signer}.key`,
        ],
        ...['-reqin', 'request', '-respout', 'out', ...args],
      ],
      { ...files, index, request },
    )
    const response = readOcspResponse(out.length > 0 ? out : assert.fail(words))
    return ocspStatus(response, { certificate: leaf, issuer: root, nonce, now, skewMs: 60_000 })
  }

  test('good, by a delegated responder and by the issuer', () => {
    const index = row('V', '', '03E9')
    const byDelegate = answered(index, ['-ndays', '1'])
    assert.equal(byDelegate.status, 'good')
    assert.ok('nextUpdate' in byDelegate && byDelegate.nextUpdate! >= now + 24 * hour)
    assert.equal(answered(index, ['-ndays', '1'], 'root').status, 'good')
    assert.equal(answered(index, ['-resp_key_id']).status, 'good')
    assert.equal(answered(index, ['-nmin', '5', '-rmd', 'sha512']).status, 'good')
  })

  test('revoked, with the reason', () => {
    assert.deepEqual(answered(row('R', `${utc(now - hour)},superseded`, '03E9'), ['-ndays', '1']), {
      status: 'revoked',
      reason: 'superseded',
      at: now - hour,
    })
  })

  test('unknown', () => {
    assert.deepEqual(answered(row('V', '', '05')), { status: 'unknown', why: 'unknown to the responder' })
  })

  test('but not without the certificate of the responder', () => {
    assert.deepEqual(answered(row('V', '', '03E9'), ['-resp_no_certs']), {
      status: 'unknown',
      why: 'unauthorized responder',
    })
  })
})
