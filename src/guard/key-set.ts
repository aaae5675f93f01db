import { createPublicKey, type KeyObject } from 'node:crypto'
import { algorithm, algorithmNames } from '../crypto/algorithms.ts'
import { jwkThumbprint } from '../crypto/thumbprint.ts'
import { Refusal, show, type VerificationKey } from './access-token.ts'

/** A key that the issuer publishes. The thumbprint tells it from a later one of the same name. */
export interface PublishedKey extends VerificationKey {
  readonly thumbprint: string
}

export interface KeySet {
  /**
   * The key of this name, for this algorithm if it is fit for it (else for another one: the caller compares); a
   * Refusal when a key of this name is published but not usable; undefined when there is none.
   */
  find(kid: string, alg: string): PublishedKey | Refusal | undefined
  /** All that can be used: one for each name and algorithm. */
  readonly keys: readonly (PublishedKey & { readonly kid: string })[]
  /** How many keys can be used. */
  readonly size: number
  /** Why the others cannot. */
  readonly refused: readonly string[]
}

type Jwk = Readonly<Record<string, unknown>>

/**
 * Reads a JWK set (RFC 7517 section 5). Keys without a name, for another use, too weak, of an unknown kind, or with
 * private parts are not used. Returns a short reason when it is no JWK set at all.
 */
export function readKeySet(json: unknown): KeySet | string {
  const list = isObject(json) ? json.keys : undefined
  if (!Array.isArray(list)) return 'no JWK set'
  const usable = new Map<string, PublishedKey[]>()
  const unusable = new Map<string, string>()
  for (const jwk of list) {
    if (!isObject(jwk) || typeof jwk.kid !== 'string' || jwk.kid === '') continue
    const keys = readKey(jwk)
    if (typeof keys === 'string') unusable.set(jwk.kid, keys)
    else usable.set(jwk.kid, [...(usable.get(jwk.kid) ?? []), ...keys])
  }
  return {
    size: usable.size,
    refused: [...unusable].map(([kid, why]) => `key ${show(kid)} ${why}`),
    keys: [...usable].flatMap(([kid, keys]) => keys.map(key => ({ ...key, kid }))),
    find(kid, alg) {
      const keys = usable.get(kid)
      if (keys) return keys.find(key => key.algorithm === algorithm(alg)) ?? keys[0]
      const why = unusable.get(kid)
      return why === undefined ? undefined : new Refusal('key', `the published key ${show(kid)} ${why}`)
    },
  }
}

/** One entry per algorithm that the key may be used with: an RSA key without `alg` serves RS256 and PS256. */
function readKey(jwk: Jwk): PublishedKey[] | string {
  if (privateMembers.some(name => Object.hasOwn(jwk, name))) return 'is published with its private part'
  if (jwk.use !== undefined && jwk.use !== 'sig') return 'is not for signatures'
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')))
    return 'is not for verifying'
  const publicPart = Object.fromEntries(publicMembers.map(name => [name, jwk[name]]))
  let key: KeyObject
  try {
    key = createPublicKey({ key: publicPart, format: 'jwk' })
  } catch {
    return 'is of a kind that is not known, or broken'
  }
  const names = jwk.alg === undefined ? algorithmNames : [jwk.alg]
  const rows = names.map(algorithm).filter(row => row?.fits(key)) as VerificationKey['algorithm'][]
  if (rows.length === 0) return 'is too weak, or not fit for its algorithm'
  const thumbprint = jwkThumbprint(key.export({ format: 'jwk' }) as Jwk)
  return rows.map(row => ({ algorithm: row, key, thumbprint }))
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const publicMembers = ['kty', 'crv', 'x', 'y', 'n', 'e']

function isObject(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
