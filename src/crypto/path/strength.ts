import type { KeyObject } from 'node:crypto'
import { importSpki, type Spki } from '../spki.ts'

/** The least strength of a key on a path; `leastRsaBits` 2048 and the three NIST curves where nothing else is said. */
export interface KeyStrength {
  readonly leastRsaBits?: number
  /** Names as node:crypto has them, such as `prime256v1`. */
  readonly curves?: readonly string[]
}

const defaults = { leastRsaBits: 2048, curves: ['prime256v1', 'secp384r1', 'secp521r1'] } as const
// Verifying costs the square of the length, and the exponent's length times it.
const mostRsaBits = 8192
const mostExponent = 1n << 64n

type KeyFinding = readonly [rule: 'weak key' | 'unsupported key', message: string]

const rsa = (key: KeyObject, strength: Required<KeyStrength>): KeyFinding | undefined => {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < strength.leastRsaBits)
    return ['weak key', `its RSA key has ${modulusLength} bits, fewer than ${strength.leastRsaBits}`]
  if (publicExponent < 3n || publicExponent % 2n === 0n)
    return ['weak key', `the exponent of its RSA key is ${publicExponent}`]
  if (modulusLength > mostRsaBits || publicExponent > mostExponent)
    return ['unsupported key', `its RSA key of ${modulusLength} bits is larger than is accepted`]
  return undefined
}

const rules: Readonly<
  Record<string, (key: KeyObject, strength: Required<KeyStrength>) => KeyFinding | undefined>
> = {
  rsa,
  'rsa-pss': rsa,
  ec(key, { curves }) {
    const curve = key.asymmetricKeyDetails?.namedCurve ?? 'explicit parameters'
    return curves.includes(curve)
      ? undefined
      : ['weak key', `its key is on the curve ${curve}; accepted are ${curves.join(', ')}`]
  },
  ed25519: () => undefined,
  ed448: () => undefined,
}

/** Why a key is not accepted on a path; undefined when it is. */
export function keyFinding(key: KeyObject | undefined, strength: KeyStrength = {}): KeyFinding | undefined {
  const rule = rules[key?.asymmetricKeyType ?? 'none']
  if (!key || !rule)
    return ['unsupported key', `its key is of no type that is accepted (${Object.keys(rules).join(', ')})`]
  return rule(key, { ...defaults, ...strength })
}

// Importing a key costs as much as verifying with it, and a trusted one is used for years.
const imported = new WeakMap<Spki, KeyObject | false>()

/** The key for node:crypto, undefined when there is none in it. */
export function keyOf(spki: Spki): KeyObject | undefined {
  let key = imported.get(spki)
  if (key === undefined) {
    key = tryImport(spki)
    imported.set(spki, key)
  }
  return key || undefined
}

function tryImport(spki: Spki): KeyObject | false {
  try {
    return importSpki(spki.raw)
  } catch {
    return false
  }
}
