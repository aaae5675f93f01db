import type { ClientAuth } from './client-auth.ts'
import { required } from './client-auth.ts'

/** Client id and secret as parameters of the body (RFC 6749 section 2.3.1), for servers that take no Basic. */
export function clientSecretPost(clientId: string, clientSecret: string): ClientAuth {
  required(clientId, 'The client id')
  required(clientSecret, 'The client secret')
  return request => {
    request.hide(clientSecret)
    request.body.set('client_id', clientId)
    request.body.set('client_secret', clientSecret)
  }
}
