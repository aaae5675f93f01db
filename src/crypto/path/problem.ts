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
  /** RFC 4514, of the certificate at `depth`. */
  readonly subject: string
  /** Absent for a trusted key that came without a certificate. */
  readonly certificate?: Certificate
  /** In words that tell an operator what to do. */
  readonly message: string
  /** With 'unknown issuer': whose certificate is missing, and its key identifier (hex) where the certificate says. */
  readonly missing?: { readonly issuer: string; readonly keyId?: string }
}

/** Why there is no valid path: what is wrong with the one that came nearest. */
export interface PathProblem extends Finding {
  readonly ok: false
  readonly signatureChecks: number
}

/** `what` follows the subject, as in "The certificate of CN=a: it was …". */
export function findingAt(
  depth: number,
  certificate: Certificate,
  rule: PathRule,
  what: string,
): Finding & { readonly certificate: Certificate } {
  const subject = shown(certificate.subject)
  return {
    rule,
    depth,
    subject,
    certificate,
    message: `${depth === 0 ? 'The certificate of' : 'The authority'} ${subject}: ${what}`,
  }
}

const longestShown = 256

/** A name in a message: RFC 4514, cut short where somebody wrote a book into it. */
export function shown(name: Name): string {
  const text = formatName(name) || '(no name)'
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`
}
