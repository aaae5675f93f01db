import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { chainOf, type KeyKind, keyPair, now, parsed, type Spec } from '../../../test/support/chains.ts'
import { runOpenssl } from '../../../test/support/openssl-run.ts'
import { hour, verifiedList } from '../../../test/support/revocation-lists.ts'
import { certificateExtensions as kinds } from '../extensions/index.ts'
import { encodePem } from '../pem.ts'
import { crlReasons, type RevocationReason } from '../revocation-reason.ts'
import { buildCrl, type CrlInput, crlStatus, readCrlInput } from './index.ts'

const address = 'http://pki.example/crl/1'
const at = (uri: string): Spec => ({
  extensions: { dp: kinds.crlDistributionPoints.build([{ fullName: [{ kind: 'uri', value: uri }] }]) },
})

function world(kind: KeyKind, input: Partial<CrlInput> = {}, leafSpec: Spec = {}) {
  const pair = keyPair(kind)
  const [root, leaf] = parsed(chainOf([{ key: pair }, leafSpec]))
  const list = buildCrl({
    issuer: root!.subject.raw,
    issuerKey: pair.privateKey,
    number: 258,
    thisUpdate: now - hour,
    nextUpdate: now + hour,
    revoked: [],
    ...input,
  })
  const files = {
    'root.pem': encodePem('CERTIFICATE', root!.raw),
    'leaf.pem': encodePem('CERTIFICATE', leaf!.raw),
    'list.pem': encodePem('X509 CRL', list),
  }
  return { root: root!, leaf: leaf!, list, files, pair }
}

const revoked = [
  { serial: Buffer.from([0x03, 0xe9]), revokedAt: now - hour, reason: 'keyCompromise' as const },
  ...(Object.keys(crlReasons) as RevocationReason[])
    .filter(reason => reason !== 'removeFromCRL')
    .map((reason, i) => ({ serial: Buffer.from([i + 1]), revokedAt: now, reason })),
]

const verify = (files: Record<string, string>) =>
  runOpenssl(
    [
      ...['verify', '-x509_strict', '-crl_check', '-attime', String(now / 1000), '-no-CApath'],
      ...['-CAfile', 'root.pem', '-CRLfile', 'list.pem', 'leaf.pem'],
    ],
    files,
  )

describe('openssl accepts our list', () => {
  for (const kind of ['P-256', 'P-384', 'P-521', 'RSA 2048', 'Ed25519'] as const)
    test(`signed with ${kind}, and refuses whom it revokes`, () => {
      const { files } = world(kind, { revoked })
      const { words } = runOpenssl(
        ['crl', '-in', 'list.pem', '-noout', '-verify', '-CAfile', 'root.pem'],
        files,
      )
      assert.match(words, /verify OK/)
      assert.match(verify(files).words, /error 23 at 0 depth lookup: certificate revoked/)
      assert.match(verify(world(kind, { revoked: revoked.slice(1) }).files).words, /leaf.pem: OK/)
      assert.match(verify(world(kind).files).words, /leaf.pem: OK/)
    })

  test('and says the same of it in words', () => {
    const { files } = world('P-256', { revoked, distributionPoint: address, scope: 'user' })
    const { words } = runOpenssl(['crl', '-in', 'list.pem', '-noout', '-text'], files)
    assert.match(words, /Version 2 \(0x1\)/)
    assert.match(words, /X509v3 CRL Number: \n\s+258\n/)
    assert.match(
      words,
      /Issuing Distribution Point: critical\n\s+Full Name:\n\s+URI:http:\/\/pki\.example\/crl\/1\s+Only User Certificates/,
    )
    assert.match(words, /Last Update: Jun {2}1 11:00:00 2026 GMT/)
    const reasons = [...words.matchAll(/CRL Reason Code: \n\s+(.+)\n/g)].map(([, reason]) => reason)
    assert.deepEqual(reasons, [
      'Key Compromise',
      'CA Compromise',
      'Affiliation Changed',
      'Superseded',
      'Cessation Of Operation',
      'Certificate Hold',
      'Privilege Withdrawn',
      'AA Compromise',
      'Key Compromise',
    ])
    const serials = [...words.matchAll(/Serial Number: (\w+)/g)].map(([, serial]) => serial)
    assert.deepEqual(serials, ['01', '02', '03', '04', '05', '06', '07', '08', '09', '03E9'])
  })
})

describe('openssl judges as we do', () => {
  const cases: Readonly<Record<string, readonly [Partial<CrlInput>, Spec, string | undefined, RegExp]>> = {
    'a list of the certificate’s place': [{ distributionPoint: address }, at(address), undefined, /OK/],
    'a list of another place': [
      { distributionPoint: address },
      at(`${address}0`),
      'scope',
      /error 44|Different CRL scope/,
    ],
    'a list of a place, and a certificate of none': [{ distributionPoint: address }, {}, 'scope', /scope/],
    'a list of users': [{ scope: 'user' }, {}, undefined, /OK/],
    'a list of authorities': [{ scope: 'ca' }, {}, 'scope', /scope/],
    'a list that is over': [{ nextUpdate: now - 1000 }, {}, 'stale', /CRL has expired/],
    'a list to come': [{ thisUpdate: now + 1000 }, {}, 'not yet valid', /CRL is not yet valid/],
  }
  for (const [title, [input, spec, why, words]] of Object.entries(cases))
    test(title, () => {
      const { files, list, root, leaf } = world('P-256', input, spec)
      const status = crlStatus(verifiedList(list, root), { certificate: leaf, issuer: root, now })
      assert.deepEqual(status, why ? { status: 'unknown', why } : { status: 'good' })
      assert.match(verify(files).words, words)
    })
})

test('a list that openssl made is read, verified and asked', () => {
  const { files, root, pair } = world('P-256')
  const date = (hours: number) => new Date(now + hours * hour).toISOString().replace(/\D/g, '').slice(2, 14)
  const reasons: readonly RevocationReason[] = [
    'keyCompromise',
    'unspecified',
    'superseded',
    'certificateHold',
  ]
  const rows = reasons.map((reason, i) => {
    const why = reason === 'unspecified' ? '' : `,${reason}`
    return `R\t${date(24)}Z\t${date(-i)}Z${why}\t${`0${i + 1}FF`}\tunknown\t/CN=a${i}\n`
  })
  const { words, out } = runOpenssl(
    [
      'ca',
      '-config',
      'c',
      '-gencrl',
      '-keyfile',
      'key.pem',
      '-cert',
      'root.pem',
      '-out',
      'out',
      '-crldays',
      '3650',
    ],
    {
      ...files,
      'key.pem': pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      index: rows.join(''),
      number: '0102\n',
      c: [
        '[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha384\ncrl_extensions=e',
        '[e]\nauthorityKeyIdentifier=keyid:always\n',
      ].join('\n'),
    },
  )
  const crl = verifiedList(readCrlInput(out)[0] ?? assert.fail(words), root)
  assert.equal(crl.number, 0x102n)
  assert.equal(crl.entries.size, 4)
  for (const [i, reason] of reasons.entries()) {
    const [, leaf] = parsed(chainOf([{}, { serial: 0x1ff + 0x100 * i }]))
    assert.ok(new X509Certificate(leaf!.raw).verify(pair.publicKey))
    const status = crlStatus(crl, { certificate: leaf!, issuer: root, now: crl.thisUpdate })
    assert.deepEqual(status, { status: 'revoked', reason, at: now - i * hour })
  }
  assert.deepEqual(
    crlStatus(crl, { certificate: parsed(chainOf([{}, {}]))[1]!, issuer: root, now: crl.thisUpdate }),
    {
      status: 'good',
    },
  )
})
