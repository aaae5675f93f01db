import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'

/**
 * The one table of what we sign with (RFC 7518, RFC 8037) and the least strength we accept.
 * Everything that depends on an algorithm is in its row; nothing below enumerates algorithms.
 */
export interface Algorithm {
  readonly name: string
  /** Signs, returning the bytes as JWS wants them. Synchronous: see docs/decisions. */
  sign(key: KeyObject, data: Buffer): Buffer
  verify(key: KeyObject, data: Buffer, signature: Buffer): boolean
  /** Does the key fit: right type, right curve, strong enough (RFC 8725 section 3.5)? */
  fits(key: KeyObject): boolean
  generate(): KeyObject
}

export type AlgorithmName = 'ES256' | 'ES384' | 'RS256' | 'PS256' | 'EdDSA'

const leastRsaBits = 2048

function ecdsa(name: string, hash: string, curve: string, bytes: number): Algorithm {
  return {
    name,
    // DER converted by hand: asking node:crypto for P1363 costs twice on Node 24.
    sign: (key, data) => derToP1363(sign(hash, data, key), bytes),
    verify: (key, data, signature) =>
      signature.length === 2 * bytes && verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature),
    fits: key => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve,
    generate: () => generateKeyPairSync('ec', { namedCurve: curve }).privateKey,
  }
}

function rsa(name: string, padding: { padding?: number; saltLength?: number }): Algorithm {
  return {
    name,
    sign: (key, data) => sign('sha256', data, { key, ...padding }),
    verify: (key, data, signature) => verify('sha256', data, { key, ...padding }, signature),
    fits: key => {
      const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
      return (
        key.asymmetricKeyType === 'rsa' &&
        modulusLength >= leastRsaBits &&
        publicExponent > 1n &&
        publicExponent % 2n === 1n
      )
    },
    generate: () => generateKeyPairSync('rsa', { modulusLength: leastRsaBits }).privateKey,
  }
}

const pssPadding = { padding: 6 /* RSA_PKCS1_PSS_PADDING */, saltLength: 32 }

const table: Record<AlgorithmName, Algorithm> = {
  ES256: ecdsa('ES256', 'sha256', 'prime256v1', 32),
  ES384: ecdsa('ES384', 'sha384', 'secp384r1', 48),
  RS256: rsa('RS256', {}),
  PS256: rsa('PS256', pssPadding),
  EdDSA: {
    name: 'EdDSA',
    sign: (key, data) => sign(null, data, key),
    verify: (key, data, signature) => signature.length === 64 && verify(null, data, key, signature),
    fits: key => key.asymmetricKeyType === 'ed25519',
    generate: () => generateKeyPairSync('ed25519').privateKey,
  },
}

export const algorithmNames = Object.keys(table) as AlgorithmName[]

/** Newer names of rows (RFC 9864 section 2.2): clients write both. */
const otherNames: Readonly<Record<string, AlgorithmName>> = { Ed25519: 'EdDSA' }

/** Every name under which a signature is accepted. */
export const acceptedNames: readonly string[] = [...algorithmNames, ...Object.keys(otherNames)]

/** The row of an algorithm, or undefined: `none`, HMAC and everything unknown have no row. */
export function algorithm(name: unknown): Algorithm | undefined {
  if (typeof name !== 'string') return undefined
  if (Object.hasOwn(otherNames, name)) return table[otherNames[name]!]
  return Object.hasOwn(table, name) ? table[name as AlgorithmName] : undefined
}

/** The public half of a key as JWK, without private members whatever is handed in. */
export function publicJwk(key: KeyObject): Record<string, string> {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ format: 'jwk' }) as Record<string, string>
}

/** ECDSA-Sig-Value (RFC 3279 section 2.2.3) to the fixed-length r || s of RFC 7518 section 3.4. */
function derToP1363(der: Buffer, bytes: number): Buffer {
  const out = Buffer.alloc(2 * bytes)
  let at = der[1]! & 0x80 ? 3 : 2
  for (const end of [bytes, 2 * bytes]) {
    const length = der[at + 1]!
    const start = at + 2
    const skip = Math.max(0, length - bytes)
    der.copy(out, end - (length - skip), start + skip, start + length)
    at = start + length
  }
  return out
}
