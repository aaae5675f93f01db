import { type DecodedJwt, decodeJwt } from '../../../crypto/jwt.ts'
import { Problem } from '../../problem.ts'
import type { ClientRequest } from '../method.ts'

/** A client assertion, taken apart; nothing in it is proven. */
export interface PresentedAssertion {
  readonly jwt: DecodedJwt
  /** Whom it speaks for, by `client_id` or by itself. */
  readonly clientId: string
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const longest = 16 * 1024
/** Those that clients write. A token or proof of another protocol must not pass for an assertion (RFC 8725 section 3.11). */
const types: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'client-authentication+jwt'])

/** Reads the assertion of a request (RFC 7523 section 2.2); undefined: there is none. */
export function readAssertion({ parameters }: ClientRequest): PresentedAssertion | Problem | undefined {
  const text = parameters.get('client_assertion')
  const type = parameters.get('client_assertion_type')
  if (text === undefined && type === undefined) return undefined
  const clientId = parameters.get('client_id')
  if (text === undefined || type !== jwtBearer)
    return new Problem('invalid_request', `client_assertion needs client_assertion_type ${jwtBearer}`, {
      check: 'client authentication method',
      ...(clientId && { subject: { clientId } }),
    })
  const jwt = decodeJwt(text, longest)
  if (typeof jwt === 'string') return malformed(jwt, clientId)
  const typ =
    typeof jwt.header.typ === 'string'
      ? jwt.header.typ.toLowerCase().replace(/^application\//, '')
      : jwt.header.typ
  if (!types.has(typ)) return malformed('its typ is that of something else', clientId)
  const claimed = clientId ?? jwt.claims.sub
  if (typeof claimed !== 'string' || claimed === '') return malformed('it has no sub', clientId)
  return { jwt, clientId: claimed }
}

const malformed = (reason: string, clientId: string | undefined): Problem =>
  new Problem('invalid_client', 'client authentication failed', {
    check: 'client credential',
    reason: `the client assertion cannot be used: ${reason}`,
    ...(clientId && { subject: { clientId } }),
  })
