import { createPublicKey } from 'node:crypto'
import { z } from 'zod'
import { algorithm, algorithmNames } from '../../../crypto/algorithms.ts'
import { keyWeakness } from '../../../crypto/key-quality.ts'
import { jwkThumbprint } from '../../../crypto/thumbprint.ts'
import { readKeySet } from '../../../guard/key-set.ts'
import type { KeySetRow } from '../../clients/index.ts'
import { plan } from '../../plans.ts'
import { Problem } from '../../problem.ts'
import type { CredentialKind, CredentialTables } from './credential.ts'
import { readKeyParameters } from './parameters.ts'

const parametersSchema = z.strictObject({
  jwks: z.unknown().optional(),
  jwks_uri: z.string().max(2048).optional(),
})

type Parameters = z.infer<typeof parametersSchema>
type KeySet = Omit<KeySetRow, 'credentialId'>

const mostKeys = 20
const longestKid = 256

/** Public keys of the sender, which signs assertions with the private ones (RFC 7523): a set, or where it is published. */
export const jwks: CredentialKind = {
  type: 'jwks',
  schema: parametersSchema,
  async make(_owner, parameters) {
    const read = readKeyParameters(this.type, parametersSchema, parameters)
    if (read instanceof Problem) return read
    const set = readSet(read)
    if (set instanceof Problem) return set
    return {
      stored: {},
      document: set.jwksUri === undefined ? { jwks: JSON.parse(set.jwks!) } : { jwks_uri: set.jwksUri },
      async write({ id }, { keySets }) {
        await keySets.insert({ credentialId: id, ...set })
        return undefined
      },
    }
  },
  /** The set given replaces the one before: a sender that changes over puts old and new into it. */
  async succeed(key, made, _overlap, tables) {
    await replaceSet(key.id, made.document, tables)
    await tables.keys.touch(key)
    return undefined
  },
  urls: (instance, tenant, addresses) => ({
    tokenurl: addresses.tokenEndpoint(tenant),
    url: plan(instance.plan)!.audience(addresses, tenant),
  }),
}

function replaceSet(
  credentialId: string,
  document: Readonly<Record<string, unknown>>,
  { keySets }: Pick<CredentialTables, 'keySets'>,
): Promise<void> {
  return keySets.replace({
    credentialId,
    jwks: document.jwks === undefined ? undefined : JSON.stringify(document.jwks),
    jwksUri: document.jwks_uri as string | undefined,
  })
}

function readSet({ jwks: given, jwks_uri: uri }: Parameters): KeySet | Problem {
  const refuse = (reason: string, hint?: string) =>
    new Problem('invalid_input', reason, hint === undefined ? {} : { hint })
  if ((given === undefined) === (uri === undefined)) return refuse('give jwks or jwks_uri, one of the two')
  if (uri !== undefined) {
    const url = URL.parse(uri)
    return url?.protocol === 'https:' && url.username === '' && url.hash === ''
      ? { jwks: undefined, jwksUri: uri }
      : refuse('jwks_uri must be an https:// address without user name and fragment')
  }
  const document = typeof given === 'string' ? parsed(given) : given
  const keys = keysOf(document)
  if (typeof keys === 'string') return refuse(`jwks: ${keys}`)
  const set = readKeySet({ keys })
  if (typeof set === 'string' || set.refused.length > 0 || set.size === 0)
    return refuse(
      `jwks: ${typeof set === 'string' ? set : set.refused.join('; ') || 'no key can be used'}`,
      `Keys for ${algorithmNames.join(', ')} are taken, without private members.`,
    )
  return { jwks: JSON.stringify({ keys }), jwksUri: undefined }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

type Jwk = Readonly<Record<string, unknown>>

/** The public members of each key, with a name, by default its thumbprint (RFC 7638); a string says what is wrong. */
function keysOf(document: unknown): readonly Jwk[] | string {
  const list =
    isObject(document) && Array.isArray(document.keys) ? document.keys : isObject(document) ? [document] : []
  if (list.length === 0) return 'it is no JSON Web Key Set: {"keys":[...]}'
  if (list.length > mostKeys) return `${list.length} keys, more than the ${mostKeys} allowed`
  const keys: Jwk[] = []
  for (const jwk of list) {
    if (!isObject(jwk)) return 'a key is no JSON object'
    if (privateMembers.some(name => Object.hasOwn(jwk, name)))
      return 'it holds a private key: give the public half, and make a new key pair, for this one has left its place'
    const weakness = weaknessOf(jwk)
    if (weakness !== undefined) return weakness
    const { kid = jwkThumbprint(jwk) } = jwk
    if (typeof kid !== 'string' || kid === '' || kid.length > longestKid)
      return `a kid is no text of 1 to ${longestKid} characters`
    keys.push({
      kid,
      ...Object.fromEntries(kept.flatMap(name => (jwk[name] === undefined ? [] : [[name, jwk[name]]]))),
    })
  }
  const names = keys.map(({ kid }) => kid)
  return new Set(names).size === names.length ? keys : 'two keys have the same kid'
}

function weaknessOf(jwk: Jwk): string | undefined {
  if (jwk.alg !== undefined && !algorithm(jwk.alg))
    return `the algorithm ${String(jwk.alg).slice(0, 20)} is not taken`
  try {
    return keyWeakness(createPublicKey({ key: jwk, format: 'jwk' }))
  } catch {
    return 'a key is broken, or of a kind that is not known'
  }
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const kept = ['kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use', 'key_ops']

const isObject = (value: unknown): value is Jwk =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
