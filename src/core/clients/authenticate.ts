import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import { isProblem, Problem } from '../problem.ts'
import { holderOf } from './certificate.ts'
import { type Client, needsCertificate, subjectOf } from './client.ts'
import type { ClientAuthentication, ClientAuthenticationMethod, ClientRequest, Origin } from './method.ts'
import { clientAuthenticationMethods } from './methods/index.ts'

/** A client that has proven itself, and how. */
export interface Authenticated {
  readonly client: Client
  readonly method: string
}

type Claim = { method: ClientAuthenticationMethod; presented: unknown }

/** Authenticates the client of a request to the token server: exactly one method may claim it (RFC 6749 section 2.3). */
export async function authenticateClient(
  request: ClientRequest,
  origin: Origin,
  deps: ClientAuthentication,
): Promise<Authenticated | Problem> {
  const claim = theOneClaim(request)
  if (isProblem(claim)) return claim
  if (!claim) return nobodyClaims(request, origin, deps)
  const { method, presented } = claim
  const client = await method.verify(presented, origin, deps)
  if (isProblem(client)) return client
  const { certificate } = request
  const rival =
    certificate && method.place !== 'connection'
      ? await otherKeyOf(certificate, request, client, origin, deps)
      : undefined
  return rival ?? { client, method: method.name }
}

function theOneClaim(request: ClientRequest): Claim | Problem | undefined {
  let claim: Claim | undefined
  for (const method of clientAuthenticationMethods) {
    if (claim && method.place === 'connection') break
    const presented = method.read(request)
    if (presented === undefined) continue
    if (isProblem(presented)) return presented
    if (claim) return tooMany(`both ${claim.method.name} and ${method.name} were used`, request)
    claim = { method, presented }
  }
  // An Authorization header of another scheme speaks for somebody as well.
  if (claim && claim.method.place !== 'header' && request.authorization)
    return tooMany(`${claim.method.name} was used beside an Authorization header`, request)
  return claim
}

/** A certificate beside another credential may bind the token, but not be the credential of somebody else. */
export async function otherKeyOf(
  certificate: PresentedCertificate,
  request: ClientRequest,
  client: Client,
  origin: Origin,
  deps: ClientAuthentication,
): Promise<Problem | undefined> {
  const holder = await holderOf(certificate, origin, deps)
  if (!holder || (!isProblem(holder) && holder.credentialId === client.credentialId)) return undefined
  const whose = isProblem(holder)
    ? `is refused (${holder.reason})`
    : `belongs to key ${holder.keyName} of instance ${holder.instanceName}`
  return tooMany(`the certificate of the connection ${whose}`, request).with({ subject: subjectOf(client) })
}

function tooMany(reason: string, { parameters }: ClientRequest): Problem {
  const clientId = parameters.get('client_id')
  return new Problem('invalid_request', 'more than one client authentication method', {
    check: 'client authentication method',
    reason,
    hint: 'Send one credential: Authorization header, body, or the certificate of the connection.',
    ...(clientId && { subject: { clientId } }),
  })
}

/** Nothing was sent that proves anything; where a client is named, the operator learns what it should have sent. */
async function nobodyClaims(
  { authorization, parameters }: ClientRequest,
  { tenant }: Origin,
  { directory, addresses }: ClientAuthentication,
): Promise<Problem> {
  const clientId = parameters.get('client_id')
  const client = clientId === undefined ? undefined : await directory.byClientId(tenant.id, clientId)
  const lacking = client && needsCertificate(client) ? client : undefined
  return new Problem('invalid_client', 'client authentication failed', {
    check: 'client authentication method',
    reason: authorization
      ? 'the Authorization header is not of a known scheme'
      : `no client authentication was sent${clientId ? ', only a client_id' : ''}${lacking ? `; key ${lacking.keyName} needs its certificate` : ''}`,
    hint: lacking
      ? `With its certificate, the sender must use ${addresses.mtlsTokenEndpoint(tenant)}; if it does, its HTTP client sent none.`
      : 'Send clientid and clientsecret of the service key as HTTP Basic or in the body, or use the certificate of the key at its own address.',
    ...(client ? { subject: subjectOf(client) } : clientId && { subject: { clientId } }),
  })
}
