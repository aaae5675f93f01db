import { authenticateRegisteredClient } from '../../../core/clients/index.ts'
import { tokenRequestRules } from '../../../core/parameters.ts'
import { isProblem } from '../../../core/problem.ts'
import { tokenRequestChecks } from '../../../core/tokens/index.ts'
import { oauthProblem } from '../problems.ts'
import { at, type Exchange, type Face, guarded, type TokenServerParts } from '../token-endpoint.ts'

/** That of the described service, and that which clients of its platform API use. */
const tokenPaths = ['/oauth2/api/v1/token', '/oauth2/apitoken/v1']

/** The token service of SAP Neo, for registered clients alone: HTTP Basic, and nothing else, says who asks. */
export const neo: Face = {
  name: 'neo',
  problem: oauthProblem,
  addresses(server) {
    const endpoint = guarded('token', {
      dialects: ['neo'],
      problem: oauthProblem,
      checks: tokenRequestChecks,
      rules: tokenRequestRules,
      answer: exchange => answerToken(exchange, server),
    })
    return tokenPaths.map(path => at(path, endpoint))
  },
}

async function answerToken(exchange: Exchange, { services, handOut }: TokenServerParts) {
  const { request, parameters } = exchange
  const { tenant, source, certificate } = request.envelope
  const { authorization } = request.headers
  const authenticated = await authenticateRegisteredClient(
    { authorization, parameters, certificate },
    { tenant, source },
    services,
  )
  if (isProblem(authenticated)) return authenticated
  exchange.client = authenticated.client
  return handOut(exchange, authenticated)
}
