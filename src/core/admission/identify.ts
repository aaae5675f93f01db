import { Problem } from '../problem.ts'
import type { Soon } from '../soon.ts'
import type { Caller } from './caller.ts'
import type { Identification, ResourceRequest } from './way.ts'
import { certificate } from './ways/certificate.ts'
import { ways } from './ways/index.ts'

/**
 * The one function that every protected address goes through: who calls? Exactly one credential identifies a
 * caller; anything else is refused (design 3.6). `accepts` names the ways that the address admits.
 */
export function identify(
  request: ResourceRequest,
  deps: Identification,
  accepts: readonly string[] = everyWay,
): Soon<Caller | Problem> {
  for (const way of ways)
    if (way.claims(request) && accepts.includes(way.name)) return way.identify(request, deps)
  if (request.authorization === undefined)
    return new Problem('no_credentials', 'credentials are needed', {
      check: 'credentials present',
      reason: 'the request carries no credentials',
      hint: `Send an access token (Authorization: Bearer ...). Some HTTP clients drop the header on redirects.${withCertificate(request, deps, accepts)}`,
    })
  return new Problem('bad_credentials', 'the credentials are not valid', {
    check: 'credentials present',
    reason: `${schemeOf(request.authorization)} is not accepted here`,
    hint: `Accepted here: ${accepts.join(', ')}.`,
  })
}

/** To a port that asks for no certificate none is sent, and the sender does not notice. */
const withCertificate = (
  { tenant }: ResourceRequest,
  { addresses }: Identification,
  accepts: readonly string[],
): string =>
  accepts.includes(certificate.name)
    ? ` A sender with a certificate calls ${addresses.mtls(tenant)}, the only address that asks for one; if it does, its HTTP client sent none.`
    : ''

/** A credential sent without a scheme stands where the scheme belongs, and is never repeated. */
function schemeOf(authorization: string): string {
  const scheme = /^([A-Za-z][A-Za-z0-9-]{0,19}) /.exec(authorization)?.[1]
  return scheme ? `the Authorization scheme ${scheme}` : 'an Authorization header without a scheme'
}

const everyWay = ways.map(way => way.name)

/** The checks that identification runs for this request, in order. */
export function identificationChecks(
  request: Pick<ResourceRequest, 'authorization' | 'certificate'>,
): readonly string[] {
  const way = ways.find(w => w.claims(request as ResourceRequest))
  return ['credentials present', ...(way?.checks ?? [])]
}
