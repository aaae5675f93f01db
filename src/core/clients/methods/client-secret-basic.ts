import { Problem } from '../../problem.ts'
import { type IdAndSecret, readBasic } from '../basic.ts'
import type { ClientAuthenticationMethod } from '../method.ts'
import { authenticateSecret } from '../secret.ts'

/** Id and secret in the Authorization header (RFC 6749 section 2.3.1). */
export const clientSecretBasic: ClientAuthenticationMethod<IdAndSecret> = {
  name: 'client_secret_basic',
  place: 'header',
  read({ authorization, parameters }) {
    if (!authorization || !/^Basic( |$)/i.test(authorization)) return undefined
    const presented = readBasic(authorization)
    if (typeof presented === 'string')
      return new Problem('invalid_client', 'client authentication failed', {
        check: 'client authentication method',
        reason: `the Basic header is malformed: ${presented}`,
      })
    const named = parameters.get('client_id')
    if (named !== undefined && named !== presented.clientId)
      return new Problem('invalid_request', 'client_id names another client than the Authorization header', {
        check: 'client authentication method',
        subject: { clientId: presented.clientId },
      })
    return presented
  },
  verify: authenticateSecret,
}
