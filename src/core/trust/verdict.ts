import type { Certificate } from '../../crypto/certificate.ts'

/** A certificate that a root of the tenant vouches for, now. */
export interface TrustedPath {
  readonly ok: true
  readonly leaf: Certificate
  /** From the leaf to the root. */
  readonly chain: readonly Certificate[]
}

/** Why a certificate is not good for authenticating anybody. */
export interface Untrusted {
  readonly ok: false
  /** A rule of path validation, or that the certificate cannot be read. */
  readonly rule: string
  /** For the operator: what is wrong, at which certificate. */
  readonly reason: string
  readonly hint: string
  /** Is it self-signed? Then a pin can make it good (RFC 8705 section 2.2). */
  readonly selfSigned: boolean
}

export type Verdict = TrustedPath | Untrusted

export const untrusted = (rule: string, reason: string, hint: string, selfSigned: boolean): Untrusted => ({
  ok: false,
  rule,
  reason,
  hint,
  selfSigned,
})

/** What helps against most of what can be wrong with a certificate. */
export const newCertificate =
  'The sender needs another certificate: `countersign key create INSTANCE NAME --type certificate`.'
