import { DerError } from '../../crypto/der.ts'
import {
  buildOcspError,
  buildOcspResponse,
  type CertId,
  certIdMatches,
  type OcspAnswer,
  readOcspRequest,
} from '../../crypto/ocsp/index.ts'
import { type Context, hour, minute } from '../context.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Authority, AuthorityDirectory, AuthorityMember } from './directory.ts'
import type { IssuedCertificateTable } from './store.ts'

export interface OcspAnswering {
  readonly store: Transactions<{ issued: IssuedCertificateTable }>
  readonly authorities: AuthorityDirectory
  readonly context: Pick<Context, 'now'>
}

/** An answer may be relied upon for so long. */
const answerValidityMs = hour

/**
 * Answers an OCSP request (RFC 6960) about certificates of the tenant, signed by the responder of their authority.
 * A serial number that was never given away is unknown, not good. DER in, DER out; broken requests are answered too.
 */
export async function answerOcsp(
  request: Buffer,
  tenant: Pick<Tenant, 'id'>,
  { store, authorities, context }: OcspAnswering,
): Promise<Buffer> {
  const asked = readRequest(request)
  if (!asked) return buildOcspError('malformedRequest')
  const now = context.now()
  const authority = await authorities.of(tenant.id)
  const signers = authority.members.filter(({ role, holdsKey }) => role === 'issuing' && holdsKey)
  // One signature covers the answer: it is that of the first certificate's authority, and speaks for no other.
  const signer = signers.find(({ certificate }) => certIdMatches(asked.certIds[0]!, certificate))
  const responder = signer && responderOf(authority, signer, now)
  if (!signer || !responder) return buildOcspError(signer ? 'tryLater' : 'unauthorized')
  const answers: OcspAnswer[] = []
  for (const certId of asked.certIds) answers.push(await answerFor(certId, signer, store.read.issued))
  return buildOcspResponse({
    responder: { certificate: responder.certificate, key: responder.key() },
    producedAt: now,
    thisUpdate: now - 5 * minute,
    nextUpdate: now + answerValidityMs,
    answers,
    certificates: [responder.certificate.raw],
    ...(asked.nonce && { nonce: asked.nonce }),
  })
}

function readRequest(request: Buffer) {
  try {
    return readOcspRequest(request)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

async function answerFor(
  certId: CertId,
  signer: AuthorityMember,
  issued: IssuedCertificateTable,
): Promise<OcspAnswer> {
  if (!certIdMatches(certId, signer.certificate)) return { certId, status: 'unknown' }
  const serial = certId.serial.toString(16).padStart(2, '0')
  const certificate = certId.serial > 0n ? await issued.bySerial(signer.id, serial) : undefined
  if (!certificate) return { certId, status: 'unknown' }
  return certificate.revokedAt === undefined
    ? { certId, status: 'good' }
    : { certId, status: 'revoked', at: certificate.revokedAt, reason: certificate.reason }
}

/** The newest certificate that may answer for this authority, and has a while to go. */
export function responderOf(
  { members }: Authority,
  signer: AuthorityMember,
  now: number,
): AuthorityMember | undefined {
  return members
    .filter(
      ({ role, issuerId, certificate }) =>
        role === 'ocsp' && issuerId === signer.id && certificate.notAfter - now > answerValidityMs,
    )
    .toSorted((a, b) => b.createdAt - a.createdAt)[0]
}
