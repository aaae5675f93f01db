import { sameDigest, secretDigest } from '../../../crypto/secret.ts'
import { iso } from '../../context.ts'
import { entraProblem } from '../../entra-errors.ts'
import type { Parameters } from '../../parameters.ts'
import { isProblem, type Problem } from '../../problem.ts'
import { readAssertion } from '../assertion/read.ts'
import { type Authenticated, otherKeyOf } from '../authenticate.ts'
import { readBasic } from '../basic.ts'
import { type Client, subjectOf } from '../client.ts'
import type { ClientAuthentication, ClientRequest } from '../method.ts'
import type { ApplicationClient, ApplicationOrigin } from './application.ts'
import { verifyApplicationAssertion } from './assertion.ts'

/** Which credential says who asks, and for whom. */
interface Claimed {
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | undefined
  readonly clientId: string | undefined
  readonly secret?: string
}

/** The checks of this file, in the order in which they run. */
export const applicationChecks = [
  'client id',
  'client exists',
  'client enabled',
  'client authentication method',
  'client credential',
] as const

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Authenticates an application (Microsoft Entra) by one of its secrets, or by an assertion that one of its certificates
 * has signed. The order of checks is that of Entra, so that its clients get the numbers that they know. Whether a GUID
 * is that of an application is no secret there.
 */
export async function authenticateApplication(
  request: ClientRequest,
  origin: ApplicationOrigin,
  deps: ClientAuthentication,
): Promise<Authenticated | Problem> {
  const claimed = readClaim(request)
  if (isProblem(claimed)) return claimed
  const { clientId: sent } = claimed
  if (sent === undefined) return entraProblem(900144, ['client_id'], { check: 'client id' })
  const clientId = guid.test(sent) ? sent.toLowerCase() : sent
  const found = await deps.directory.byClientId(origin.tenant.id, clientId)
  const client = found && isApplication(found) ? found : undefined
  if (!client) return unknown(clientId, found, origin)
  const subject = subjectOf(client)
  if (client.application.disabled)
    return entraProblem(7000112, [clientId], {
      check: 'client enabled',
      hint: `Let it in again: countersign app enable ${clientId}`,
      subject,
    })
  const refused = await refusalOf(claimed, request, client, origin, deps)
  if (refused) return refused.with({ subject })
  const { certificate } = request
  const rival = certificate && (await otherKeyOf(certificate, request, client, origin, deps))
  return rival ?? { client, method: claimed.method! }
}

const isApplication = (client: Client): client is ApplicationClient => client.application !== undefined

function unknown(clientId: string, found: Client | undefined, { tenant }: ApplicationOrigin): Problem {
  return entraProblem(700016, [clientId, tenant.guid], {
    check: 'client exists',
    reason: found
      ? `${clientId} is a client of dialect ${found.dialect}, and this address serves applications only`
      : 'no application of this id in this tenant',
    hint: found
      ? 'Compare the address with the tokenurl of the service key.'
      : 'Compare the client id with `countersign app list`.',
    subject: found ? subjectOf(found) : { clientId },
  })
}

const check = 'client authentication method'

/** Who is claimed to ask. That several credentials were sent is told once the client is known. */
function readClaim({ authorization, parameters }: ClientRequest): Claimed | Problem {
  const named = parameters.get('client_id')
  if (authorization !== undefined && /^Basic( |$)/i.test(authorization)) {
    const basic = readBasic(authorization)
    if (typeof basic === 'string')
      return entraProblem(9002313, ['the Authorization header'], {
        check: 'client id',
        reason: `the Basic header is malformed: ${basic}`,
      })
    if (named !== undefined && named !== basic.clientId)
      return entraProblem(9002313, ['client_id is not that of the Authorization header'], {
        check: 'client id',
        subject: { clientId: basic.clientId },
      })
    return { method: 'client_secret_basic', ...basic }
  }
  const secret = parameters.get('client_secret')
  if (parameters.has('client_assertion') || parameters.has('client_assertion_type'))
    return { method: 'private_key_jwt', clientId: named ?? selfNamed(parameters) }
  return {
    method: secret === undefined ? undefined : 'client_secret_post',
    clientId: named,
    ...(secret && { secret }),
  }
}

/** RFC 7521 section 4.2: `client_id` may be left out, the assertion names its client. */
function selfNamed(parameters: Parameters): string | undefined {
  const read = readAssertion({ authorization: undefined, parameters })
  return read === undefined || isProblem(read) ? undefined : read.clientId
}

/** Why the credential does not prove the client; undefined: it does. */
async function refusalOf(
  { method, secret }: Claimed,
  request: ClientRequest,
  client: ApplicationClient,
  origin: ApplicationOrigin,
  deps: ClientAuthentication,
): Promise<Problem | undefined> {
  const { parameters, authorization } = request
  const sent = [
    authorization !== undefined,
    parameters.has('client_secret'),
    parameters.has('client_assertion') || parameters.has('client_assertion_type'),
  ].filter(Boolean).length
  if (sent > 1)
    return entraProblem(9002313, ['more than one client credential was sent'], {
      check,
      hint: 'Send one credential: Authorization header, client_secret or client_assertion.',
    })
  if (method === undefined)
    return entraProblem(7000218, [], {
      check,
      reason: authorization
        ? 'the Authorization header is not of the scheme Basic'
        : 'no client authentication was sent, only a client_id',
    })
  return secret === undefined
    ? verifyApplicationAssertion(request, client, origin, deps)
    : verifySecret(secret, client, origin, deps)
}

/** One HMAC, and as many comparisons in constant time as there are secrets. */
function verifySecret(
  secret: string,
  { clientId, application }: ApplicationClient,
  { source }: ApplicationOrigin,
  { vault, failures, context }: ClientAuthentication,
): Problem | undefined {
  const digest = secretDigest(vault.pepper, secret)
  const now = context.now()
  const right = application.secrets.filter(one => sameDigest(digest, one.digest))
  if (right.some(({ expiresAt }) => expiresAt === undefined || expiresAt > now)) return undefined
  const [expired] = right
  if (expired)
    return entraProblem(7000222, [clientId], {
      check: 'client credential',
      reason: `the secret expired at ${iso(expired.expiresAt!)}`,
      hint: `Make another one: countersign app secret add ${clientId}`,
    })
  const reason = application.secrets.length === 0 ? 'the application has no secret' : 'wrong secret'
  const hint = `See \`countersign app secret list ${clientId}\`; what is sent must be the secret, not its id.`
  const wait = failures.failed(source, clientId, now)
  return wait === undefined
    ? entraProblem(7000215, [clientId], { check: 'client credential', reason, hint })
    : entraProblem(90055, [], { check: 'client credential', reason, hint, retryAfter: wait })
}
