import { sameDigest } from '../../crypto/secret.ts'
import { formDecode } from '../parameters.ts'
import { isProblem, Problem } from '../problem.ts'
import { type Authenticated, otherKeyOf } from './authenticate.ts'
import { hasControlCharacter, readPlainBasic } from './basic.ts'
import { type ChosenSecrets, digestOf, type Presented } from './chosen-secrets.ts'
import { type Client, outOfUse, type Registration, subjectOf } from './client.ts'
import type { ClientAuthentication, ClientRequest, Origin } from './method.ts'

export interface RegisteredAuthentication extends ClientAuthentication {
  readonly chosenSecrets: ChosenSecrets
}

type RegisteredClient = Client & { readonly registration: Registration }

/**
 * Authenticates a registered client (SAP Neo), by HTTP Basic alone. Clients of Neo encode nothing before base64, those
 * that follow RFC 6749 section 2.3.1 do, so a secret is tried as it stands and decoded.
 *
 * Unknown client, another kind of client and wrong secret look alike and take the same time. Past the limit of failures
 * of a source, even the right one is refused where a person chose it: it might be found by trying.
 */
export async function authenticateRegisteredClient(
  request: ClientRequest,
  origin: Origin,
  deps: RegisteredAuthentication,
): Promise<Authenticated | Problem> {
  const read = readRequest(request)
  if (isProblem(read)) return read
  const { clientId, secrets } = read
  const found = await deps.directory.byClientId(origin.tenant.id, clientId)
  const client = found && isRegistered(found) ? found : undefined
  const presented = secrets.map(secret => digestOf(secret, deps.vault))
  const now = deps.context.now()
  const checked = await checkSecret(presented, clientId, client, origin, deps)
  const refused = checked ?? outOfUse(client!, now)
  if (refused !== undefined) return refuse(refused, clientId, found, origin, deps)
  const { certificate } = request
  const rival = certificate && (await otherKeyOf(certificate, request, client!, origin, deps))
  return rival ?? { client: client!, method: 'client_secret_basic' }
}

const isRegistered = (client: Client): client is RegisteredClient => client.registration !== undefined

const check = 'client authentication method'
const inBody = ['client_secret', 'client_assertion'] as const

function readRequest({ authorization, parameters }: ClientRequest) {
  const named = parameters.get('client_id')
  const sent = inBody.find(name => parameters.has(name))
  const basic = authorization !== undefined && /^Basic( |$)/i.test(authorization)
  if (!basic)
    return new Problem('invalid_client', 'client authentication failed', {
      check,
      reason: sent
        ? `the request has ${sent} in its body, which this address does not take`
        : authorization === undefined
          ? 'no client authentication was sent'
          : 'the Authorization header is not of the scheme Basic',
      hint: 'Let the sender use HTTP Basic: the client id as user, the secret as password.',
      ...(named && { subject: { clientId: named } }),
    })
  const read = readPlainBasic(authorization)
  if (typeof read === 'string')
    return new Problem('invalid_client', 'client authentication failed', {
      check,
      reason: `the Basic header is malformed: ${read}`,
    })
  // Ids hold nothing that needs encoding; who encodes them all the same writes %7E for ~ and the like.
  const clientId = formDecode(read.clientId) ?? read.clientId
  if (sent || (named !== undefined && named !== clientId))
    return new Problem('invalid_request', 'more than one client authentication method', {
      check,
      reason: sent ? `both the Authorization header and ${sent} were sent` : 'client_id names another client',
      subject: { clientId },
    })
  const decoded = formDecode(read.secret)
  const usable = decoded !== undefined && decoded !== read.secret && !hasControlCharacter(decoded)
  return { clientId, secrets: usable ? [read.secret, decoded] : [read.secret] }
}

/** undefined: it is the client's secret; a text says why not; a Problem: it was not looked at. */
async function checkSecret(
  presented: readonly Presented[],
  clientId: string,
  client: RegisteredClient | undefined,
  { source }: Origin,
  { chosenSecrets, failures, context }: RegisteredAuthentication,
): Promise<string | Problem | undefined> {
  if (isGenerated(presented, client)) return undefined
  const wait = failures.waitsFor(source, clientId, context.now())
  if (wait !== undefined) return tooMany('too many failed attempts', 'this source failed too often', wait)
  const stored = client?.registration.chosenSecret
  const { credentialId = '' } = client ?? {}
  if (
    stored !== undefined &&
    presented.some(({ digest }) => chosenSecrets.known(credentialId, stored, digest))
  )
    return undefined
  for (const one of presented) {
    const unknown =
      stored !== undefined && chosenSecrets.known(credentialId, stored, one.digest) === undefined
    const outcome = unknown
      ? await chosenSecrets.verify(credentialId, stored, one, source)
      : await chosenSecrets.pretend(one, source)
    if (outcome === 'full')
      return tooMany('too many attempts at once', 'too many secrets of this source wait to be checked', 1)
    if (outcome === true) return undefined
  }
  return client ? 'wrong secret' : 'no registered client of this id in this tenant'
}

/** A secret that we made is told by its digest, in constant time, and never made to wait. */
function isGenerated(presented: readonly Presented[], client: RegisteredClient | undefined): boolean {
  let found = false
  for (const { digest } of presented)
    if (sameDigest(digest, client?.secretDigest ?? nobody) && client?.secretDigest) found = true
  return found
}

const nobody = Buffer.alloc(32)

const tooMany = (description: string, reason: string, retryAfter: number): Problem =>
  new Problem('too_many_failures', description, { check: 'client credential', reason, retryAfter })

function refuse(
  refused: string | Problem,
  clientId: string,
  found: Client | undefined,
  { source }: Origin,
  { failures, context }: RegisteredAuthentication,
): Problem {
  const subject = found ? subjectOf(found) : { clientId }
  if (isProblem(refused)) return refused.with({ subject })
  const details = { check: 'client credential', reason: refused, hint: hintFor(found), subject }
  const wait = failures.failed(source, clientId, context.now())
  return wait === undefined
    ? new Problem('invalid_client', 'client authentication failed', details)
    : new Problem('too_many_failures', 'too many failed attempts', { ...details, retryAfter: wait })
}

function hintFor(found: Client | undefined): string {
  if (!found) return 'Compare the client id with `countersign client list`; upper and lower case count.'
  if (!isRegistered(found))
    return `It is the service key ${found.keyName} of instance ${found.instanceName}: let the sender use the tokenurl of that key.`
  return found.registration.disabled
    ? `Let it in again: countersign client enable ${found.clientId}`
    : `Give it another secret: countersign client update ${found.clientId} --new-secret`
}
