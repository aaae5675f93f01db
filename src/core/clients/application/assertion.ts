import { algorithm } from '../../../crypto/algorithms.ts'
import { type DecodedJwt, verifyJwt } from '../../../crypto/jwt.ts'
import type { Addresses } from '../../addresses.ts'
import { hour, iso } from '../../context.ts'
import { entraProblem } from '../../entra-errors.ts'
import { isProblem, type Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import { amongCertificates, type CertificateKey, certificateKey } from '../assertion/certificate-keys.ts'
import { brokenRule, type RuleName } from '../assertion/claims.ts'
import type { Header } from '../assertion/key.ts'
import { isReplayed, reportReplay } from '../assertion/one-time.ts'
import { readAssertion } from '../assertion/read.ts'
import { type Client, subjectOf } from '../client.ts'
import type { ClientAuthentication, ClientRequest } from '../method.ts'
import type { ApplicationClient, ApplicationOrigin } from './application.ts'

/** As long as Entra takes them; its own libraries say ten minutes. */
export const longestApplicationAssertionMs = hour

const check = 'client credential'

/**
 * Why an assertion does not prove the application; undefined: it does. What was sent beside the certificate (chain,
 * subject) is no matter: its dates count, and that it is registered.
 */
export async function verifyApplicationAssertion(
  request: ClientRequest,
  client: ApplicationClient,
  { tenant }: ApplicationOrigin,
  deps: ClientAuthentication,
): Promise<Problem | undefined> {
  const { clientId } = client
  const now = deps.context.now()
  const read = readAssertion(request)
  if (read === undefined || isProblem(read))
    return entraProblem(50027, ['it cannot be read'], {
      check,
      reason: read?.reason ?? 'there is no client assertion',
    })
  const { jwt } = read
  const expected = algorithm(jwt.header.alg)
  if (!expected) return entraProblem(50027, [`algorithm ${String(jwt.header.alg)}`], { check })
  if (!namesKey(jwt.header))
    return entraProblem(50027, ['No certificate thumbprint specified in token header'], {
      check,
      hint: 'The header must have x5t#S256 or x5t, the thumbprint of the certificate.',
    })
  const used = thumbprintOf(jwt.header)
  const refuseKey = (why: string, reason: string) =>
    entraProblem(700027, [why, used, clientId], {
      check,
      reason,
      hint: `Compare with \`countersign app certificate list ${clientId}\`.`,
    })
  const found = amongCertificates(keysOf(client), jwt.header)
  if (typeof found === 'string') return refuseKey('The key was not found.', found)
  const signers = found.filter(({ key }) => verifyJwt(jwt, key, expected))
  const [first] = signers
  if (!first)
    return refuseKey(
      'Key was found, but use of the key to verify the signature failed.',
      found.some(({ key }) => expected.fits(key))
        ? 'the signature is wrong: the key that the header names has not made it'
        : `the key that the header names is not one for ${expected.name}`,
    )
  // One key may stand in several certificates, of which another one counts.
  const signer = signers.find(({ dates }) => now >= dates.notBefore && now <= dates.notAfter)
  if (!signer)
    return now < first.dates.notBefore
      ? refuseKey('The key is not valid yet.', `the certificate begins at ${iso(first.dates.notBefore)}`)
      : refuseKey('The key used is expired.', `the certificate ended at ${iso(first.dates.notAfter)}`)
  const refused = refuseClaims(jwt, client, tenant, now, deps.addresses)
  if (refused) return refused
  const replayed = await isReplayed(jwt, client, deps)
  if (isProblem(replayed)) return replayed
  if (replayed && client.assertionReplay === 'refused')
    return entraProblem(50027, ['its jti was used before'], {
      check,
      reason: 'the client assertion was used before: its jti counts once',
      hint: `Its own libraries send one assertion again until it ends. To let them: countersign app update ${clientId} --assertion-replay reported`,
    })
  if (replayed) reportReplay(jwt, client, tenant, deps)
  deps.used(signer.id, now)
  return undefined
}

/** Does a header say which key it is? Without, all of the client would be tried. */
const namesKey = (header: Header): boolean =>
  ['x5t#S256', 'x5t', 'kid'].some(name => header[name] !== undefined) ||
  (Array.isArray(header.x5c) && header.x5c.length > 0)

/** An application's certificate; nobody needs to vouch for it, but its dates count. */
interface DatedKey extends CertificateKey {
  readonly dates: { readonly notBefore: number; readonly notAfter: number }
}

const known = new WeakMap<Client, readonly DatedKey[]>()

/** The keys of a client; imported once, because it is another object as soon as anything of it changes. */
function keysOf(client: ApplicationClient): readonly DatedKey[] {
  let keys = known.get(client)
  if (!keys) {
    keys = client.application.certificates.map(({ der, thumbprint, ...dates }) => ({
      ...certificateKey(client.credentialId, der, thumbprint),
      dates,
    }))
    known.set(client, keys)
  }
  return keys
}

/** As Entra prints it: hexadecimal, upper case. It is public, and was sent by the caller. */
function thumbprintOf({ x5t, kid, x5c, 'x5t#S256': x5tS256 }: Header): string {
  const sent = x5tS256 ?? x5t
  if (typeof sent === 'string') return Buffer.from(sent, 'base64url').toString('hex').toUpperCase()
  if (typeof kid === 'string') return kid
  return x5c === undefined ? '' : 'x5c'
}

function refuseClaims(
  { claims }: DecodedJwt,
  client: ApplicationClient,
  tenant: Tenant,
  now: number,
  addresses: Addresses,
): Problem | undefined {
  const { clientId } = client
  const audiences = audiencesOf(tenant, addresses)
  const broken = brokenRule(withLowerCaseIds(claims), {
    clientId,
    audiences,
    longestMs: longestApplicationAssertionMs,
    now,
  })
  if (!broken) return undefined
  const { rule, reason } = broken
  const { iss, sub, aud, nbf, exp } = claims
  const window = [entraTime(now), timeOf(nbf), timeOf(exp), reason]
  const numbers: Readonly<Record<RuleName, readonly [number, readonly unknown[]]>> = {
    subject: [50048, [sub, iss]],
    client: [700021, [iss]],
    audience: [700023, [aud, audiences[0]]],
    time: [700024, window],
    lifetime: [700024, window],
    id: [50027, [reason]],
  }
  const [number, values] = numbers[rule]
  return entraProblem(number, values, {
    check,
    reason: `the client assertion is not good: ${reason}`,
    subject: subjectOf(client),
  })
}

/** GUIDs are written in either case. */
function withLowerCaseIds({ iss, sub, aud, ...claims }: DecodedJwt['claims']): DecodedJwt['claims'] {
  const lower = (value: unknown): unknown =>
    typeof value === 'string' ? value.replace(guids, id => id.toLowerCase()) : value
  return {
    ...claims,
    iss: lower(iss),
    sub: lower(sub),
    aud: Array.isArray(aud) ? aud.map(lower) : lower(aud),
  }
}

const guids = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi

/** The token endpoint and the issuer, of either version, by any name of the tenant. */
function audiencesOf(tenant: Tenant, { directory }: Addresses): string[] {
  return [tenant.guid, tenant.name, ...tenant.aliases]
    .map(directory)
    .flatMap(base => [`${base}/oauth2/v2.0/token`, `${base}/oauth2/token`, `${base}/v2.0`, `${base}/`])
}

const timeOf = (seconds: unknown): string =>
  entraTime(typeof seconds === 'number' && Math.abs(seconds) < 8e12 ? seconds * 1000 : 0)

/** To seven digits of a second. */
const entraTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '0000Z')
