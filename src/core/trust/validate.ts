import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { nameEquals } from '../../crypto/names.ts'
import { type PathProblem, searchLimits, validatePath } from '../../crypto/path/index.ts'
import { verifySigned } from '../../crypto/signed.ts'
import { importSpki } from '../../crypto/spki.ts'
import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import { iso } from '../context.ts'
import type { Known } from './known.ts'
import { newCertificate, type Untrusted, untrusted, type Verdict } from './verdict.ts'

/**
 * Section 6 of RFC 5280, as openssl does by default, not the profile of section 4 as well: roots and certificates made
 * by hand seldom have every identifier, and what is missing there is nobody's proof.
 */
export function validate(
  { anchors, intermediates, retired }: Known,
  presented: PresentedCertificate,
  now: number,
): Verdict {
  let leaf: Certificate
  try {
    leaf = parseCertificate(presented.der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return untrusted('malformed', `the certificate cannot be read: ${error.message}`, newCertificate, false)
  }
  const found = validatePath({
    leaf,
    intermediates: completed(leaf, presented.chain.flatMap(readable), intermediates),
    anchors,
    now,
    purpose: 'clientAuth',
    requireEku: true,
    policy: { strict: false },
  })
  if (found.ok) return { ok: true, leaf, chain: found.chain }
  const top = found.missing?.issuer ?? ''
  const retiredAt = retired.get(top)
  if (retiredAt !== undefined) return ofRetired(top, retiredAt)
  const selfSigned = isSelfSigned(leaf)
  return untrusted(found.rule, found.message, hintFor(found, selfSigned), selfSigned)
}

/**
 * Path building looks at ten others at most (`searchLimits`): those that were sent, and of those that we know the
 * ones that continue them.
 */
function completed(
  leaf: Certificate,
  sent: readonly Certificate[],
  known: readonly Certificate[],
): Certificate[] {
  const chosen = [...sent]
  for (let more = true; more && chosen.length < searchLimits.intermediates; ) {
    const next = known.find(
      one => !chosen.includes(one) && [leaf, ...chosen].some(({ issuer }) => nameEquals(issuer, one.subject)),
    )
    if (next) chosen.push(next)
    more = next !== undefined
  }
  return chosen
}

/** What is no certificate cannot help to complete a chain, and does no harm either. */
function readable(der: Buffer): Certificate[] {
  try {
    return [parseCertificate(der)]
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
}

/** To be told to trust it again would be the wrong advice: its key may have leaked. */
const ofRetired = (root: string, at: number): Untrusted =>
  untrusted(
    'retired root',
    `${root}, from which the certificate comes, was retired on ${iso(at)}`,
    'Make a successor: countersign key rotate INSTANCE NAME.',
    false,
  )

function hintFor(problem: PathProblem, selfSigned: boolean): string {
  if (problem.rule === 'unknown issuer' && problem.missing)
    return selfSigned
      ? 'A self-signed certificate is good only where a service key holds it and the tenant allows it.'
      : `If ${problem.missing.issuer} is to be trusted: countersign trust add FILE. If it is an intermediate, the sender must send it along, or you add it in the same way.`
  if (problem.rule === 'extended key usage')
    return 'Client certificates must carry the extended key usage clientAuth (1.3.6.1.5.5.7.3.2); public authorities leave it out since 2025.'
  return newCertificate
}

/** Signed by its own key, under its own name: vouched for by nobody else. */
export function isSelfSigned(certificate: Certificate): boolean {
  if (!nameEquals(certificate.subject, certificate.issuer)) return false
  try {
    return verifySigned(certificate, importSpki(certificate.spki.raw))
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}
