import type { Certificate } from '../certificate.ts'
import type { Name } from '../names.ts'
import type { Spki } from '../spki.ts'
import { certificateProblem, type Place } from './certificate-rules.ts'
import type { Subtrees } from './constrained-names.ts'
import { constraintProblem } from './name-constraints.ts'
import { type PathCertificate, pathCertificate } from './path-certificate.ts'
import { type CertificatePolicyInput, policyProblem } from './policies.ts'
import { type Finding, findingAt, type PathRule, shown } from './problem.ts'
import { keyFinding, keyOf } from './strength.ts'

/** Whom the operator trusts: a name and a key (RFC 5280 section 6.1.1 (d)), and the certificate that says so, if there is one. */
export interface Anchor {
  readonly subject: Name
  readonly spki: Spki
  /** Its dates, constraints and usages count as any other's (RFC 5937), its signature and issuer do not. */
  readonly certificate?: Certificate
}

/** Who issued a certificate; without `certificate` where all that is known of an anchor is its key. */
export type Issuer = Anchor

/** What revocation information, fetched beforehand, says; a certificate without any is 'unknown', and refused. */
export type Revocation = (certificate: Certificate, issuer: Issuer) => 'good' | 'revoked' | 'unknown'

export type PathTerms = Pick<Place, 'now' | 'purpose' | 'requireEku' | 'strict' | 'strength'> & {
  readonly certificatePolicies: CertificatePolicyInput
  readonly revocation: Revocation | undefined
}

/** Comparisons of names with constraints that are left: the product of two numbers that strangers choose. */
export interface NameBudget {
  nameComparisons: number
}

/**
 * RFC 5280 section 6.1 over one path, leaf first, every signature of which has been verified. From the anchor down to
 * the leaf, so that the finding is at the certificate nearest to the leaf that the path is good for. Undefined: valid.
 */
export function checkPath(
  path: readonly PathCertificate[],
  anchor: Anchor,
  terms: PathTerms,
  budget: NameBudget,
): Finding | undefined {
  const leafIsAnchor = path.length === 1 && anchor.certificate?.raw.equals(path[0]!.certificate.raw) === true
  const top = anchor.certificate && !leafIsAnchor ? pathCertificate(anchor.certificate) : undefined
  const whole = top ? [...path, top] : path
  const broken = policyProblem(path.toReversed(), terms.certificatePolicies)
  const walk: Walk = { subtrees: [], pathLength: Number.POSITIVE_INFINITY, serials: new Set() }
  for (let depth = whole.length - 1; depth >= 0; depth--) {
    const subject = whole[depth]!
    const finding = ([rule, what]: readonly [PathRule, string]) =>
      findingAt(depth, subject.certificate, rule, what)
    const own = certificateProblem(subject, {
      ...terms,
      role: depth === 0 ? 'leaf' : 'ca',
      last: depth === whole.length - 1 && (top !== undefined || leafIsAnchor),
      alone: leafIsAnchor,
    })
    if (own) return finding(own)
    if (broken && depth === path.length - 1 - broken.index)
      return finding(['certificate policy', broken.message])
    const place = { depth, isAnchor: subject === top }
    for (const step of steps) {
      const found = step(subject, walk, place, budget)
      if (found) return finding(found)
    }
  }
  return weakAnchor(anchor, path.length, terms) ?? revoked(path, anchor, terms.revocation)
}

/** The state variables of RFC 5280 section 6.1.2 that are left once policies have been dealt with. */
interface Walk {
  /** Intersected by being demanded all. */
  readonly subtrees: Subtrees[]
  /** max_path_length */
  pathLength: number
  readonly serials: Set<string>
}

type Step = (
  subject: PathCertificate,
  walk: Walk,
  place: { readonly depth: number; readonly isAnchor: boolean },
  budget: NameBudget,
) => readonly [PathRule, string] | undefined

const steps: readonly Step[] = [
  /** Revocation is by issuer and serial number: two certificates of one path must not share them. */
  function uniqueSerial({ certificate: { issuer, serial } }, { serials }, { isAnchor }) {
    const id = `${serial} ${issuer.raw.toString('latin1')}`
    if (serials.has(id)) return ['duplicate', `the serial number ${serial} was given twice by its issuer`]
    if (!isAnchor) serials.add(id)
    return undefined
  },

  /** 6.1.3 (b) and (c), 6.1.4 (g) */
  function nameConstraints(subject, { subtrees }, { depth, isAnchor }, budget) {
    const names = depth === 0 ? subject.names.leaf : subject.names.ca
    // An authority's new key has the authority's own name: its issuer cannot have meant to exclude it.
    for (const constraints of isAnchor || (subject.selfIssued && depth > 0) ? [] : subtrees) {
      budget.nameComparisons -= names.length * (constraints.permitted.length + constraints.excluded.length)
      if (budget.nameComparisons < 0)
        return ['work limit', 'it has more names, under more constraints, than are looked at']
      const problem = constraintProblem(names, constraints)
      if (problem) return ['name constraints', `${problem} by the name constraints of an authority above it`]
    }
    if (subject.subtrees && depth > 0) subtrees.push(subject.subtrees)
    return undefined
  },

  /** 6.1.4 (l) and (m) */
  function pathLength({ selfIssued, extensions }, walk, { depth, isAnchor }) {
    if (depth === 0) return undefined
    if (!selfIssued && !isAnchor && walk.pathLength-- <= 0)
      return ['path length', 'there are more authorities below one than its path length allows']
    walk.pathLength = Math.min(
      walk.pathLength,
      extensions.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY,
    )
    return undefined
  },
]

/** A key without a certificate has not been looked at yet. */
function weakAnchor(anchor: Anchor, depth: number, { strength }: PathTerms): Finding | undefined {
  const found = anchor.certificate ? undefined : keyFinding(keyOf(anchor.spki), strength)
  if (!found) return undefined
  const [rule, what] = found
  const subject = shown(anchor.subject)
  return { rule, depth, subject, message: `The trusted authority ${subject}: ${what}: trust another key` }
}

const revocationRules = {
  revoked: ['revoked', 'it was revoked: have another one issued, for another key'],
  unknown: [
    'revocation unknown',
    'nothing current is known of its revocation: see that its issuer’s revocation list or OCSP responder is configured, and reached',
  ],
} as const

/** 6.1.3 (a) (3), after all else, so that nobody is asked about a path that is not valid. */
function revoked(
  path: readonly PathCertificate[],
  anchor: Anchor,
  revocation: Revocation | undefined,
): Finding | undefined {
  for (let depth = revocation ? path.length - 1 : -1; depth >= 0; depth--) {
    const { certificate } = path[depth]!
    const above = path[depth + 1]?.certificate
    if (!above && anchor.certificate?.raw.equals(certificate.raw)) continue
    const issuer = above ? { subject: above.subject, spki: above.spki, certificate: above } : anchor
    const status = revocation!(certificate, issuer)
    if (status === 'good') continue
    const [rule, what] = status === 'revoked' ? revocationRules.revoked : revocationRules.unknown
    return findingAt(depth, certificate, rule, what)
  }
  return undefined
}
