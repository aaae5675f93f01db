import type { Certificate } from '../certificate.ts'
import { nameEquals } from '../names.ts'
import { OID } from '../oids.ts'
import { pathCertificate } from '../path/path-certificate.ts'
import { keyFinding, keyOf } from '../path/strength.ts'
import { verifySigned } from '../signed.ts'
import type { Spki } from '../spki.ts'
import { responderKeyHash } from './build-response.ts'
import type { IssuerIdentity } from './cert-id.ts'
import type { BasicOcspResponse, ResponderId } from './read-response.ts'

export interface Moment {
  readonly now: number
  readonly skewMs: number
}

/** Who has signed an answer: the issuer itself, or a responder by its certificate. */
export type Responder = 'issuer' | Certificate

/**
 * Who may have signed this answer, and has (RFC 6960 section 4.2.2.2): the issuer of the certificate, or whom it has
 * itself certified for OCSPSigning. That one's own revocation is not asked for, whether it has ocspNoCheck or not.
 */
export function signerOf(
  response: BasicOcspResponse,
  issuer: IssuerIdentity,
  moment: Moment,
): Responder | 'unauthorized responder' | 'signature' {
  const isIssuer = isMeant(response.responderId, issuer) && isUsable(issuer.spki)
  const delegates = response.certificates.filter(
    candidate => isMeant(response.responderId, candidate) && isDelegate(candidate, issuer, moment),
  )
  if (isIssuer && hasSigned(response, issuer.spki)) return 'issuer'
  const signer = delegates.find(({ spki }) => hasSigned(response, spki))
  return signer ?? (isIssuer || delegates.length > 0 ? 'signature' : 'unauthorized responder')
}

const isMeant = (id: ResponderId, candidate: IssuerIdentity): boolean =>
  'name' in id ? nameEquals(id.name, candidate.subject) : id.keyHash.equals(responderKeyHash(candidate))

const isUsable = (spki: Spki): boolean => keyFinding(keyOf(spki)) === undefined

function hasSigned(signed: Parameters<typeof verifySigned>[0], spki: Spki): boolean {
  const key = keyOf(spki)
  return key !== undefined && verifySigned(signed, key)
}

function isDelegate(candidate: Certificate, issuer: IssuerIdentity, { now, skewMs }: Moment): boolean {
  const { extensions, unknownCritical, malformed } = pathCertificate(candidate)
  const { extendedKeyUsage, keyUsage } = extensions
  return (
    malformed === undefined &&
    unknownCritical.length === 0 &&
    // anyExtendedKeyUsage does not do: the power to speak for an authority is given in words.
    extendedKeyUsage?.includes(OID.ocspSigning) === true &&
    (!keyUsage || keyUsage.includes('digitalSignature') || keyUsage.includes('nonRepudiation')) &&
    now + skewMs >= candidate.notBefore &&
    now < candidate.notAfter + 1000 &&
    isUsable(candidate.spki) &&
    nameEquals(candidate.issuer, issuer.subject) &&
    hasSigned(candidate, issuer.spki)
  )
}
