import { authenticateCertificate, type CertificateClaim } from '../certificate.ts'
import type { ClientAuthenticationMethod } from '../method.ts'
import { isSelfIssued } from '../self-issued.ts'

/** A certificate of the connection that nobody vouches for, good because a key holds it (RFC 8705 section 2.2). */
export const selfSignedTlsClientAuth: ClientAuthenticationMethod<CertificateClaim> = {
  name: 'self_signed_tls_client_auth',
  place: 'connection',
  read: ({ authorization, parameters, certificate }) =>
    certificate && !authorization && isSelfIssued(certificate)
      ? { certificate, clientId: parameters.get('client_id') }
      : undefined,
  verify: authenticateCertificate,
}
