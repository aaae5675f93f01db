import { hash } from 'node:crypto'
import type { Addresses } from '../addresses.ts'
import type { Authenticated } from '../clients/index.ts'
import { newId } from '../context.ts'
import { entraProblem } from '../entra-errors.ts'
import type { Parameters } from '../parameters.ts'
import { isProblem, type Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { type Issued, type SigningKeys, signingKeyring } from '../tokens/index.ts'
import { isGuid } from './rules.ts'
import type { ApplicationTable } from './store.ts'

export interface IssuingToApplications extends SigningKeys {
  readonly addresses: Addresses
  readonly store: SigningKeys['store'] & Transactions<{ applications: ApplicationTable }>
}

/** Which endpoint was asked: it says how the resource is named, and how the answer is written. Not how tokens look. */
export type EndpointVersion = 1 | 2

/** The checks of this file, in the order in which they run; the first of them before the client is looked at. */
export const applicationTokenChecks = ['scope', 'resource', 'assignment'] as const

/** Seconds. */
const validity = 3600

/** That a token is asked for in the only way that applications have; undefined: it is. */
export function checkGrantType(parameters: Parameters): Problem | undefined {
  const asked = parameters.get('grant_type')
  if (asked === 'client_credentials') return undefined
  return asked === undefined
    ? entraProblem(900144, ['grant_type'], { check: 'grant type' })
    : entraProblem(70003, [asked], { check: 'grant type' })
}

/**
 * Issues an access token to an application for one resource, which says by its own setting which version it reads. The
 * token carries the roles of the resource that were granted, and none where none was.
 */
export async function issueToApplication(
  parameters: Parameters,
  { client, method }: Authenticated,
  { tenant, version }: { readonly tenant: Tenant; readonly version: EndpointVersion },
  deps: IssuingToApplications,
): Promise<Issued | Problem> {
  const { addresses, context } = deps
  const asked = version === 2 ? resourceOfScope(parameters) : resourceParameter(parameters)
  if (isProblem(asked)) return asked
  const { applications } = deps.store.read
  const resource = await applications.resource(tenant.id, ownUri(asked))
  if (!resource)
    return entraProblem(500011, [asked, tenant.name], {
      check: 'resource',
      hint: 'See `countersign app list`: a scope names the id or the App ID URI of an application.',
    })
  if (resource.disabled) return entraProblem(50001, [asked], { check: 'resource' })
  const roles = await applications.rolesAt(client.credentialId, resource.id)
  if (resource.assignmentRequired && roles.length === 0)
    return entraProblem(501051, [client.clientId, resource.clientId], {
      check: 'assignment',
      hint: `Grant one: countersign app grant ${client.clientId} --resource ${resource.clientId} --role ROLE`,
    })

  const now = context.now()
  const held = signingKeyring(tenant, 'rs256', deps)
  const keyring = held instanceof Promise ? await held : held
  const tokenId = newId(context)
  const issuedAt = Math.floor(now / 1000)
  const issuer = issuerOf(tenant, resource.tokenVersion, addresses)
  const common = {
    iss: issuer,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + validity,
    idtyp: 'app',
    oid: client.application!.objectId,
    // What the token server looks at when it is asked whether the token may still be used; opaque to others.
    rh: `${client.credentialId}.${client.generation}`,
    ...(roles.length > 0 && { roles }),
    sub: client.application!.objectId,
    tid: tenant.guid,
    uti: tokenId,
  }
  const proof = method === 'private_key_jwt' ? '2' : '1'
  const accessToken = keyring
    .signer('rs256', headers[resource.tokenVersion], now)
    .sign(
      resource.tokenVersion === 2
        ? { aud: resource.clientId, ...common, azp: client.clientId, azpacr: proof, ver: '2.0' }
        : { aud: asked, ...common, appid: client.clientId, appidacr: proof, idp: issuer, ver: '1.0' },
    )
  return { tokenId, format: 'jwt', response: responses[version](accessToken, issuedAt, asked) }
}

/** `iss` of tokens of a version. */
export const issuerOf = (tenant: Tenant, version: EndpointVersion, { directory }: Addresses): string =>
  `${directory(tenant.guid)}/${version === 2 ? 'v2.0' : ''}`

/** SHA-1 of the certificate of a signing key: its name in headers and key sets, `kid` as well as `x5t`. */
export const sha1Thumbprint = (der: Buffer): string => hash('sha1', der, 'base64url')

const headers = {
  1: {
    name: 'entra-v1',
    header(certificate: () => Buffer) {
      const x5t = sha1Thumbprint(certificate())
      return { typ: 'JWT', kid: x5t, x5t }
    },
  },
  2: {
    name: 'entra-v2',
    header: (certificate: () => Buffer) => ({ typ: 'JWT', kid: sha1Thumbprint(certificate()) }),
  },
} as const

type Responder = (accessToken: string, issuedAt: number, resource: string) => Record<string, unknown>

/** The older endpoint writes its numbers as text. A second less: the answer takes its time. */
const responses: Readonly<Record<EndpointVersion, Responder>> = {
  1: (accessToken, issuedAt, resource) => ({
    token_type: 'Bearer',
    expires_in: String(validity - 1),
    ext_expires_in: String(validity - 1),
    expires_on: String(issuedAt + validity),
    not_before: String(issuedAt),
    resource,
    access_token: accessToken,
  }),
  2: accessToken => ({
    token_type: 'Bearer',
    expires_in: validity - 1,
    ext_expires_in: validity - 1,
    access_token: accessToken,
  }),
}

const suffix = '/.default'

/** Scopes of OpenID Connect, which some clients send always: they say nothing where nobody logs in. */
const ofPeople: ReadonlySet<string> = new Set(['openid', 'profile', 'offline_access', 'email'])

/** The one resource of which all granted roles are asked for. */
function resourceOfScope(parameters: Parameters): string | Problem {
  const scope = parameters.get('scope')
  if (scope === undefined) return entraProblem(900144, ['scope'], { check: 'scope' })
  const parts = [...new Set(scope.split(' ').filter(part => part !== '' && !ofPeople.has(part)))]
  const [first] = parts
  if (first === undefined || !parts.every(part => part.endsWith(suffix) && part.length > suffix.length))
    return entraProblem(1002012, [scope], { check: 'scope' })
  return parts.length === 1
    ? first.slice(0, -suffix.length)
    : entraProblem(700022, [scope], { check: 'scope' })
}

function resourceParameter(parameters: Parameters): string | Problem {
  return parameters.get('resource') ?? entraProblem(900144, ['resource'], { check: 'scope' })
}

/** Every application may be called api:// and its id, whether or not it says so. */
function ownUri(asked: string): string {
  const id = /^api:\/\/([^/]+)$/i.exec(asked)?.[1]?.toLowerCase()
  return id !== undefined && isGuid(id) ? id : asked
}
