import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import type { Addresses } from '../addresses.ts'
import type { Client } from '../clients/index.ts'
import { newId } from '../context.ts'
import type { Parameters } from '../parameters.ts'
import { plan } from '../plans.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import type { Dialect } from './dialects/dialect.ts'
import { dialectOf } from './dialects/index.ts'
import { tokenFormat, tokenFormats } from './formats/index.ts'
import { grants } from './grants/index.ts'
import { lifetimeOf } from './lifetime.ts'
import { type SigningKeys, signingKeyring } from './signing-keys.ts'

export interface Issuing extends SigningKeys {
  readonly addresses: Addresses
}

/** Who asks: a tenant's client, perhaps with a certificate that the token can be bound to. */
export interface Receiving {
  readonly tenant: Tenant
  readonly certificate?: PresentedCertificate | undefined
  /** How the client has proven itself. */
  readonly method: string
}

/** A token that was issued, in the words of a dialect. */
export interface Issued {
  readonly tokenId: string
  /** The name of its format. */
  readonly format: string
  /** The successful answer of the token endpoint (RFC 6749 section 5.1). */
  readonly response: Readonly<Record<string, unknown>>
}

/** The checks of a token request, in the order in which they run. */
export const tokenRequestChecks = [
  'request form',
  'client authentication method',
  'client credential',
  'grant type',
  'scope',
  'target',
  'token format',
  'token binding',
] as const

/**
 * Issues an access token to an authenticated client (RFC 6749 section 4.4). Writes nothing, but for the first token of a
 * tenant that needs a line of keys which the tenant does not have yet.
 */
export async function issueToken(
  parameters: Parameters,
  client: Client,
  { tenant, certificate, method }: Receiving,
  deps: Issuing,
): Promise<Issued | Problem> {
  const { keyrings, addresses, context } = deps
  const grant = chooseGrant(parameters, client)
  if (isProblem(grant)) return grant
  const granted = grant.grant(parameters, client)
  if (isProblem(granted)) return granted
  const audience = chooseAudience(parameters, client, tenant, addresses)
  if (isProblem(audience)) return audience
  const dialect = dialectOf(client)
  const format = chooseFormat(parameters, client, dialect)
  if (isProblem(format)) return format
  if (client.bindTokens && !certificate) return notBindable(client, tenant, addresses)

  const held = format.signs ? signingKeyring(tenant, dialect.keyLine, deps) : keyrings.of(tenant.id)
  const keyring = held instanceof Promise ? await held : held
  const now = context.now()
  const issuedAt = Math.floor(now / 1000)
  const tokenId = newId(context)
  const { told, written } = lifetimeOf(client, format.signs)
  const accessToken = format.issue(
    {
      tokenId,
      credentialId: client.credentialId,
      generation: client.generation,
      clientId: client.clientId,
      audience,
      scope: granted.scope,
      issuedAt,
      expiresAt: issuedAt + written,
      certificateThumbprint: client.bindTokens ? certificate!.thumbprint : undefined,
    },
    { dialect, client, tenant, addresses, method },
    { keyring, tenant, addresses, now },
  )
  const handedOut = { accessToken, tokenId, lifetime: told, scope: granted.scope }
  return { tokenId, format: format.name, response: dialect.response(handedOut) }
}

/** The instance wants its tokens bound (RFC 8705 section 3); an unbound one would be worth more to a thief. */
function notBindable(client: Client, tenant: Tenant, addresses: Addresses): Problem {
  return new Problem('invalid_request', 'a client certificate is needed', {
    check: 'token binding',
    reason: `instance ${client.instanceName} binds its tokens to a certificate, and the connection has none`,
    hint: `Let the sender use ${addresses.mtlsTokenEndpoint(tenant)}, with a certificate.`,
  })
}

function chooseGrant(parameters: Parameters, client: Client) {
  const name = parameters.get('grant_type')
  if (name === undefined)
    return new Problem('invalid_request', 'grant_type is missing', {
      check: 'grant type',
      hint: 'Send grant_type=client_credentials in the body or the query.',
    })
  const grant = grants.find(g => g.name === name)
  if (!grant)
    return new Problem('unsupported_grant_type', 'this grant type is not supported', {
      check: 'grant type',
      reason: `grant_type is ${JSON.stringify(name).slice(0, 100)}; supported: ${grants.map(g => g.name).join(', ')}`,
    })
  if (!client.grantTypes.includes(name))
    return new Problem('unauthorized_client', 'the client may not use this grant type', {
      check: 'grant type',
      reason: `instance ${client.instanceName} allows ${client.grantTypes.join(', ') || 'no grant types'}`,
    })
  return grant
}

/** RFC 8707 section 2; `audience` is a synonym (design 3.12). */
function chooseAudience(
  parameters: Parameters,
  client: Client,
  tenant: Tenant,
  addresses: Addresses,
): string | Problem {
  const audience = plan(client.plan)!.audience(addresses, tenant)
  for (const name of ['resource', 'audience']) {
    const asked = parameters.get(name)
    if (asked !== undefined && asked !== audience && asked !== `${audience}/`)
      return new Problem('invalid_target', 'tokens for this resource are not issued to this client', {
        check: 'target',
        reason: `${name} is ${JSON.stringify(asked).slice(0, 200)}; tokens of plan ${client.plan} are for ${audience}`,
        hint: `Leave ${name} out, or send ${audience}.`,
      })
  }
  return audience
}

function chooseFormat(parameters: Parameters, client: Client, { formatNames }: Dialect) {
  const name = parameters.get('token_format') ?? client.tokenFormat
  return (
    tokenFormat(formatNames?.get(name) ?? name) ??
    new Problem('invalid_request', 'this token_format is not supported', {
      check: 'token format',
      reason: `token_format is ${JSON.stringify(name).slice(0, 100)}; supported: ${tokenFormats.map(f => f.name).join(', ')}`,
    })
  )
}
