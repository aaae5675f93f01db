import { sameDigest, secretDigest } from '../../crypto/secret.ts'
import type { Addresses } from '../addresses.ts'
import { iso } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Vault } from '../vault.ts'
import type { IdAndSecret } from './basic.ts'
import { type Client, needsCertificate, outOfUse, subjectOf } from './client.ts'
import type { ClientAuthentication, Origin } from './method.ts'

/**
 * Checks a client id and secret (RFC 6749 section 2.3.1), presented to the token server or to a protected resource
 * (RFC 7617). Unknown client, wrong secret and wrong kind of key look alike and take the same time; repeated
 * failures are told to wait.
 */
export async function authenticateSecret(
  { clientId, secret }: IdAndSecret,
  { tenant, source }: Origin,
  { directory, vault, failures, addresses, context }: ClientAuthentication,
): Promise<Client | Problem> {
  const found = directory.byClientId(tenant.id, clientId)
  const cached = !(found instanceof Promise)
  const someone = cached ? found : await found
  // Registered clients have an address of their own (registered.ts), and are nobody anywhere else.
  const client = someone?.registration ? undefined : someone
  const now = context.now()
  const refused = verifySecret(secret, client, vault, now) ?? outOfUse(client!, now)
  if (refused === undefined) return client!
  if (cached) await directory.pretendLookup(tenant.id, clientId)
  const details = {
    check: 'client credential',
    reason: refused,
    hint: hintFor(someone, clientId, tenant, addresses),
    subject: someone ? subjectOf(someone) : { clientId },
  }
  const wait = failures.failed(source, clientId, now)
  return wait === undefined
    ? new Problem('invalid_client', 'client authentication failed', details)
    : new Problem('too_many_failures', 'too many failed attempts', { ...details, retryAfter: wait })
}

function hintFor(
  client: Client | undefined,
  clientId: string,
  tenant: Origin['tenant'],
  addresses: Addresses,
): string {
  if (!client)
    return 'Compare the client id with `countersign key list INSTANCE`; a deleted key does not come back.'
  if (client.registration)
    return `${clientId} is a registered client: let the sender get its tokens at ${addresses.registeredTokenEndpoint(tenant)}, and call with a token.`
  if (client.application)
    return `${clientId} is an application: let it get its tokens at the tokenurl that \`countersign app show ${clientId}\` tells.`
  if (needsCertificate(client))
    return `With its certificate, the sender must use ${addresses.mtlsTokenEndpoint(tenant)}.`
  return `Compare with the service key ${client.keyName} of instance ${client.instanceName}, or create a new key.`
}

const nobody = Buffer.alloc(32)

/**
 * Is this the client's secret? undefined: yes; else why not. One HMAC and two comparisons in constant time
 * whatever is wrong, so that the time does not tell whether the client exists, or has two secrets.
 */
export function verifySecret(
  secret: string,
  client: Client | undefined,
  vault: Vault,
  now: number,
): string | undefined {
  const digest = secretDigest(vault.pepper, secret)
  const isCurrent = sameDigest(digest, client?.secretDigest ?? nobody)
  const isPrevious = sameDigest(digest, client?.previousSecret?.digest ?? nobody)
  if (!client) return 'no client of this id in this tenant'
  if (!client.secretDigest) return `the key is of type ${client.type} and has no secret`
  if (isCurrent) return undefined
  if (!isPrevious) return 'wrong secret'
  const { until } = client.previousSecret!
  return now < until ? undefined : `the secret was rotated, and good until ${iso(until)}`
}
