import type { Context } from '../context.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Vault } from '../vault.ts'
import type { IdAndSecret } from './basic.ts'
import type { Client } from './client.ts'
import type { ClientDirectory } from './directory.ts'
import type { FailureCounter } from './failures.ts'
import type { ClientAuthenticationMethod, ClientRequest } from './method.ts'
import { clientAuthenticationMethods } from './methods/index.ts'
import { verifySecret } from './secret.ts'

export interface ClientAuthentication {
  readonly directory: ClientDirectory
  readonly vault: Vault
  readonly failures: FailureCounter
  readonly context: Pick<Context, 'now'>
}

/** Where a request came from, for counting failures. */
export interface Origin {
  readonly tenantId: string
  /** Network address of the peer. */
  readonly source: string
}

/** A client that has proven itself, and how. */
export interface Authenticated {
  readonly client: Client
  readonly method: string
}

type Claim = { method: ClientAuthenticationMethod; presented: { clientId: string } }

/**
 * Authenticates the client of a request to the token server: exactly one method may claim it (RFC 6749
 * section 2.3). Every failure looks the same from outside and takes the same time.
 */
export async function authenticateClient(
  request: ClientRequest,
  origin: Origin,
  deps: ClientAuthentication,
): Promise<Authenticated | Problem> {
  const claim = theOneClaim(request)
  if (isProblem(claim)) return claim
  const { method, presented } = claim
  const client = await prove(presented.clientId, c => method.verify(presented, c, deps.vault), origin, deps)
  return isProblem(client) ? client : { client, method: method.name }
}

/**
 * Checks a client id and secret that were presented to a protected resource (RFC 7617), with the same equal
 * answers and the same back-off.
 */
export function authenticateSecret(
  presented: IdAndSecret,
  origin: Origin,
  deps: ClientAuthentication,
): Promise<Client | Problem> {
  const verify = (client: Client | undefined) => verifySecret(presented.secret, client, deps.vault)
  return prove(presented.clientId, verify, origin, deps)
}

async function prove(
  clientId: string,
  verify: (client: Client | undefined) => string | undefined,
  origin: Origin,
  { directory, failures, context }: ClientAuthentication,
): Promise<Client | Problem> {
  const found = directory.byClientId(origin.tenantId, clientId)
  const cached = !(found instanceof Promise)
  const client = cached ? found : await found
  const refused = verify(client) ?? outOfUse(client!, context.now())
  if (refused === undefined) return client!
  if (cached) await directory.pretendLookup(origin.tenantId, clientId)
  return refuse(refused, clientId, client, origin, failures, context.now())
}

function theOneClaim(request: ClientRequest): Claim | Problem {
  let claim: Claim | undefined
  for (const method of clientAuthenticationMethods) {
    const presented = method.read(request)
    if (presented === undefined) continue
    if (isProblem(presented)) return presented
    if (claim) return tooMany(`both ${claim.method.name} and ${method.name} were used`, presented.clientId)
    claim = { method, presented }
  }
  // An Authorization header of another scheme speaks for somebody as well.
  if (claim && claim.method.place !== 'header' && request.authorization)
    return tooMany(`${claim.method.name} was used beside an Authorization header`, claim.presented.clientId)
  return claim ?? nobodyClaims(request)
}

function tooMany(reason: string, clientId: string): Problem {
  return new Problem('invalid_request', 'more than one client authentication method', {
    check: 'client authentication method',
    reason,
    hint: 'Send the credential in one place only: Authorization header or body.',
    subject: { clientId },
  })
}

function nobodyClaims({ authorization, parameters }: ClientRequest): Problem {
  const clientId = parameters.get('client_id')
  return new Problem('invalid_client', 'client authentication failed', {
    check: 'client authentication method',
    reason: authorization
      ? 'the Authorization header is not of a known scheme'
      : `no client authentication was sent${clientId ? ', only a client_id' : ''}`,
    hint: 'Send clientid and clientsecret of the service key as HTTP Basic, or in the body.',
    ...(clientId && { subject: { clientId } }),
  })
}

/** Why a credential that is right is not good any more. */
export function outOfUse(client: Client, now: number): string | undefined {
  if (client.expiresAt !== undefined && client.expiresAt <= now)
    return `the key expired at ${new Date(client.expiresAt).toISOString()}`
  return undefined
}

function refuse(
  reason: string,
  clientId: string,
  client: Client | undefined,
  { source }: Origin,
  failures: FailureCounter,
  now: number,
): Problem {
  const details = {
    check: 'client credential',
    reason,
    hint: client
      ? `Compare with the service key ${client.keyName} of instance ${client.instanceName}, or create a new key.`
      : 'Compare the client id with `countersign key list INSTANCE`; a deleted key does not come back.',
    subject: client
      ? { clientId, credentialId: client.credentialId, instance: client.instanceName, key: client.keyName }
      : { clientId },
  }
  const wait = failures.failed(source, clientId, now)
  return wait === undefined
    ? new Problem('invalid_client', 'client authentication failed', details)
    : new Problem('too_many_failures', 'too many failed attempts', { ...details, retryAfter: wait })
}
