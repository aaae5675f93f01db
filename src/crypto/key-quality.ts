import type { KeyObject } from 'node:crypto'
import { fieldsOf, oid, readDer, readInteger } from './der.ts'
import { hasCloseFactors, isRoca, smallFactor } from './rsa-weakness.ts'
import { parseSpki, type Spki, spkiOf } from './spki.ts'

/**
 * What a key must be for us to certify it. Paths that others issued are judged by path/strength.ts, which has to take
 * keys that are older than these rules.
 *
 * Not looked for: the keys that Debian's OpenSSL made from 2006 to 2008 (CVE-2008-0166). It would take lists for each
 * length and each kind of processor, longer than all else here, against systems that nobody should still run.
 */

const leastRsaBits = 2048
// Verifying costs the square of the length.
const mostRsaBits = 8192
const leastExponent = 65537n
const mostExponent = 1n << 32n

/** node:crypto's name, the name in words, and the identifier that stands in the key. */
const curves = [
  { name: 'prime256v1', words: 'P-256', parameters: oid('1.2.840.10045.3.1.7') },
  { name: 'secp384r1', words: 'P-384', parameters: oid('1.3.132.0.34') },
  { name: 'secp521r1', words: 'P-521', parameters: oid('1.3.132.0.35') },
] as const

const uncompressed = 4

const rules: Readonly<Record<string, (spki: Spki, key: KeyObject) => string | undefined>> = {
  rsa: rsaWeakness,
  'rsa-pss': rsaWeakness,
  ec: curveWeakness,
  ed25519: edwardsWeakness,
}

/** What we certify, in words. */
export const acceptedKeys = `RSA of ${leastRsaBits} to ${mostRsaBits} bits, ${curves.map(({ words }) => words).join(', ')} and Ed25519`

/**
 * Why we do not certify this public key (or the public half of this private one), as a half sentence for a person:
 * "its RSA key has 1024 bits, fewer than 2048". Undefined when we do. Costs some milliseconds for RSA.
 */
export function keyWeakness(key: KeyObject): string | undefined {
  const type = key.asymmetricKeyType ?? 'none'
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined
  if (!rule) return `its key is of type ${type}: accepted are ${acceptedKeys}`
  const spki = written(key)
  return spki
    ? rule(spki, key)
    : 'its key cannot be written, as the point at infinity, for which anybody can sign'
}

/** node:crypto reads the point at infinity, and takes signatures for it that need no private key. */
function written(key: KeyObject): Spki | undefined {
  try {
    return parseSpki(spkiOf(key))
  } catch {
    return undefined
  }
}

function rsaWeakness({ keyBits }: Spki): string | undefined {
  const fields = fieldsOf(readDer(keyBits), 'RSAPublicKey')
  const n = readInteger(fields.required('modulus'))
  const e = readInteger(fields.required('publicExponent'))
  const bits = n > 0n ? n.toString(2).length : 0
  if (bits < leastRsaBits) return `its RSA key has ${bits} bits, fewer than ${leastRsaBits}`
  if (bits > mostRsaBits) return `its RSA key has ${bits} bits, more than ${mostRsaBits}`
  return exponentWeakness(e) ?? modulusWeakness(n)
}

function exponentWeakness(e: bigint): string | undefined {
  if (e <= 1n) return `the exponent of its RSA key is ${e}, which signs nothing`
  if (e % 2n === 0n) return 'the exponent of its RSA key is even, so it is no RSA key'
  if (e < leastExponent) return `the exponent of its RSA key is ${e}, smaller than ${leastExponent}`
  if (e > mostExponent) return 'the exponent of its RSA key is larger than 2^32'
  return undefined
}

function modulusWeakness(n: bigint): string | undefined {
  const factor = smallFactor(n)
  if (factor !== undefined) return `the modulus of its RSA key can be divided by ${factor}`
  if (isRoca(n))
    return 'its RSA key was made by a library whose private keys can be computed (ROCA, CVE-2017-15361)'
  if (hasCloseFactors(n)) return 'the two primes of its RSA key are so close that they can be computed'
  return undefined
}

/** That a point lies on its curve is checked where a key is imported. */
function curveWeakness({ algorithm, keyBits }: Spki, key: KeyObject): string | undefined {
  const name = key.asymmetricKeyDetails?.namedCurve
  const curve = curves.find(row => row.name === name)
  if (!curve) return `its key is on the curve ${name ?? 'of its own'}: accepted are ${acceptedKeys}`
  // With parameters of its own a key passes for one of the curve whose parameters it almost has (CVE-2020-0601).
  if (!algorithm.parameters?.equals(curve.parameters))
    return `its key spells out the parameters of a curve instead of naming ${curve.words} (RFC 5480 section 2.1.1)`
  if (keyBits[0] !== uncompressed)
    return 'the point of its key is in short form, which few programs read (RFC 5480 section 2.2)'
  return undefined
}

const p25519 = 2n ** 255n - 19n
/** The y of the eight points of small order, for which anybody can sign anything (RFC 8032 section 5.1). */
const smallOrder: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  p25519 - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
])

function edwardsWeakness({ keyBits }: Spki): string | undefined {
  const y = BigInt.asUintN(255, BigInt(`0x${Buffer.from(keyBits).reverse().toString('hex')}`))
  if (y >= p25519) return 'its Ed25519 key is not written as RFC 8032 section 5.1.2 says'
  if (smallOrder.has(y)) return 'its Ed25519 key is a point of small order, for which anybody can sign'
  return undefined
}
