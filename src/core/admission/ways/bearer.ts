import type { PresentedCertificate } from '../../../guard/presented-certificate.ts'
import { type Client, endOfCertificate } from '../../clients/index.ts'
import { isProblem, Problem } from '../../problem.ts'
import { after } from '../../soon.ts'
import { type ActiveToken, activeTokenChecks } from '../../tokens/index.ts'
import type { Caller } from '../caller.ts'
import type { Way } from '../way.ts'

const form = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** An access token in the Authorization header (RFC 6750 section 2.1). */
export const bearer: Way = {
  name: 'Bearer',
  checks: ['bearer form', ...activeTokenChecks, 'token binding'],
  claims: ({ authorization }) => authorization !== undefined && /^Bearer( |$)/i.test(authorization),
  identify({ authorization, tenant, certificate }, deps) {
    const token = form.exec(authorization!)?.[1]
    if (!token)
      return new Problem('invalid_token', 'the access token is not valid', {
        check: 'bearer form',
        reason: 'the Authorization header holds no single token after Bearer',
        hint: 'Check the sender for a missing token, quotes or line breaks in it.',
      })
    return after(deps.checking.check(token, tenant), active =>
      isProblem(active) ? active : holderOf(active, certificate, deps.context.now()),
    )
  },
}

/** The holder of a token; who holds a bound one must show its certificate. */
function holderOf(
  active: ActiveToken,
  certificate: PresentedCertificate | undefined,
  now: number,
): Caller | Problem {
  const { client, roles, audience, token } = active
  const unbound = whyUnbound(token.certificateThumbprint, certificate, client, now)
  if (unbound !== undefined)
    return new Problem('invalid_token', 'the access token is not valid', {
      check: 'token binding',
      reason: `the token is bound to a certificate, and ${unbound} (RFC 8705 section 3)`,
      hint: 'Let the sender call with the certificate that it got the token with.',
      subject: { clientId: client.clientId, credentialId: client.credentialId },
    })
  return { client, by: 'token', roles, audience, token: active }
}

/** Why a token with this `cnf` is not good here and now; a certificate that has ended carries none either. */
function whyUnbound(
  thumbprint: string | undefined,
  certificate: PresentedCertificate | undefined,
  client: Client,
  now: number,
): string | undefined {
  if (thumbprint === undefined) return undefined
  if (thumbprint !== certificate?.thumbprint)
    return `the request came ${certificate ? 'with another one' : 'without one'}`
  return endOfCertificate(client, thumbprint, now)
}
