import { type TokenClient, TokenError } from '../../client/index.ts'
import { isProblem, Problem } from '../problem.ts'
import type { IdentityRequest, IdentityWay } from './way.ts'
import type { IdentityTokens } from './ways/token.ts'

export interface ServiceIdentitySettings {
  /** As in `{api}/.default`. */
  readonly scope: string | undefined
  /** Is the caller one to whom the service lends its own identity? */
  readonly admits: (request: IdentityRequest) => boolean
}

/**
 * The described flow of ten steps: where no credential is shown, the service gets a token for itself with its own
 * certificate, and lets the request proceed as the service. It makes a stranger the service, which is why it is put
 * together only where the configuration says so four times.
 */
export function serviceIdentityWay(
  { scope, admits }: ServiceIdentitySettings,
  client: Pick<TokenClient, 'token'>,
  tokens: IdentityTokens,
): IdentityWay {
  return {
    name: 'service identity',
    claims: request =>
      request.authorization === undefined &&
      request.session === undefined &&
      request.certificate === undefined &&
      admits(request),
    async prove() {
      try {
        const { value } = await client.token(scope === undefined ? {} : { scope })
        const proven = await tokens.verify(value, undefined)
        return isProblem(proven) ? proven : { ...proven, by: 'service' }
      } catch (error) {
        if (error instanceof TokenError)
          return new Problem('unavailable', 'the service has no token for itself', {
            reason: error.message,
            hint: 'See the log lines of the service about its keystore and its token server.',
          })
        throw error
      }
    },
  }
}
