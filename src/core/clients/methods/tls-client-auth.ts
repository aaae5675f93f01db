import { authenticateCertificate, type CertificateClaim } from '../certificate.ts'
import type { ClientAuthenticationMethod } from '../method.ts'
import { isSelfIssued } from '../self-issued.ts'

/** The certificate of the connection, of an authority that is trusted (RFC 8705 section 2.1). */
export const tlsClientAuth: ClientAuthenticationMethod<CertificateClaim> = {
  name: 'tls_client_auth',
  place: 'connection',
  read: ({ authorization, parameters, certificate }) =>
    certificate && !authorization && !isSelfIssued(certificate)
      ? { certificate, clientId: parameters.get('client_id') }
      : undefined,
  verify: authenticateCertificate,
}
