import { Problem } from '../../problem.ts'
import type { IdAndSecret } from '../basic.ts'
import type { ClientAuthenticationMethod } from '../method.ts'
import { authenticateSecret } from '../secret.ts'

/** Id and secret in the body (RFC 6749 section 2.3.1). */
export const clientSecretPost: ClientAuthenticationMethod<IdAndSecret> = {
  name: 'client_secret_post',
  place: 'body',
  read({ parameters }) {
    const secret = parameters.get('client_secret')
    if (secret === undefined) return undefined
    const clientId = parameters.get('client_id')
    if (clientId === undefined)
      return new Problem('invalid_request', 'client_secret needs client_id', {
        check: 'client authentication method',
      })
    return { clientId, secret }
  },
  verify: authenticateSecret,
}
