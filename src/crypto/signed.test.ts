import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { chainOf, keyPair, parsed, type Spec } from '../../test/support/chains.ts'
import { openssl } from '../../test/support/openssl.ts'
import { parseCertificate } from './certificate.ts'
import { explicit, integer, nullValue, oid, sequence } from './der.ts'
import { decodePem } from './pem.ts'
import { verificationOf, verifySigned } from './signed.ts'
import { importSpki } from './spki.ts'

const rsa = keyPair('RSA 2048')
const root = (spec: Spec) => parsed(chainOf([{ key: rsa, ...spec }]))[0]!
const isSigned = (spec: Spec, key = spec.key ?? rsa) => verifySigned(root(spec), key.publicKey)

describe('an RSA-PSS signature', () => {
  for (const signing of ['PSS SHA-256', 'PSS SHA-384, long salt', 'PSS SHA-256, no salt'] as const)
    test(`is verified: ${signing}`, () => {
      assert.ok(isSigned({ signing }))
      assert.ok(!isSigned({ signing, spoilt: true }))
      assert.ok(!isSigned({ signing }, keyPair('RSA 2048', 1)))
      assert.ok(!isSigned({ signing }, keyPair('P-256')))
    })

  for (const signing of ['PSS SHA-1', 'PSS with another mask'] as const)
    test(`is not accepted: ${signing}`, () => {
      assert.equal(verificationOf(root({ signing }).signatureAlgorithm), undefined)
      assert.ok(!isSigned({ signing }))
    })

  test('that openssl made is verified, with a key that is for PSS alone, too', () => {
    const made = (...algorithm: string[]) => {
      const pem = openssl([
        ...['req', '-x509', '-newkey', ...algorithm, '-nodes', '-keyout', 'k.pem', '-subj', '/CN=a'],
        ...['-sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'],
      ])
      return parseCertificate(decodePem(pem)[0]!.der)
    }
    for (const certificate of [made('rsa:2048'), made('rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048')]) {
      const key = importSpki(certificate.spki.raw)
      assert.ok(verifySigned(certificate, key))
      const tbs = Buffer.from(certificate.tbs)
      tbs[tbs.length - 1]! ^= 1
      assert.ok(!verifySigned({ ...certificate, tbs }, key))
    }
  })

  test('of the other kind is not accepted from a key that is for PSS alone', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    const pss = root({ signing: 'PSS SHA-256' })
    const plain = root({})
    const padding = { padding: 6, saltLength: 32 }
    assert.ok(
      verifySigned(
        { ...pss, signature: sign('sha256', pss.tbs, { key: privateKey, ...padding }) },
        publicKey,
      ),
    )
    assert.ok(!verifySigned(plain, publicKey))
  })

  const algorithm = (id: string, ...parameters: Buffer[]) => sequence([oid(id), ...parameters])
  const sha256 = (...parameters: Buffer[]) => algorithm('2.16.840.1.101.3.4.2.1', ...parameters)
  const mask = (...parameters: Buffer[]) => algorithm('1.2.840.113549.1.1.8', ...parameters)
  const parameters = (...members: Buffer[]) =>
    verificationOf({
      raw: Buffer.alloc(0),
      oid: '1.2.840.113549.1.1.10',
      parameters: members.length > 0 ? sequence(members) : undefined,
    })
  const [hash, mgf] = [explicit(0, sha256()), explicit(1, mask(sha256(nullValue())))]

  test('has its digest, its mask and its salt in the parameters', () => {
    assert.deepEqual(parameters(hash, mgf, explicit(2, integer(32))), {
      hash: 'sha256',
      keyTypes: ['rsa', 'rsa-pss'],
      padding: { padding: 6, saltLength: 32 },
    })
    assert.equal(parameters(hash, mgf)?.padding?.saltLength, 20)
    assert.ok(parameters(hash, mgf, explicit(2, integer(32)), explicit(3, integer(1))))
  })

  for (const [title, members] of [
    ['no parameters, which is SHA-1', []],
    ['a digest alone', [hash]],
    ['a mask alone', [mgf]],
    ['another trailer', [hash, mgf, explicit(3, integer(2))]],
    ['a salt that is longer than the key', [hash, mgf, explicit(2, integer(1000))]],
    ['a negative salt', [hash, mgf, explicit(2, integer(-1))]],
    ['a digest with parameters', [explicit(0, sha256(integer(1))), mgf]],
    ['another mask', [hash, explicit(1, algorithm('1.2.3', sha256()))]],
    ['a mask without a digest', [hash, explicit(1, mask())]],
    ['something after them', [hash, mgf, integer(1)]],
    ['parameters in another order', [mgf, hash]],
  ] as const)
    test(`is not accepted with ${title}`, () => assert.equal(parameters(...members), undefined))
})

test('an Ed448 signature is verified, with its own key', () => {
  assert.ok(isSigned({ key: keyPair('Ed448') }))
  assert.ok(!isSigned({ key: keyPair('Ed448'), spoilt: true }))
  assert.ok(!isSigned({ key: keyPair('Ed448') }, keyPair('Ed25519')))
  assert.equal(
    verificationOf({ raw: Buffer.alloc(0), oid: '1.3.101.113', parameters: nullValue() }),
    undefined,
  )
})
