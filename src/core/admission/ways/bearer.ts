import { isProblem, Problem } from '../../problem.ts'
import { activeTokenChecks } from '../../tokens/index.ts'
import type { Way } from '../way.ts'

const form = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** An access token in the Authorization header (RFC 6750 section 2.1). */
export const bearer: Way = {
  name: 'Bearer',
  checks: ['bearer form', ...activeTokenChecks],
  claims: ({ authorization }) => authorization !== undefined && /^Bearer( |$)/i.test(authorization),
  async identify({ authorization, tenant }, { checking }) {
    const token = form.exec(authorization!)?.[1]
    if (!token)
      return new Problem('invalid_token', 'the access token is not valid', {
        check: 'bearer form',
        reason: 'the Authorization header holds no single token after Bearer',
        hint: 'Check the sender for a missing token, quotes or line breaks in it.',
      })
    const active = await checking.check(token, tenant)
    if (isProblem(active)) return active
    const { client, roles, audience } = active
    return { client, by: 'token', roles, audience, token: active }
  },
}
