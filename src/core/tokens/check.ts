import { hash } from 'node:crypto'
import { Refusal, tokenChecks } from '../../guard/access-token.ts'
import type { Addresses } from '../addresses.ts'
import { BoundedCache } from '../cache.ts'
import { type Client, type ClientDirectory, outOfUse } from '../clients/index.ts'
import type { Context } from '../context.ts'
import { plan } from '../plans.ts'
import { Problem } from '../problem.ts'
import { after, type Soon } from '../soon.ts'
import type { Tenant } from '../tenant.ts'
import { tokenFormats } from './formats/index.ts'
import type { Keyring, Keyrings } from './keyring.ts'
import { endOf } from './lifetime.ts'
import type { RevokedTokens } from './revocations.ts'
import type { AccessToken } from './token.ts'

/** A token that may be used now, by whom, and for what. */
export interface ActiveToken {
  readonly token: AccessToken
  readonly client: Client
  readonly audience: string
  /** The roles in the token that the instance still has; of a registered client, those that its user has now. */
  readonly roles: ReadonlySet<string>
}

/** The checks of a token, in the order in which they run. */
export const activeTokenChecks = [
  ...tokenChecks.map(name => `token ${name}`),
  'token not revoked',
  'credential exists',
  'credential generation',
  'credential in use',
  'token lifetime',
  'token resource',
] as const

export interface TokenChecking {
  check(text: string, tenant: Tenant): Soon<ActiveToken | Problem>
}

/** A token whose signature or seal was found good. */
interface Verified {
  readonly tenantId: string
  readonly token: AccessToken
  /** What it is good for. The directory gives another client when anything of it changes, and then this is out of date. */
  active: ActiveToken | undefined
}

const cachedTokens = 10_000
const longestToken = 16_384

/**
 * Checks access tokens of this server. What costs processor time (signature, seal) is remembered by the digest
 * of the token; what can change (dates, keys, revocation, credential, roles) is looked at on every use.
 */
export function createTokenChecking(deps: {
  keyrings: Keyrings
  revoked: RevokedTokens
  directory: ClientDirectory
  addresses: Addresses
  context: Pick<Context, 'now'>
}): TokenChecking {
  const { keyrings, revoked, directory, addresses, context } = deps
  const verified = new BoundedCache<Verified>(cachedTokens)

  function authentic(text: string, tenant: Tenant, keyring: Keyring, now: number): Verified | Refusal {
    const digest = hash('sha256', text, 'base64')
    const known = verified.get(digest)
    if (known?.tenantId === tenant.id && isFresh(known.token, keyring, now)) return known
    const format = tokenFormats.find(f => f.recognises(text))!
    const token = format.verify(text, { keyring, tenant, addresses, now })
    if (token instanceof Refusal) return token
    const found = { tenantId: tenant.id, token, active: undefined }
    verified.set(digest, found)
    return found
  }

  async function checkWhenRead(text: string, tenant: Tenant): Promise<ActiveToken | Problem> {
    const keyring = await keyrings.of(tenant.id)
    if (!revoked.isLoaded(tenant.id)) await revoked.load(tenant.id)
    return checkWith(keyring, text, tenant)
  }

  function checkWith(keyring: Keyring, text: string, tenant: Tenant): Soon<ActiveToken | Problem> {
    const now = context.now()
    const known = authentic(text, tenant, keyring, now)
    if (known instanceof Refusal) return refuse(`token ${known.check}`, known.reason)
    const { token } = known
    if (revoked.has(tenant.id, token)) return refuseToken(token, 'token not revoked', 'the token was revoked')
    return after(directory.byCredentialId(token.credentialId), client => judge(known, client, tenant, now))
  }

  function judge(
    known: Verified,
    client: Client | undefined,
    tenant: Tenant,
    now: number,
  ): ActiveToken | Problem {
    const { token } = known
    if (client?.tenantId !== tenant.id)
      return refuseToken(token, 'credential exists', 'the key that got this token was deleted').with({
        hint: 'Create a new key and let the sender fetch a new token.',
      })
    if (client.generation !== token.generation)
      return refuseToken(token, 'credential generation', 'all tokens of this key were revoked')
    const unusable = outOfUse(client, now)
    if (unusable) return refuseToken(token, 'credential in use', unusable)
    const expiresAt = endOf(token, client)
    if (expiresAt < token.expiresAt && now >= expiresAt * 1000)
      return refuseToken(
        token,
        'token lifetime',
        `expired ${Math.ceil(now / 1000 - expiresAt)} s ago: tokens of client ${client.clientId} live for ${client.tokenValidity} s`,
      )
    if (known.active?.client === client) return known.active
    const audience = plan(client.plan)!.audience(addresses, tenant)
    if (token.audiences && !token.audiences.includes(audience))
      return refuseToken(
        token,
        'token resource',
        `the token is for ${token.audiences.join(', ').slice(0, 300)}, and tokens of plan ${client.plan} are for ${audience}`,
      )
    known.active = {
      token: expiresAt === token.expiresAt ? token : { ...token, expiresAt },
      client,
      audience,
      roles: rolesNow(token, client),
    }
    return known.active
  }

  return {
    check(text, tenant) {
      if (text.length > longestToken)
        return refuse('token structure', `the token has ${text.length} characters`)
      const keyring = keyrings.of(tenant.id)
      return keyring instanceof Promise || !revoked.isLoaded(tenant.id)
        ? checkWhenRead(text, tenant)
        : checkWith(keyring, text, tenant)
    },
  }
}

/** May what was verified before still be relied on? */
function isFresh({ expiresAt, keyId }: AccessToken, keyring: Keyring, now: number): boolean {
  return expiresAt * 1000 > now && keyring.isLive(keyId, now)
}

/** What a token carries as far as its instance still has it; a registered client has the roles of its user. */
function rolesNow({ scope }: AccessToken, { roles, registration }: Client): ReadonlySet<string> {
  if (registration) return roles
  const kept = new Set(scope.filter(role => roles.has(role)))
  // Usually all of them: thousands of tokens then share one set.
  return kept.size === roles.size ? roles : kept
}

function refuseToken({ credentialId, clientId }: AccessToken, check: string, reason: string): Problem {
  return refuse(check, reason).with({ subject: { credentialId, ...(clientId && { clientId }) } })
}

function refuse(check: string, reason: string): Problem {
  return new Problem('invalid_token', 'the access token is not valid', {
    check,
    reason,
    hint: 'Let the sender fetch a new token.',
  })
}
