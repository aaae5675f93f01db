import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { CompactSign, compactVerify } from 'jose'
import { type AlgorithmName, algorithm, algorithmNames, publicJwk } from './algorithms.ts'

const data = Buffer.from('header.claims')
const keys = new Map(algorithmNames.map(name => [name, algorithm(name)!.generate()]))
const publicOf = (name: AlgorithmName) => createPublicKey(keys.get(name)!)

for (const name of algorithmNames) {
  const alg = algorithm(name)!

  test(`${name}: what we sign, jose verifies, and the other way round`, async () => {
    const input = `${Buffer.from(JSON.stringify({ alg: name })).toString('base64url')}.${Buffer.from('message').toString('base64url')}`
    const ours = `${input}.${alg.sign(keys.get(name)!, Buffer.from(input)).toString('base64url')}`
    assert.equal(Buffer.from((await compactVerify(ours, publicOf(name))).payload).toString(), 'message')

    const theirs = await new CompactSign(Buffer.from('message'))
      .setProtectedHeader({ alg: name })
      .sign(keys.get(name)!)
    const [header, payload, signature] = theirs.split('.')
    assert.ok(
      alg.verify(publicOf(name), Buffer.from(`${header}.${payload}`), Buffer.from(signature!, 'base64url')),
    )
  })

  test(`${name}: other data, another key, a changed, shortened or lengthened signature is refused`, () => {
    const signature = alg.sign(keys.get(name)!, data)
    assert.ok(alg.verify(publicOf(name), data, signature))
    assert.ok(!alg.verify(publicOf(name), Buffer.from('header.claims2'), signature))
    assert.ok(!alg.verify(createPublicKey(alg.generate()), data, signature))
    for (const at of [0, signature.length >> 1, signature.length - 1]) {
      const changed = Buffer.from(signature)
      changed[at]! ^= 1
      assert.ok(!alg.verify(publicOf(name), data, changed), `byte ${at}`)
    }
    assert.ok(!alg.verify(publicOf(name), data, signature.subarray(1)))
    assert.ok(!alg.verify(publicOf(name), data, Buffer.concat([signature, Buffer.alloc(1)])))
    assert.ok(!alg.verify(publicOf(name), data, Buffer.alloc(0)))
    assert.ok(!alg.verify(publicOf(name), data, Buffer.alloc(signature.length)))
  })

  test(`${name}: no key of another type or curve fits`, () => {
    assert.ok(alg.fits(keys.get(name)!))
    assert.ok(alg.fits(publicOf(name)))
    for (const [other, key] of keys) {
      const bothRsa =
        name.slice(1) === 'S256' && other.slice(1) === 'S256' && !`${name}${other}`.includes('E')
      assert.equal(alg.fits(key), name === other || bothRsa, `${name} with a key for ${other}`)
    }
  })
}

test('every ECDSA signature has the fixed length of RFC 7518 section 3.4, also when r or s is short', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const es256 = algorithm('ES256')!
  let short = 0
  for (let i = 0; i < 1500; i++) {
    const message = Buffer.from(`message ${i}`)
    const signature = es256.sign(privateKey, message)
    assert.equal(signature.length, 64)
    if (signature[0] !== 0 && signature[32] !== 0) continue
    short++
    assert.ok(es256.verify(publicKey, message, signature))
  }
  assert.ok(short > 0)
})

test('a DER signature is not taken for ES256', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const raw = algorithm('ES256')!.sign(privateKey, data)
  const der = (part: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), part])
  const sequence = Buffer.concat([Buffer.from([0x30, 70]), der(raw.subarray(0, 32)), der(raw.subarray(32))])
  assert.ok(!algorithm('ES256')!.verify(publicKey, data, sequence))
})

test('the signature of RFC 8037 appendix A.4 is reproduced', () => {
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    },
  })
  const signature = algorithm('EdDSA')!.sign(
    key,
    Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'),
  )
  assert.equal(
    signature.toString('base64url'),
    'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  )
})

test('PS256 has a salt as long as the hash (RFC 7518 section 3.5), and RS256 does not pass for it', () => {
  const key = keys.get('RS256')!
  const [rs256, ps256] = [algorithm('RS256')!, algorithm('PS256')!]
  assert.ok(!ps256.verify(createPublicKey(key), data, rs256.sign(key, data)))
  assert.ok(!rs256.verify(createPublicKey(key), data, ps256.sign(key, data)))
})

test('none, HMAC, weak and unknown algorithms have no row', () => {
  const names = [
    'none',
    'None',
    '',
    'HS256',
    'HS512',
    'RS1',
    'RS512',
    'es256',
    'ES256K',
    'toString',
    '__proto__',
  ]
  for (const name of [...names, undefined, null, 256, ['ES256'], { name: 'ES256' }])
    assert.equal(algorithm(name), undefined, String(name))
})

test('RSA keys under 2048 bits do not fit', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  for (const name of ['RS256', 'PS256']) assert.ok(!algorithm(name)!.fits(weak.publicKey), name)
})

test('an RSA key that is bound to PSS does not fit: it would sign otherwise than its name says', () => {
  const pss: KeyObject = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey
  assert.ok(!algorithm('RS256')!.fits(pss))
})

test('published keys hold no private member, whichever half is handed in', () => {
  for (const name of algorithmNames) {
    const members = Object.keys(publicJwk(keys.get(name)!)).sort()
    assert.deepEqual(members, Object.keys(publicJwk(publicOf(name))).sort())
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])
      assert.ok(!members.includes(secret), `${name} ${secret}`)
  }
})
