import type { Certificate } from '../certificate.ts'
import type { PathPurpose } from './certificate-rules.ts'
import type { Anchor, Revocation } from './check-path.ts'
import type { CertificatePolicyInput } from './policies.ts'
import { findingAt, type PathProblem } from './problem.ts'
import { searchLimits, searchPath } from './search.ts'
import type { KeyStrength } from './strength.ts'

/** What an operator may set; the defaults are the strict ones. */
export interface PathPolicy extends KeyStrength {
  /** Refuse what breaks the profile of RFC 5280 section 4 as `openssl verify -x509_strict` does; default true. */
  readonly strict?: boolean
  readonly certificatePolicies?: CertificatePolicyInput
}

export interface PathInput {
  /** Whose identity is in question. */
  readonly leaf: Certificate
  /** What may help to complete the chain, in any order, from anybody; at most 10. */
  readonly intermediates: readonly Certificate[]
  /** Whom to trust; several of one name with different keys are fine. */
  readonly anchors: readonly Anchor[]
  /** Milliseconds since 1970. */
  readonly now: number
  readonly purpose: PathPurpose
  /** Refuse a leaf without extKeyUsage; default false: it is good for everything. */
  readonly requireEku?: boolean
  /** Asked about each certificate of an otherwise valid path; absent: not checked. */
  readonly revocation?: Revocation
  readonly policy?: PathPolicy
}

export interface ValidPath {
  readonly ok: true
  /** The leaf that was given first; the anchor's certificate last, where it has one. */
  readonly chain: readonly Certificate[]
  readonly anchor: Anchor
  readonly signatureChecks: number
}

/**
 * Builds a certification path from the leaf to an anchor and validates it (RFC 5280 section 6; RFC 4158 for the
 * building). The answer is a valid path, or what is wrong with the path that came nearest. Never throws whatever the
 * certificates say, and does bounded work (`searchLimits`).
 */
export function validatePath(input: PathInput): ValidPath | PathProblem {
  const { leaf, intermediates, anchors, now, purpose, policy = {} } = input
  if (intermediates.length > searchLimits.intermediates)
    return {
      ok: false,
      ...findingAt(0, leaf, 'too long', tooMany(intermediates.length)),
      signatureChecks: 0,
    }
  const { found, signatureChecks } = searchPath(leaf, intermediates, anchors, {
    now,
    purpose,
    requireEku: input.requireEku ?? false,
    strict: policy.strict ?? true,
    strength: policy,
    certificatePolicies: policy.certificatePolicies ?? {},
    revocation: input.revocation,
  })
  if ('rule' in found) return { ok: false, ...found, signatureChecks }
  const path = found.path.map(({ certificate }) => certificate)
  const { certificate } = found.anchor
  const chain = certificate && !certificate.raw.equals(leaf.raw) ? [...path, certificate] : path
  return { ok: true, chain, anchor: found.anchor, signatureChecks }
}

const tooMany = (count: number): string =>
  `it came with ${count} others, more than the ${searchLimits.intermediates} that are looked at: send only those that lead to the root`

/** A trusted certificate as an anchor. */
export const anchorOf = (certificate: Certificate): Anchor => ({
  subject: certificate.subject,
  spki: certificate.spki,
  certificate,
})
