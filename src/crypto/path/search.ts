import type { Certificate } from '../certificate.ts'
import { nameEquals, parseName } from '../names.ts'
import { verificationOf, verifySigned } from '../signed.ts'
import type { Spki } from '../spki.ts'
import { type Anchor, checkPath, type NameBudget, type PathTerms } from './check-path.ts'
import { type PathCertificate, pathCertificate } from './path-certificate.ts'
import { type Finding, findingAt, shown } from './problem.ts'
import { keyOf } from './strength.ts'

/** What a search may cost at most, whatever it is given. Honest senders need one signature per certificate. */
export const searchLimits = {
  intermediates: 10,
  signatureChecks: 40,
  paths: 200,
  nameComparisons: 1 << 18,
} as const

export interface FoundPath {
  readonly path: readonly PathCertificate[]
  readonly anchor: Anchor
}

interface Search {
  readonly pool: readonly PathCertificate[]
  readonly anchors: readonly Anchor[]
  readonly terms: PathTerms
  readonly verified: Map<PathCertificate, Map<string, boolean>>
  readonly work: NameBudget & { signatureChecks: number; paths: number }
  /** The failure that came nearest to a valid path. */
  best: { readonly found: Finding; readonly rank: readonly [complete: number, progress: number] } | undefined
  exhausted: boolean
}

/** Looks for a valid path from the leaf to an anchor (RFC 4158), depth first, trusted issuers before others. */
export function searchPath(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Anchor[],
  terms: PathTerms,
): { readonly found: FoundPath | Finding; readonly signatureChecks: number } {
  const others = intermediates.filter(
    (one, i) =>
      !one.raw.equals(leaf.raw) && intermediates.findIndex(other => other.raw.equals(one.raw)) === i,
  )
  const search: Search = {
    pool: others.map(pathCertificate),
    anchors,
    terms,
    verified: new Map(),
    work: { signatureChecks: 0, paths: 0, nameComparisons: searchLimits.nameComparisons },
    best: undefined,
    exhausted: false,
  }
  const start = [pathCertificate(leaf)]
  const found = trustedItself(search, start) ?? extend(search, start) ?? failureOf(search, leaf)
  return { found, signatureChecks: search.work.signatureChecks }
}

function failureOf({ best, exhausted }: Search, leaf: Certificate): Finding {
  const found = best?.found
  if (found && !exhausted) return found
  const why = found ? `; the best of those tried failed so: ${found.message}` : ''
  return findingAt(
    0,
    leaf,
    'work limit',
    `there are too many ways to complete its chain: send only the certificates that lead to the root${why}`,
  )
}

/** A leaf that the operator trusts as it is. */
function trustedItself(search: Search, path: readonly PathCertificate[]): FoundPath | undefined {
  const { raw } = path[0]!.certificate
  const anchor = search.anchors.find(({ certificate }) => certificate?.raw.equals(raw))
  return anchor && complete(search, path, anchor)
}

function complete(search: Search, path: readonly PathCertificate[], anchor: Anchor): FoundPath | undefined {
  const found = checkPath(path, anchor, search.terms, search.work)
  if (!found) return { path, anchor }
  // A path that ends at an anchor is worth more than any that does not; then the one that is good for longest.
  note(search, found, [1, -found.depth])
  return undefined
}

function note(search: Search, found: Finding, rank: readonly [number, number]): void {
  const { best } = search
  if (found.rule === 'work limit') search.exhausted = true
  if (best && (best.rank[0] > rank[0] || (best.rank[0] === rank[0] && best.rank[1] >= rank[1]))) return
  search.best = { found, rank }
}

function extend(search: Search, path: readonly PathCertificate[]): FoundPath | undefined {
  if (++search.work.paths > searchLimits.paths) search.exhausted = true
  if (search.exhausted) return undefined
  const subject = path.at(-1)!
  const depth = path.length - 1
  const partial = (found: Finding | undefined) => void (found && note(search, found, [0, depth]))
  const unusable = signatureFinding(subject.certificate, depth)
  if (unusable) return partial(unusable)

  const named = candidates(search, path)
  const likely = named.filter(candidate => mayHaveIssued(candidate, subject))
  if (likely.length === 0) return partial(unknownIssuer(subject, depth, named.length > 0))
  let isSigned = false
  for (const candidate of likely) {
    if (!signed(search, subject, candidate.spki)) continue
    isSigned = true
    const found = candidate.anchor
      ? complete(search, path, candidate.anchor)
      : extend(search, [...path, candidate.intermediate!])
    if (found) return found
  }
  return isSigned || search.exhausted ? undefined : partial(wrongSignature(subject.certificate, depth))
}

interface Candidate {
  readonly spki: Spki
  /** Absent for an anchor of which nothing but name and key is known. */
  readonly certificate: PathCertificate | undefined
  readonly anchor?: Anchor
  readonly intermediate?: PathCertificate
}

/** Who has the name of the issuer: anchors first, then what the sender sent; no loops (RFC 4158 section 5.2). */
function candidates({ anchors, pool }: Search, path: readonly PathCertificate[]): Candidate[] {
  const { issuer } = path.at(-1)!.certificate
  if (issuer.rdns.length === 0) return []
  const trusted = anchors
    .filter(({ subject }) => nameEquals(subject, issuer))
    .map(anchor => ({
      spki: anchor.spki,
      certificate: anchor.certificate && pathCertificate(anchor.certificate),
      anchor,
    }))
  const isInPath = ({ certificate }: PathCertificate) =>
    path.some(
      ({ certificate: used }) =>
        used.spki.raw.equals(certificate.spki.raw) && nameEquals(used.subject, certificate.subject),
    )
  const sent = pool
    .filter(one => nameEquals(one.certificate.subject, issuer) && !isInPath(one))
    .map(one => ({ spki: one.certificate.spki, certificate: one, intermediate: one }))
  return [...trusted, ...sent]
}

/**
 * Does authorityKeyIdentifier fit? RFC 5280 has it as a hint, but an issuer that says which key it used is believed
 * (openssl does the same): that leaves strangers little to make us verify.
 */
function mayHaveIssued({ certificate: issuer }: Candidate, subject: PathCertificate): boolean {
  const hint = subject.extensions.authorityKeyIdentifier
  if (!hint || !issuer) return true
  const keyId = issuer.extensions.subjectKeyIdentifier
  if (hint.keyId && keyId && !hint.keyId.equals(keyId)) return false
  if (!hint.certificate) return true
  const names = hint.certificate.issuer.flatMap(name =>
    name.kind === 'dn' ? [parseName(name.name.raw)] : [],
  )
  return (
    hint.certificate.serial === issuer.certificate.serial &&
    (names.length === 0 || names.some(name => nameEquals(name, issuer.certificate.issuer)))
  )
}

function signed(search: Search, subject: PathCertificate, spki: Spki): boolean {
  const results = search.verified.get(subject) ?? new Map<string, boolean>()
  search.verified.set(subject, results)
  const id = spki.raw.toString('latin1')
  const known = results.get(id)
  if (known !== undefined) return known
  if (search.work.signatureChecks >= searchLimits.signatureChecks) search.exhausted = true
  if (search.exhausted) return false
  const key = keyOf(spki)
  if (key) search.work.signatureChecks++
  const good = key !== undefined && verifySigned(subject.certificate, key)
  results.set(id, good)
  return good
}

/** Signatures that can be forged: MD2, MD4, MD5 and SHA-1 with RSA, SHA-1 and SHA-224 with DSA, SHA-1 and SHA-224 with EC. */
const weakSignatures: ReadonlySet<string> = new Set([
  ...['2', '3', '4', '5', '14'].map(arc => `1.2.840.113549.1.1.${arc}`),
  ...['1.2.840.10040.4.3', '2.16.840.1.101.3.4.3.1', '1.3.14.3.2.29'],
  ...['1.2.840.10045.4.1', '1.2.840.10045.4.3.1'],
])

function signatureFinding(certificate: Certificate, depth: number): Finding | undefined {
  const { oid } = certificate.signatureAlgorithm
  if (verificationOf(certificate.signatureAlgorithm)) return undefined
  const rule = weakSignatures.has(oid) ? 'weak signature' : 'unsupported signature'
  const why =
    rule === 'weak signature'
      ? `the algorithm ${oid}, which can be forged`
      : `the algorithm ${oid}, or parameters of it, that are not accepted`
  return findingAt(
    depth,
    certificate,
    rule,
    `it is signed with ${why}: have it issued with SHA-256 or better`,
  )
}

const wrongSignature = (certificate: Certificate, depth: number): Finding =>
  findingAt(
    depth,
    certificate,
    'signature',
    `it names ${shown(certificate.issuer)} as its issuer, but was not signed by any key known for that name: it is forged, or that issuer has a new key, which is to be trusted first`,
  )

function unknownIssuer(subject: PathCertificate, depth: number, nameKnown: boolean): Finding {
  const { certificate, selfIssued, extensions, malformed } = subject
  if (certificate.issuer.rdns.length === 0)
    return findingAt(depth, certificate, 'name chaining', 'it names no issuer: have it issued again')
  if (malformed !== undefined)
    return findingAt(
      depth,
      certificate,
      'malformed extension',
      `an extension cannot be read (${malformed}): have it issued again`,
    )
  const issuer = shown(certificate.issuer)
  const keyId = extensions.authorityKeyIdentifier?.keyId?.toString('hex').slice(0, 128)
  const key = keyId ? ` (key identifier ${keyId})` : ''
  const remedy = 'send that intermediate certificate too, or add that root to the trusted ones'
  const what = selfIssued
    ? depth === 0
      ? 'it is self-signed, and not trusted here: have one issued by a trusted authority'
      : 'it is a root that is not trusted here: add it to the trusted ones, if it is to be'
    : nameKnown
      ? `it was issued by another key${key} of ${issuer} than is known here: ${remedy}`
      : `its issuer ${issuer}${key} is not known here: ${remedy}`
  return {
    ...findingAt(depth, certificate, 'unknown issuer', what),
    missing: { issuer, ...(keyId && { keyId }) },
  }
}
