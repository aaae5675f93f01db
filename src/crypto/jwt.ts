import type { KeyObject } from 'node:crypto'
import { type Algorithm, algorithm } from './algorithms.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'

/** A JWS in compact form taken apart (RFC 7515 section 7.1); nothing in it is trusted yet. */
export interface DecodedJwt {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly signingInput: Buffer
  readonly signature: Buffer
}

/** A signing key ready for use: the JOSE header is encoded once, not once a token. */
export interface JwtSigner {
  sign(claims: object): string
}

/** Prepares signing with one key. `header` holds everything but `alg`, such as `typ` and `kid`. */
export function jwtSigner(alg: Algorithm, key: KeyObject, header: Record<string, unknown>): JwtSigner {
  const prefix = `${encodeBase64url(JSON.stringify({ alg: alg.name, ...header }))}.`
  return {
    sign(claims) {
      const input = prefix + encodeBase64url(JSON.stringify(claims))
      return `${input}.${alg.sign(key, Buffer.from(input, 'latin1')).toString('base64url')}`
    },
  }
}

/**
 * Takes a compact JWS apart, strictly: three parts, canonical base64url, JSON objects without a repeated
 * member, no `crit`, no `b64` (RFC 7515 section 4.1.11, RFC 8725 section 2.4). Returns a short reason when it is none.
 */
export function decodeJwt(token: string, maxLength = 16_384): DecodedJwt | string {
  if (token.length > maxLength) return `longer than ${maxLength} characters`
  const parts = token.split('.')
  if (parts.length !== 3) return `${parts.length} parts instead of 3`
  const [header, claims, signature] = parts.map(decodeBase64url)
  if (!header || !claims || !signature) return 'not canonical base64url'
  const headerObject = parseObject(header)
  if (!headerObject) return 'header is not a JSON object with unique members'
  if ('crit' in headerObject || 'b64' in headerObject) return 'header has crit or b64'
  const claimsObject = parseObject(claims)
  if (!claimsObject) return 'claims are not a JSON object with unique members'
  const signingInput = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1')
  return { header: headerObject, claims: claimsObject, signingInput, signature }
}

/** Checks the signature with a key whose algorithm the caller has fixed (RFC 8725 section 3.1). */
export function verifyJwt(jwt: DecodedJwt, key: KeyObject, expected: Algorithm): boolean {
  if (algorithm(jwt.header.alg) !== expected || !expected.fits(key)) return false
  try {
    return expected.verify(key, jwt.signingInput, jwt.signature)
  } catch {
    return false
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return hasRepeatedMember(text) ? undefined : (value as Record<string, unknown>)
  } catch {
    return undefined
  }
}

/**
 * Does any object in this (valid) JSON text name a member twice? JSON.parse keeps the last one silently, other
 * parsers the first, and a signature over both proves nothing (RFC 8725 section 2.4, RFC 7519 section 4).
 */
export function hasRepeatedMember(json: string): boolean {
  const open: (Set<string> | undefined)[] = []
  for (let i = 0; i < json.length; i++) {
    const c = json[i]
    if (c === '{') open.push(new Set())
    else if (c === '[') open.push(undefined)
    else if (c === '}' || c === ']') open.pop()
    else if (c === '"') {
      const start = i
      for (i++; json[i] !== '"'; i++) if (json[i] === '\\') i++
      let next = i + 1
      while (json[next] === ' ' || json[next] === '\n' || json[next] === '\r' || json[next] === '\t') next++
      const members = open.at(-1)
      if (json[next] !== ':' || !members) continue
      const name = JSON.parse(json.slice(start, i + 1)) as string
      if (members.has(name)) return true
      members.add(name)
    }
  }
  return false
}
