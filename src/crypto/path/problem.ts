import type { Certificate } from '../certificate.ts'
import { formatName, type Name } from '../names.ts'

/** What can be wrong with a path, by stable names; most are sections of RFC 5280. */
export type PathRule =
  | 'too long'
  | 'work limit'
  | 'unknown issuer'
  | 'signature'
  | 'weak signature'
  | 'unsupported signature'
  | 'name chaining'
  | 'malformed extension'
  | 'unknown critical extension'
  | 'version'
  | 'not a CA'
  | 'path length'
  | 'key usage'
  | 'extended key usage'
  | 'name constraints'
  | 'certificate policy'
  | 'not yet valid'
  | 'expired'
  | 'weak key'
  | 'unsupported key'
  | 'duplicate'
  | 'profile'
  | 'revoked'
  | 'revocation unknown'

/** A rule that is broken, at one certificate: 0 is the leaf, and its issuer has one more. */
export interface Finding {
  readonly rule: PathRule
  readonly depth: number
  /** In words that tell an operator what to do. */
  readonly message: string
}

/** Why there is no valid path. `subject` and `certificate` are those of the certificate at `depth`. */
export interface PathProblem extends Finding {
  readonly ok: false
  readonly subject: string
  readonly certificate?: Certificate
  /** With 'unknown issuer': whose certificate is missing, and its key identifier (hex) where the certificate says. */
  readonly missing?: { readonly issuer: string; readonly keyId?: string }
  readonly signatureChecks: number
}

const longestShown = 256

/** A name in a message: RFC 4514, cut short where somebody wrote a book into it. */
export function shown(name: Name): string {
  const text = formatName(name) || '(no name)'
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`
}
