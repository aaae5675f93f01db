import type { Certificate } from '../certificate.ts'
import { nameEquals, parseName } from '../names.ts'
import { type PathCertificate, pathCertificate } from '../path/path-certificate.ts'
import { keyFinding, keyOf } from '../path/strength.ts'
import { verifySigned } from '../signed.ts'
import type { Crl } from './parse.ts'

/** A list that is known to come from this authority: the only kind that can be asked. */
export interface VerifiedCrl extends Crl {
  readonly verifiedBy: Certificate
}

export type CrlProblem = 'issuer name' | 'key identifier' | 'key usage' | 'weak key' | 'signature'

export type CrlVerification =
  | { readonly ok: true; readonly crl: VerifiedCrl }
  | { readonly ok: false; readonly why: CrlProblem }

type Rule = (crl: Crl, issuer: PathCertificate) => boolean

/** What must hold, the signature last, for it costs most (RFC 5280 section 6.3.3 (f) and (g)). */
const rules: readonly (readonly [CrlProblem, Rule])[] = [
  ['issuer name', (crl, { certificate }) => nameEquals(crl.issuer, certificate.subject)],
  ['key identifier', keyIdentifierFits],
  [
    'key usage',
    (_, { malformed, extensions }) =>
      malformed === undefined && extensions.keyUsage?.includes('cRLSign') !== false,
  ],
  ['weak key', (_, { certificate }) => keyFinding(keyOf(certificate.spki)) === undefined],
  [
    'signature',
    (crl, { certificate }) => {
      const key = keyOf(certificate.spki)
      return key !== undefined && verifySigned(crl, key)
    },
  ],
]

/**
 * Has this authority signed this list? A list by another key, though of the same name, or by another authority on
 * its behalf (indirect) is not accepted. Whether the authority itself is trusted, and its certificate valid, is for
 * `validatePath` to say. Never throws; costs one signature over the whole list.
 */
export function verifyCrl(crl: Crl, issuer: Certificate): CrlVerification {
  const subject = pathCertificate(issuer)
  const broken = rules.find(([, holds]) => !holds(crl, subject))
  return broken ? { ok: false, why: broken[0] } : { ok: true, crl: { ...crl, verifiedBy: issuer } }
}

function keyIdentifierFits(
  { authorityKeyIdentifier: hint }: Crl,
  { certificate: issuer, extensions }: PathCertificate,
): boolean {
  const keyId = extensions.subjectKeyIdentifier
  if (hint?.keyId && keyId && !hint.keyId.equals(keyId)) return false
  if (!hint?.certificate) return true
  const names = hint.certificate.issuer.flatMap(name =>
    name.kind === 'dn' ? [parseName(name.name.raw)] : [],
  )
  return (
    hint.certificate.serial === issuer.serial &&
    (names.length === 0 || names.some(name => nameEquals(name, issuer.issuer)))
  )
}
