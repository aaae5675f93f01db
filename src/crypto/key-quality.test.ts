import assert from 'node:assert/strict'
import {
  checkPrimeSync,
  createHash,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  verify,
} from 'node:crypto'
import { describe, test } from 'node:test'
import { keyPair } from '../../test/support/chains.ts'
import { openssl } from '../../test/support/openssl.ts'
import { bitString, integer, nullValue, oid, sequence } from './der.ts'
import { keyWeakness } from './key-quality.ts'
import { OID } from './oids.ts'
import { hasCloseFactors, isRoca, smallFactor, squareRoot } from './rsa-weakness.ts'
import { importSpki, parseSpki, spkiOf } from './spki.ts'

const rsaSpki = (n: bigint, e: bigint) =>
  sequence([sequence([oid(OID.rsaEncryption), nullValue()]), bitString(sequence([integer(n), integer(e)]))])
const rsaKey = (n: bigint, e = 65537n) => importSpki(rsaSpki(n, e))
const modulusOf = (key: KeyObject) =>
  BigInt(`0x${Buffer.from(key.export({ format: 'jwk' }).n!, 'base64url').toString('hex')}`)
// Not by importSpki, which refuses it: somebody else may have imported a key.
const infinity = createPublicKey({
  key: sequence([parseSpki(spkiOf(keyPair('P-256').publicKey)).algorithm.raw, bitString(Buffer.from([0]))]),
  type: 'spki',
  format: 'der',
})
const good = modulusOf(keyPair('RSA 2048').publicKey)

/** The first odd prime from there on. */
function primeFrom(start: bigint): bigint {
  let n = start | 1n
  while (smallFactor(n) !== undefined || !checkPrimeSync(n)) n += 2n
  return n
}

/** The same number for the same words. */
const fixedNumber = (words: string, bits: number) =>
  BigInt.asUintN(
    bits,
    BigInt(`0x${Buffer.from(hkdfSync('sha256', words, '', '', bits / 8)).toString('hex')}`),
  )

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let [square, rest] = [base, exponent]; rest > 0n; rest >>= 1n, square = (square * square) % modulus)
    if (rest & 1n) result = (result * square) % modulus
  return result
}

/** As the library made them: k * M + 65537^a mod M, M the product of the first 126 primes for 2048 bits. */
function rocaPrime(words: string): bigint {
  const primes = Array.from({ length: 702 }, (_, n) => n).filter(n => n > 1 && smallFactor(BigInt(n)) === n)
  const product = primes.reduce((all, prime) => all * BigInt(prime), 1n)
  assert.equal(primes.length, 126)
  const least = (3n << 1022n) / product + 1n
  for (let i = 0; ; i++) {
    const prime =
      (least + fixedNumber(`${words} k${i}`, 48)) * product +
      power(65537n, fixedNumber(`${words} a${i}`, 256), product)
    if (checkPrimeSync(prime)) return prime
  }
}

// Vector mod03 of the authors' own detector, https://github.com/crocs-muni/roca
const rocaModulus = BigInt(
  `0x${[
    '9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9ea6fdc7332e9b005',
    '8c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf68f1edb4411f756a',
    '097c8929c14740245ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0df93db48eac8cc4af',
    '2d3a16257eb2b2adca6ba464e5974fa92550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f8cc263ff4af55cdb',
    '45f4249a5193925f5e983d762f0b6800943eb0267b08f42ed311ce1f5c86eacbc8ce4d3cb7a2fee1ef5641423a1cf411',
    '4e5ecf50034a60a412523af9e6f4aa11',
  ].join('')}`,
)

describe('a key is certified:', () => {
  for (const kind of ['P-256', 'P-384', 'P-521', 'RSA 2048', 'Ed25519'] as const)
    test(kind, () => {
      assert.equal(keyWeakness(keyPair(kind).publicKey), undefined)
      assert.equal(keyWeakness(keyPair(kind).privateKey), undefined)
    })

  test('RSA for PSS alone', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    assert.equal(keyWeakness(publicKey), undefined)
  })

  test('RSA of the most bits and with the largest exponent', () => {
    const n = 2n ** 8191n + (2n ** 7000n - 1n) * fixedNumber('n', 1024)
    const odd = Array.from({ length: 10_000 }, (_, i) => (n | 1n) + 2n * BigInt(i)).find(
      candidate => smallFactor(candidate) === undefined,
    )
    assert.equal(keyWeakness(rsaKey(odd!, 2n ** 32n - 1n)), undefined)
  })
})

describe('a key is not certified:', () => {
  const p = fixedNumber('p', 1024) | (3n << 1022n) | 1n
  const close = primeFrom(p)
  // A prime so far from the other that Fermat's method ends after some fifty rounds.
  const lessClose = primeFrom(close + squareRoot(400n * close))
  const cases: readonly (readonly [string, () => KeyObject, RegExp])[] = [
    ['RSA of 1024 bits', () => keyPair('RSA 1024').publicKey, /1024 bits, fewer than 2048/],
    ['RSA of 2047 bits', () => rsaKey((1n << 2046n) + 1n), /2047 bits, fewer/],
    ['RSA without a modulus', () => rsaKey(0n), /0 bits, fewer/],
    ['RSA of 8193 bits', () => rsaKey((1n << 8192n) + 1n), /8193 bits, more than 8192/],
    ['RSA of 120 000 bits', () => rsaKey((1n << 119_999n) + 1n), /120000 bits, more/],
    ['RSA with exponent 0', () => rsaKey(good, 0n), /exponent of its RSA key is 0/],
    ['RSA with exponent 1', () => rsaKey(good, 1n), /exponent of its RSA key is 1, which signs nothing/],
    ['RSA with exponent 2', () => rsaKey(good, 2n), /even/],
    ['RSA with exponent 65538', () => rsaKey(good, 65538n), /even/],
    ['RSA with exponent 3', () => rsaKey(good, 3n), /exponent of its RSA key is 3, smaller than 65537/],
    ['RSA with exponent 65535', () => rsaKey(good, 65535n), /65535, smaller/],
    ['RSA with exponent 2^32 + 1', () => rsaKey(good, 2n ** 32n + 1n), /larger than 2\^32/],
    ['RSA that openssl made with exponent 3', madeWithExponent3, /is 3, smaller/],
    [
      'RSA for PSS alone, of 1024 bits',
      () => generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).publicKey,
      /1024 bits/,
    ],
    ['an even modulus', () => rsaKey(good - 1n), /divided by 2$/],
    ['a modulus with a factor of 1999', () => rsaKey(1999n * close * close), /divided by 1999/],
    ['a modulus that the Infineon library made', () => rsaKey(rocaModulus), /ROCA, CVE-2017-15361/],
    ['a modulus like those of the Infineon library', () => rsaKey(rocaPrime('p') * rocaPrime('q')), /ROCA/],
    ['the square of a prime', () => rsaKey(close * close), /so close/],
    ['two primes that follow each other', () => rsaKey(close * primeFrom(close + 2n)), /so close/],
    ['two primes that have half of their bits in common', () => rsaKey(close * lessClose), /so close/],
    ['secp256k1', () => keyPair('secp256k1').publicKey, /curve secp256k1: accepted are RSA of 2048/],
    ['P-224', () => keyPair('P-224').publicKey, /curve secp224r1/],
    [
      'a curve of Brainpool',
      () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).publicKey,
      /brainpoolP256r1/,
    ],
    ['P-256 with its parameters spelt out', spelledOut, /spells out the parameters.*P-256/],
    ['P-256 with its point in short form', compressed, /short form/],
    ['P-256 with the point at infinity', () => infinity, /point at infinity/],
    ['Ed448', () => keyPair('Ed448').publicKey, /type ed448/],
    ['X25519', () => generateKeyPairSync('x25519').publicKey, /type x25519/],
    ['DSA', dsa, /type dsa/],
    ['a secret', () => createSecretKey(Buffer.alloc(32)), /type none/],
  ]
  for (const [title, key, reason] of cases)
    test(title, () => assert.match(keyWeakness(key()) ?? 'none', reason))

  function madeWithExponent3() {
    return createPublicKey(
      openssl([
        'genpkey',
        '-algorithm',
        'RSA',
        '-pkeyopt',
        'rsa_keygen_bits:2048',
        '-pkeyopt',
        'rsa_keygen_pubexp:3',
      ]),
    )
  }

  function spelledOut() {
    return createPublicKey(
      openssl(['ecparam', '-name', 'prime256v1', '-param_enc', 'explicit', '-genkey', '-noout']),
    )
  }

  function compressed() {
    const pem = keyPair('P-256').privateKey.export({ type: 'pkcs8', format: 'pem' })
    return createPublicKey(
      openssl(['ec', '-in', 'k.pem', '-conv_form', 'compressed', '-pubout'], { 'k.pem': pem }),
    )
  }

  function dsa() {
    return generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey
  }
})

test('anybody can sign for the point at infinity', () => {
  const message = Buffer.from('anything')
  const generator = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n
  const digest = BigInt(`0x${createHash('sha256').update(message).digest('hex')}`)
  assert.ok(verify('sha256', message, infinity, sequence([integer(generator), integer(digest)])))
})

describe('a point is not imported', () => {
  const spki = spkiOf(keyPair('P-256').publicKey)
  const { algorithm, keyBits } = parseSpki(spki)
  const changed = Buffer.from(keyBits)
  changed[64]! ^= 1
  const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
  const coordinates = (x: bigint, y: bigint) =>
    Buffer.from(`04${[x, y].map(n => n.toString(16).padStart(64, '0')).join('')}`, 'hex')
  for (const [title, point] of [
    ['that is not on the curve', changed],
    ['of zeros', coordinates(0n, 0n)],
    ['with coordinates of the size of the field', coordinates(p, p)],
    ['that was cut off', keyBits.subarray(0, 64)],
    ['that is not there', Buffer.alloc(0)],
  ] as const)
    test(title, () =>
      assert.throws(() => importSpki(sequence([algorithm.raw, bitString(point)])), {
        name: 'DerError',
        message: /unusable public key/,
      }),
    )
})

describe('an Ed25519 key is not certified', () => {
  const p = 2n ** 255n - 19n
  const keyOf = (y: bigint, sign = 0n) => {
    const octets = Buffer.from(((sign << 255n) | y).toString(16).padStart(64, '0'), 'hex').reverse()
    return importSpki(sequence([sequence([oid(OID.ed25519)]), bitString(octets)]))
  }
  const inverse = (n: bigint) => power(n, p - 2n, p)
  const root = (n: bigint) => {
    const candidate = power(n, (p + 3n) / 8n, p)
    if ((candidate * candidate) % p === n) return candidate
    const other = (candidate * power(2n, (p - 1n) / 4n, p)) % p
    return (other * other) % p === n ? other : undefined
  }
  // Twice a point of order 8 has y = 0, which needs x^2 = -y^2: so d y^4 + 2 y^2 - 1 = 0 (RFC 8032 section 5.1).
  const d = ((p - 121665n) * inverse(121666n)) % p
  const half = root((1n + d) % p)!
  const ofOrder8 = [half - 1n, p - half - 1n]
    .map(numerator => root((((numerator + p) % p) * inverse(d)) % p))
    .filter(y => y !== undefined)
    .flatMap(y => [y, p - y])

  test('when its point has small order', () => {
    assert.equal(ofOrder8.length, 2)
    for (const y of [0n, 1n, p - 1n, ...ofOrder8]) {
      assert.match(keyWeakness(keyOf(y)) ?? '', /small order/)
      assert.match(keyWeakness(keyOf(y, 1n)) ?? '', /small order/)
    }
  })

  test('when it is written with a number as large as the field', () => {
    for (const y of [p, p + 1n, 2n ** 255n - 1n]) assert.match(keyWeakness(keyOf(y)) ?? '', /not written as/)
  })
})

describe('arithmetic:', () => {
  test('square roots are the largest integers whose squares are not above', () => {
    for (const n of [0n, 1n, 2n, 3n, 4n, 15n, 16n, 17n, good, good ** 2n - 1n, good ** 2n, good ** 2n + 1n]) {
      const found = squareRoot(n)
      assert.ok(found ** 2n <= n && (found + 1n) ** 2n > n)
    }
  })

  test("Fermat's method finds factors within its rounds, and no others", () => {
    assert.ok(hasCloseFactors(15n, 1))
    assert.ok(hasCloseFactors(9n, 1))
    const [p, q] = [10007n, 20011n]
    const rounds = Number((p + q) / 2n - squareRoot(p * q))
    assert.ok(hasCloseFactors(p * q, rounds))
    assert.ok(!hasCloseFactors(p * q, rounds - 1))
  })

  test('good keys do not look like those of the Infineon library', () => {
    for (let i = 0; i < 2000; i++) assert.ok(!isRoca(fixedNumber(`n${i}`, 512) | 1n))
    assert.ok(!isRoca(rocaModulus + 2n))
  })
})
