import type { TlsOptions } from '../http.ts'
import type { ClientAuth } from './client-auth.ts'
import { required } from './client-auth.ts'

/**
 * The client certificate of the TLS connection is the credential (RFC 8705 section 2); the body only names the
 * client. `certificate`: from `clientCertificate(...)`, or PKCS#12 as `{ pfx, passphrase }`; without it, the one in
 * the client's own `tls` options is shown.
 */
export function tlsClientAuth(
  clientId: string,
  certificate: Pick<TlsOptions, 'cert' | 'key' | 'pfx' | 'passphrase'> = {},
): ClientAuth {
  required(clientId, 'The client id')
  return request => {
    request.body.set('client_id', clientId)
    Object.assign(request.tls, certificate)
  }
}
