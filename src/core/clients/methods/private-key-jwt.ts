import { acceptedNames, algorithm } from '../../../crypto/algorithms.ts'
import { type DecodedJwt, verifyJwt } from '../../../crypto/jwt.ts'
import { show } from '../../../guard/access-token.ts'
import { isProblem, Problem } from '../../problem.ts'
import { claimsProblem, longestAssertionMs, soleAudience } from '../assertion/claims.ts'
import type { AssertionKey } from '../assertion/key.ts'
import { isReplayed, reportReplay } from '../assertion/one-time.ts'
import { type PresentedAssertion, readAssertion } from '../assertion/read.ts'
import { type Refusal, whyNot } from '../certificate-refusal.ts'
import { type Client, outOfUse, subjectOf } from '../client.ts'
import type { ClientAuthentication, ClientAuthenticationMethod, Origin } from '../method.ts'

/** A statement of the client about itself, signed with a key that is registered (RFC 7523 section 2.2). */
export const privateKeyJwt: ClientAuthenticationMethod<PresentedAssertion> = {
  name: 'private_key_jwt',
  place: 'body',
  read: readAssertion,
  async verify({ jwt, clientId }, origin, deps) {
    const { directory } = deps
    const found = directory.byClientId(origin.tenant.id, clientId)
    const cached = !(found instanceof Promise)
    const client = cached ? found : await found
    const refused = client ? await verifyAssertion(jwt, client, origin, deps) : nobody
    if (!refused) return client!
    if (isProblem(refused)) return refused
    // The time must not tell whether the client exists.
    if (cached) await directory.pretendLookup(origin.tenant.id, clientId)
    return new Problem('invalid_client', 'client authentication failed', {
      check: 'client credential',
      reason: refused.reason,
      hint:
        refused.hint ??
        (client
          ? `Compare with \`countersign key show ${client.instanceName} ${client.keyName}\`.`
          : 'Compare the client id with `countersign key list INSTANCE`; a deleted key does not come back.'),
      subject: client ? subjectOf(client) : { clientId },
    })
  },
}

const nobody: Refusal = { reason: 'no client of this id in this tenant' }

/** Why an assertion proves nothing; undefined: it was the client, just now. */
async function verifyAssertion(
  jwt: DecodedJwt,
  client: Client,
  origin: Origin,
  deps: ClientAuthentication,
): Promise<Refusal | Problem | undefined> {
  const now = deps.context.now()
  const expired = outOfUse(client, now)
  if (expired !== undefined) return { reason: expired }
  const signer = await signerOf(jwt, client, origin, deps)
  if ('reason' in signer) return signer
  const { audiences, older } = audiencesOf(client, origin, deps)
  const wrong = claimsProblem(jwt.claims, {
    clientId: client.clientId,
    audiences,
    longestMs: longestAssertionMs,
    now,
  })
  if (wrong !== undefined)
    return {
      reason: `the client assertion is not good: ${wrong}`,
      ...(older.includes(soleAudience(jwt.claims) as string) && {
        hint: `Let the client name the issuer. For one that cannot: countersign instance update ${client.instanceName} --assertion-audience token-endpoint`,
      }),
    }
  const replayed = await isReplayed(jwt, client, deps)
  if (isProblem(replayed)) return replayed
  if (replayed && client.assertionReplay === 'refused')
    return {
      reason: 'the client assertion was used before: its jti counts once',
      hint: `Let the client make a new assertion for each request. For one that cannot: countersign instance update ${client.instanceName} --assertion-replay reported`,
    }
  if (replayed) reportReplay(jwt, client, origin.tenant, deps)
  deps.used(signer.id, now)
  return undefined
}

/** The registered key that has signed, and counts now; or why none has. */
async function signerOf(
  jwt: DecodedJwt,
  client: Client,
  origin: Origin,
  deps: ClientAuthentication,
): Promise<AssertionKey | Refusal> {
  const expected = algorithm(jwt.header.alg)
  if (!expected)
    return {
      reason: `the client assertion is signed with alg ${show(jwt.header.alg)}; ${acceptedNames.join(', ')} are accepted`,
    }
  const found = await deps.assertionKeys.find(client, jwt.header, expected.name)
  if (typeof found === 'string')
    return { reason: `the client assertion is signed by no registered key: ${found}` }
  const fitting = found.filter(({ key }) => expected.fits(key))
  if (fitting.length === 0)
    return {
      reason: `the client assertion is signed with ${expected.name}, for which the key that it names is not fit`,
    }
  let ended: Refusal | undefined
  for (const signer of fitting) {
    if (!verifyJwt(jwt, signer.key, expected)) continue
    const end = await endOf(client, signer, origin, deps)
    if (!end) return signer
    // One key may stand in several certificates, of which another one counts.
    ended ??= end
  }
  return (
    ended ?? {
      reason: 'the signature of the client assertion is wrong: the key that it names has not made it',
    }
  )
}

/** A certificate counts for assertions as long as it does for connections. */
async function endOf(
  client: Client,
  { certificate }: AssertionKey,
  origin: Origin,
  { trust, context }: ClientAuthentication,
): Promise<Refusal | undefined> {
  if (!certificate) return undefined
  const verdict = await trust.evaluate(origin.tenant.id, certificate)
  return whyNot(client, certificate, verdict, origin, context.now())
}

/** The issuer alone (RFC 7523 as revised); for older clients, where the instance says so, the token endpoint too. */
function audiencesOf(client: Client, { tenant }: Origin, { addresses }: ClientAuthentication) {
  const issuer = addresses.issuer(tenant)
  const tokenEndpoints = [addresses.tokenEndpoint(tenant), addresses.mtlsTokenEndpoint(tenant)]
  return client.assertionAudience === 'token-endpoint'
    ? { audiences: [issuer, ...tokenEndpoints], older: [] }
    : { audiences: [issuer], older: tokenEndpoints }
}
